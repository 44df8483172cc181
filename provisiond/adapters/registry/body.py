"""Where in a drop file the rows end: blank lines after them do not count, a trailer is checked and left out.

Looks at the end of the file only."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import IO

from provisiond.adapters.registry.refusal import refused

_WINDOW_BYTES = 64 * 1024
_FINAL = b"\r\n\t \x1a"  # of blank lines, and the DOS end-of-file mark
_WIDE_BLANK = "\u3000"


@dataclass(frozen=True, slots=True)
class Body:
    """Header and rows stand between these offsets. `promised`: the number of rows by the trailer.
    `is_cut_short`: the last line has no end, so it may be half of one."""

    begin: int
    end: int
    promised: int | None
    is_cut_short: bool


@dataclass(frozen=True, slots=True)
class _LastLine:
    start: int
    content: bytes
    is_ended: bool


def body(stream: IO[bytes], file: str, encoding: str, delimiter: str, trailer: str | None) -> Body:
    begin = _after_mark(stream, encoding)
    last = _last_line(stream, begin, _WIDE_BLANK.encode(encoding, "ignore"))
    if last is None:
        raise refused(file, "it is empty", "look why the registry exported nothing")
    if trailer is None:
        return Body(begin, last.start + len(last.content), None, not last.is_ended)
    line = last.content.decode(encoding, "replace").rstrip("\r\t ")
    bare = line.replace('"', "").rstrip(delimiter + " ")
    for candidate in (line, bare, bare.split(delimiter)[0].strip()):
        if match := re.fullmatch(trailer, candidate):
            return Body(begin, last.start, int(match["count"]), is_cut_short=False)
    raise refused(
        file, "truncated: the last line is not the trailer", "have it delivered again, or mend `trailer`"
    )


def _after_mark(stream: IO[bytes], encoding: str) -> int:
    mark = "\ufeff".encode(encoding, "ignore")
    stream.seek(0)
    return len(mark) if mark and stream.read(len(mark)) == mark else 0


def _last_line(stream: IO[bytes], first: int, wide_blank: bytes) -> _LastLine | None:
    """The last line that is not blank."""
    size = stream.seek(0, os.SEEK_END)
    window = _WINDOW_BYTES
    while True:
        start = max(first, size - window)
        stream.seek(start)
        tail = stream.read(size - start)
        end = len(_stripped(tail, wide_blank))
        begin = tail.rfind(b"\n", 0, end) + 1
        if start == first or (end and begin):
            break
        window *= 4
    if end == 0:
        return None
    content = tail[begin:].partition(b"\n")[0].rstrip(b"\x1a")
    return _LastLine(start + begin, content, is_ended=tail[-1:] in (b"\r", b"\n", b"\x1a"))


def _stripped(tail: bytes, wide_blank: bytes) -> bytes:
    while (shorter := tail.rstrip(_FINAL).removesuffix(wide_blank)) != tail:
        tail = shorter
    return tail
