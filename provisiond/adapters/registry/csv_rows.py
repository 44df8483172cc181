"""One reading of a drop file as raw rows: header, rows, and whether the file is whole.

What the file is written in was found out before (decoding.py, transcript.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from provisiond.adapters.registry.blocks import RawBlock
from provisiond.adapters.registry.body import body
from provisiond.adapters.registry.columns import column_place, columns
from provisiond.adapters.registry.drop_file import DropFile
from provisiond.adapters.registry.outline import Outline, RowFile
from provisiond.adapters.registry.plausibility import Expected
from provisiond.adapters.registry.refusal import refused
from provisiond.adapters.registry.row_lines import RowLines
from provisiond.adapters.registry.rows import Cells, Ending, Fault
from provisiond.adapters.registry.source import CsvSource
from provisiond.domain.model import Stretch

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


class CsvRows:
    """A `RowSource`. `stream`: the content of `drop` in an encoding that holds ASCII as itself."""

    def __init__(
        self, drop: DropFile, stream: IO[bytes], encoding: str, digest: str, source: CsvSource
    ) -> None:
        self._drop, self._digest, self._delimiter = drop, digest, source.delimiter
        self._body = body(stream, drop.name, encoding, source.delimiter, source.trailer)
        self._lines = RowLines(drop.name, encoding, source.delimiter)
        self._stream = stream
        raw_header, self._begin, self._first_line = self._opening()
        header = self._header(raw_header)
        self._width = len(header)
        self._pick = columns(header, source.fields, drop.name)
        self._expected = Expected(drop.name, source.expected)
        self._expected_at = [column_place(header, name, drop.name) for name in source.expected]
        self._salt = ("csv", encoding, source.delimiter, *header, *self._expected.salt)

    @property
    def file(self) -> str:
        return self._drop.name

    @property
    def first_line(self) -> int:
        return self._first_line

    @property
    def salt(self) -> tuple[str, ...]:
        return self._salt

    def pieces(self, salt: bytes, outline: Outline) -> Iterator[RawBlock | Stretch]:
        """Refuses the file at its end where totals do not fit."""
        count, last = 0, b""
        body = RowFile(
            self._stream,
            self._begin,
            self._body.end,
            self._first_line,
            self._rows_from,
            self._lines.without_blank,
        )
        for piece in outline.pieces(body):
            if isinstance(piece, RawBlock):
                count += piece.count
                last = next(filter(None, reversed(piece.rows)), last)
            else:
                count += piece.rows
            yield piece
        self._drop.refuse_changed()
        self._refuse_incomplete(count, last)

    def cells(self, row: bytes, line: int) -> Cells | Fault:
        found = self._lines.cells(row)
        if found is not None and len(found) == self._width:
            self._expected.refuse_other([found[at] for at in self._expected_at], f"line {line}")
            return self._pick([*found, ""])
        more = row.count(b"\n")
        where = f" (lines {line} to {line + more})" if more else ""
        if found is None:
            return Fault(f"a quotation mark stands where none may, or is not closed{where}")
        return Fault(f"{len(found)} columns instead of {self._width}{where}")

    def ending(self) -> Ending:
        return Ending(self._digest)

    def _rows_from(self, begin: int, line: int) -> Iterator[list[bytes]]:
        self._lines.line = line
        return self._lines.chunks(self._stream, begin, self._body.end)

    def _opening(self) -> tuple[bytes, int, int]:
        """The header row, where the next one begins, and its line."""
        line, begin = 1, self._body.begin
        for rows in self._rows_from(begin, line):
            for row in rows:
                line, begin = line + 1 + row.count(b"\n"), begin + len(row) + 1
                if any(self._lines.without_blank([row])):
                    return row, begin, line
        raise self._headless()

    def _header(self, row: bytes) -> tuple[str, ...]:
        cells = self._lines.cells(row)
        if cells is None:
            raise self._headless()
        header = tuple(" ".join(cell.split()) for cell in cells)
        if len(header) == 1:
            seen = [f"{name} ({sign!r})" for sign, name in _DELIMITERS.items() if sign in header[0]]
            hint = f"; it looks like {' or '.join(seen)}" if seen else ""
            raise refused(
                self.file,
                f"the delimiter {self._delimiter!r} is not in its first line{hint}",
                "mend `delimiter`, or have it exported with a header line",
            )
        return header

    def _headless(self) -> Exception:
        return refused(
            self.file, "the header line is missing or unreadable", "have it exported with a header line"
        )

    def _refuse_incomplete(self, count: int, last: bytes) -> None:
        promised = self._body.promised
        if promised is not None and promised != count:
            raise refused(
                self.file,
                f"truncated or doubled: its trailer promises {promised} rows, it has {count}",
                "have it delivered again",
            )
        if not count:
            raise refused(self.file, "it has a header and no rows", "look why the registry exported nobody")
        cells = self._lines.cells(last)
        if self._body.is_cut_short and (cells is None or len(cells) < self._width):
            line = self._lines.line - 1 - last.count(b"\n")
            raise refused(
                self.file,
                f"half-written: its last line ({line}) is incomplete",
                "wait for the delivery to finish, or have it delivered again",
            )
