"""Cuts a file into raw rows, a chunk at a time: a row is a line, or several where a quoted cell holds line breaks.

Lines without quotation marks are never parsed here. Which cells a row has is csv_rows.py's."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import IO

from provisiond.adapters.registry.refusal import refused
from provisiond.domain.errors import UnsafeFetchError

_CHUNK_BYTES = 256 * 1024
_FIRST_BYTES = 16 * 1024  # often no more is wanted; each chunk is twice as long as the one before
_MAXIMUM_ROW_BYTES = 4 * 1024 * 1024
_BLANK = b" \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f" + bytes(range(128, 256))  # other than ASCII may be a wide blank


class RowLines:
    """Of the part of a file between two offsets, in an encoding that holds ASCII as itself. `line`: the one that
    comes next."""

    def __init__(self, file: str, encoding: str, delimiter: str, chunk_bytes: int = _CHUNK_BYTES) -> None:
        self._chunk_bytes = chunk_bytes
        self._file, self._encoding, self._delimiter = file, encoding, delimiter
        self._blank = _BLANK + b'"' + delimiter.encode(encoding)
        self._between = f'"{delimiter}"'.encode(encoding)
        self.line = 1

    def chunks(self, stream: IO[bytes], begin: int, end: int) -> Iterator[list[bytes]]:
        """Every row as it stands, from `begin` on; others may read elsewhere between two chunks."""
        half, unclosed, size = b"", list[bytes](), min(_FIRST_BYTES, self._chunk_bytes)
        while begin < end:
            stream.seek(begin)
            content = stream.read(min(size, end - begin))
            size = min(2 * size, self._chunk_bytes)
            begin = begin + len(content) if content else end  # cut off meanwhile: the drop file tells
            text = half + content
            lines = [*unclosed, *text.split(b"\n")]
            half = lines.pop() if begin < end else b""
            if unclosed or b'"' in text:
                rows, unclosed = self._rows(lines, is_last=begin >= end)
            else:
                rows = lines
            self.line += len(lines) - len(unclosed)
            if len(half) > _MAXIMUM_ROW_BYTES:
                raise refused(self._file, f"line {self.line} has no end", "look at the line ends")
            yield rows

    def cells(self, row: bytes) -> list[str] | None:
        """None: a quotation mark stands where none may."""
        text = row.decode(self._encoding)
        if '"' not in text:
            return text.removesuffix("\r").split(self._delimiter)
        try:
            return next(csv.reader([text], delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None

    def _rows(self, lines: list[bytes], *, is_last: bool) -> tuple[list[bytes], list[bytes]]:
        """Whole rows, and the lines of one that goes on in the next chunk."""
        rows: list[bytes] = []
        done = 0
        for place in self._open_places(lines):
            if place < done:
                continue
            rows += lines[done:place]
            count = self._length(lines[place:], self.line + place)
            if count is None and not is_last:
                return rows, lines[place:]
            if count is None:
                raise self._open_quote(self.line + place)
            rows.append(b"\n".join(lines[place : place + count]))
            done = place + count
        return rows + lines[done:], []

    def _open_places(self, lines: Sequence[bytes]) -> list[int]:
        """Of the lines that, each by itself, leave a quoted cell open."""
        places = [place for place, line in enumerate(lines) if b'"' in line and not self._is_quoted(line)]
        if self._count([lines[place] for place in places]) == len(places):
            return []
        return [place for place in places if self._length([lines[place]], self.line + place) is None]

    def _is_quoted(self, line: bytes) -> bool:
        """Every cell stands in quotation marks, and there are no others: at the ends and between cells only."""
        cells = line.removesuffix(b"\r")
        inside = cells[1:-1].replace(self._between, b"")
        return len(cells) > 1 and cells[:1] == b'"' == cells[-1:] and b'"' not in inside

    def _count(self, lines: Sequence[bytes]) -> int | None:
        """How many rows the lines are; None where quoting is broken."""
        try:
            return sum(1 for _ in csv.reader(self._texts(lines), delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None

    def _length(self, lines: Sequence[bytes], line: int) -> int | None:
        """How many lines the first row takes; None where they are not enough. A quoting fault ends its row."""
        reader = csv.reader(self._texts(lines), delimiter=self._delimiter, strict=True)
        try:
            next(reader)
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                return None
            if "expected after" not in str(error):  # the limit of a cell was reached
                raise self._open_quote(line) from None
        return reader.line_num

    def _texts(self, lines: Sequence[bytes]) -> Iterator[str]:
        return (line.decode(self._encoding) + "\n" for line in lines)

    def without_blank(self, rows: list[bytes]) -> list[bytes]:
        """Blank rows become b"", once for each of their lines."""
        rows = rows.copy()
        candidates = [place for place, row in enumerate(rows) if not row.strip(self._blank)]
        for place in reversed(candidates):
            cells = self.cells(rows[place])
            if cells is not None and not "".join(cells).strip():
                rows[place : place + 1] = [b""] * (1 + rows[place].count(b"\n"))
        return rows

    def _open_quote(self, line: int) -> UnsafeFetchError:
        return refused(
            self._file,
            f"half-written, or a quotation mark opened in line {line} is never closed",
            "have it delivered again, or look at that line",
        )
