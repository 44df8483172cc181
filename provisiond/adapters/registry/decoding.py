"""Bytes to text: decides the encoding of a drop file and refuses what cannot be the text it should be.

Better no fetch than names with wrong letters in 20,000 entries."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence

from charset_normalizer import from_bytes

from provisiond.adapters.registry.refusal import refused
from provisiond.domain.errors import UnsafeFetchError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with the one of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 64_000  # of lines that are not ASCII; more makes detection slow, not better
# what bytes above 0x7f become when UTF-8 is read as cp1252 or Latin-1
_TAIL = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_MOJIBAKE = re.compile(f"[ÂÃÄÅ]{_TAIL}|[àáâãäåæçèéêëìíï]{_TAIL}{{2}}")
_LOST = "\ufffd"


def decoded(raw: bytes, file: str, encoding: str | None, candidates: Sequence[str]) -> str:
    """The text without its byte order mark. `encoding` None: found out, see `_detected`."""
    text = _strict(raw, file, encoding) if encoding else _detected(raw, file, candidates)
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise _nul(file, line)
    _refuse_wrong_letters(text, file)
    return text


def is_garbled(text: str) -> bool:
    """Whether letters were lost or changed in a wrong conversion before the text came to us."""
    return _LOST in text or _MOJIBAKE.search(text) is not None


def _detected(raw: bytes, file: str, candidates: Sequence[str]) -> str:
    """Byte order mark, then UTF-8, then the one of `candidates` that reads most like language."""
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return _strict(raw, file, name)
    if b"\0" in raw:
        raise _nul(file, raw[: raw.index(b"\0")].count(b"\n") + 1)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        possible = [name for name in candidates if _is_valid(raw, name)]
        best = _likeliest(raw, possible)
        if best is None:
            tried = ", ".join(("utf-8", *candidates))
            raise refused(
                file,
                f"its encoding is none of {tried} (first odd byte in line {_line_of(raw, error.start)})",
                "name the encoding in the configuration or have the registry export UTF-8",
            ) from None
        return raw.decode(best)


def _likeliest(raw: bytes, possible: Sequence[str]) -> str | None:
    """Judged on lines with other than ASCII only: a few names in a sea of ASCII would drown."""
    if not possible:
        return None
    sample = _sample(line for line in raw.splitlines() if not line.isascii())
    best = from_bytes(sample, cp_isolation=list(possible)).best()
    names = {codecs.lookup(name).name: name for name in possible}
    return names.get(codecs.lookup(best.encoding).name) if best else None


def _sample(lines: Iterable[bytes]) -> bytes:
    kept: list[bytes] = []
    size = 0
    for line in lines:
        kept.append(line)
        size += len(line)
        if size > _SAMPLE_BYTES:
            break
    return b"\n".join(kept)


def _is_valid(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _strict(raw: bytes, file: str, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        # `from None`: the library's error holds the whole content
        raise refused(
            file,
            f"it is not valid {encoding} (line {_line_of(raw, error.start)})",
            "compare the configured encoding with the export; a damaged transfer must be repeated",
        ) from None


def _line_of(raw: bytes, offset: int) -> int:
    return raw[:offset].count(b"\n") + 1


def _nul(file: str, line: int) -> UnsafeFetchError:
    return refused(
        file,
        f"NUL bytes, the first in line {line}",
        "have it delivered again; UTF-16 without byte order mark needs its encoding configured",
    )


def _refuse_wrong_letters(text: str, file: str) -> None:
    """A few garbled rows are rejected one by one; more than a fifth of those with other than ASCII is
    an accident of the whole file."""
    if text.isascii() or not is_garbled(text):
        return
    foreign = [line for line in text.splitlines() if not line.isascii()]
    garbled = sum(map(is_garbled, foreign))
    if garbled >= 2 and garbled * 5 > len(foreign):
        raise refused(
            file,
            f"wrongly encoded: {garbled} of {len(foreign)} lines with non-ASCII letters hold garbled ones",
            "compare the configured encoding with the export; it may have been converted twice",
        )
