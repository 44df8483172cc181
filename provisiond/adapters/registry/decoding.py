"""The encoding of a drop file, found by reading it through once, a chunk at a time; its digest on the way.

Refuses what cannot be the text it should be: better no fetch than names with wrong letters in 20,000 entries."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from charset_normalizer import from_bytes

from provisiond.adapters.registry.refusal import refused
from provisiond.domain.errors import UnsafeFetchError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with the one of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK_BYTES = 256 * 1024
_SAMPLE_BYTES = 64_000  # of lines that are not ASCII; more makes detection slow, not better
_ASCII = bytes(range(128))


@dataclass(frozen=True, slots=True)
class Survey:
    """What one reading found. `digest`: SHA-256 (hex) of the bytes. `has_lone_returns`: lines that end in a
    carriage return alone."""

    digest: str
    encoding: str
    has_lone_returns: bool


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """From the beginning."""
    stream.seek(0)
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def holds_lines(encoding: str) -> bool:
    """Whether ASCII stands in it as itself, so that lines can be cut before they are decoded."""
    try:
        return _ASCII.decode(encoding) == _ASCII.decode("ascii")
    except UnicodeDecodeError:
        return False


def surveyed(stream: BinaryIO, file: str, encoding: str | None, candidates: Sequence[str]) -> Survey:
    """`encoding` None: found out, by byte order mark, as UTF-8, or as the likeliest of `candidates`."""
    begin = next(chunks(stream), b"")
    given = encoding or next((name for mark, name in _BOMS if begin.startswith(mark)), None)
    trial = _Trial(given or "utf-8")
    reading = _Reading(file, may_hold_nul=not holds_lines(trial.encoding))
    for chunk in chunks(stream):
        reading.see(chunk, stream)
        trial.see(chunk)
    trial.end()
    if trial.odd_at is not None and given:
        raise _invalid(file, given, _line_of(stream, trial.odd_at))
    found = trial.encoding if trial.odd_at is None else _likeliest(stream, file, candidates, trial.odd_at)
    return Survey(reading.digest.hexdigest(), found, reading.lone_returns > 0)


class _Reading:
    """What is asked of every byte, whatever the encoding."""

    def __init__(self, file: str, *, may_hold_nul: bool) -> None:
        self._file, self._may_hold_nul = file, may_hold_nul
        self._position = 0
        self._ended_in_return = False
        self.digest = hashlib.sha256()
        self.lone_returns = 0

    def see(self, chunk: bytes, stream: BinaryIO) -> None:
        self.digest.update(chunk)
        if not self._may_hold_nul and b"\0" in chunk:
            raise nul(self._file, _line_of(stream, self._position + chunk.index(b"\0")))
        self.lone_returns += chunk.count(b"\r") - chunk.count(b"\r\n")
        if self._ended_in_return and chunk.startswith(b"\n"):
            self.lone_returns -= 1
        self._ended_in_return = chunk.endswith(b"\r")
        self._position += len(chunk)


class _Trial:
    """Decodes what it sees and forgets it. `odd_at`: offset of the first byte that does not fit."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._position = 0
        self.odd_at: int | None = None

    def see(self, chunk: bytes, *, final: bool = False) -> None:
        if self.odd_at is not None:
            return
        waiting = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:  # holds content: never chained, never shown
            self.odd_at = self._position - waiting + error.start
        self._position += len(chunk)

    def end(self) -> None:
        self.see(b"", final=True)


def _likeliest(stream: BinaryIO, file: str, candidates: Sequence[str], odd_at: int) -> str:
    """The one of `candidates` that reads most like language, judged on lines with other than ASCII only: a
    few names in a sea of ASCII would drown."""
    trials = [_Trial(name) for name in candidates]
    for chunk in chunks(stream):
        for trial in trials:
            trial.see(chunk)
    for trial in trials:
        trial.end()
    possible = [trial.encoding for trial in trials if trial.odd_at is None]
    best = from_bytes(_sample(stream), cp_isolation=possible).best() if possible else None
    names = {codecs.lookup(name).name: name for name in possible}
    found = names.get(codecs.lookup(best.encoding).name) if best else None
    if found is None:
        tried = ", ".join(("utf-8", *candidates))
        raise refused(
            file,
            f"its encoding is none of {tried} (first odd byte in line {_line_of(stream, odd_at)})",
            "name the encoding in the configuration or have the registry export UTF-8",
        )
    return found


def _sample(stream: BinaryIO) -> bytes:
    kept: list[bytes] = []
    size = 0
    stream.seek(0)
    while size <= _SAMPLE_BYTES and (line := stream.readline(_SAMPLE_BYTES)):
        if not line.isascii():
            kept.append(line)
            size += len(line)
    return b"".join(kept)


def _line_of(stream: BinaryIO, offset: int) -> int:
    line = 1
    for chunk in chunks(stream):
        line += chunk[:offset].count(b"\n")
        offset -= len(chunk)
        if offset <= 0:
            break
    return line


def _invalid(file: str, encoding: str, line: int) -> UnsafeFetchError:
    return refused(
        file,
        f"it is not valid {encoding} (line {line})",
        "compare the configured encoding with the export; a damaged transfer must be repeated",
    )


def nul(file: str, line: int) -> UnsafeFetchError:
    return refused(
        file,
        f"NUL bytes, the first in line {line}",
        "have it delivered again; UTF-16 without byte order mark needs its encoding configured",
    )
