"""Text to table: header, rows with their line, trailer. Refuses what is not one whole table.

Which column means what, and whether a row is a good record, is for others."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from provisiond.adapters.registry.refusal import refused
from provisiond.domain.errors import UnsafeFetchError

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_FINAL = "\r\n\t \x1a\u3000"  # blank lines and the DOS end-of-file mark


@dataclass(frozen=True, slots=True)
class Row:
    """`line`: physical line where it starts; `last_line`: where it ends. `cells` None: unreadable quoting."""

    line: int
    last_line: int
    cells: list[str] | None


@dataclass(frozen=True, slots=True)
class Table:
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def table(text: str, file: str, delimiter: str, trailer: str | None) -> Table:
    """The whole table, its trailer checked and left out."""
    if not text.strip(_FINAL):
        raise refused(file, "it is empty", "look why the registry exported nothing")
    body, promised = _without_trailer(text, file, delimiter, trailer)
    rows = _rows(body, file, delimiter)
    first = next(rows, None)
    if first is None or not first.cells:
        raise refused(file, "the header line is missing or unreadable", "have it exported with a header line")
    header = tuple(_tidy(cell) for cell in first.cells)
    _refuse_other_delimiter(header, file, delimiter)
    found = tuple(rows)
    _refuse_incomplete(found, len(header), text, file, promised)
    return Table(header, found)


def _tidy(cell: str) -> str:
    return " ".join(cell.split())


def _without_trailer(text: str, file: str, delimiter: str, trailer: str | None) -> tuple[str, int | None]:
    """Text before the trailer and the number of rows it promises; text as it is when none is configured."""
    body = text.rstrip(_FINAL)
    if trailer is None:
        return body, None
    start = max(body.rfind("\n"), body.rfind("\r")) + 1
    line = body[start:]
    bare = line.replace('"', "").rstrip(delimiter + " ")
    for candidate in (line, bare, bare.split(delimiter)[0].strip()):
        if match := re.fullmatch(trailer, candidate):
            return body[:start], int(match["count"])
    raise refused(
        file, "truncated: the last line is not the trailer", "have it delivered again, or mend `trailer`"
    )


def _rows(text: str, file: str, delimiter: str) -> Iterator[Row]:
    """Rows that are not blank. Quoting faults spoil their own row only, unless they reach the file's end."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "expected after" not in str(error):  # the file's end or the field limit was reached
                raise _open_quote(file, line) from None
            yield Row(line, reader.line_num, None)
            continue
        if "".join(cells).strip():
            yield Row(line, reader.line_num, cells)


def _open_quote(file: str, line: int) -> UnsafeFetchError:
    return refused(
        file,
        f"half-written, or a quotation mark opened in line {line} is never closed",
        "have it delivered again, or look at that line",
    )


def _refuse_other_delimiter(header: tuple[str, ...], file: str, delimiter: str) -> None:
    if len(header) > 1:
        return
    seen = [f"{name} ({sign!r})" for sign, name in _DELIMITERS.items() if sign in header[0]]
    hint = f"; it looks like {' or '.join(seen)}" if seen else ""
    raise refused(
        file,
        f"the delimiter {delimiter!r} is not in its first line{hint}",
        "mend `delimiter`, or have it exported with a header line",
    )


def _refuse_incomplete(rows: tuple[Row, ...], width: int, text: str, file: str, promised: int | None) -> None:
    if promised is not None and promised != len(rows):
        raise refused(
            file,
            f"truncated or doubled: its trailer promises {promised} rows, it has {len(rows)}",
            "have it delivered again",
        )
    if not rows:
        raise refused(file, "it has a header and no rows", "look why the registry exported nobody")
    last = rows[-1].cells
    ends_in_line = text[-1] not in "\r\n\x1a" and promised is None
    if ends_in_line and (last is None or len(last) < width):
        raise refused(
            file,
            f"half-written: its last line ({rows[-1].line}) is incomplete",
            "wait for the delivery to finish, or have it delivered again",
        )
