"""Which passwords are known to everybody: 30,000 common ones, and a further list of the university's if it has one.

A further list is either one password a line, or the Pwned Passwords file ordered by hash (`SHA1:count` a line, some
40 GB), which is searched where it lies. Nothing is asked of the network."""

from __future__ import annotations

import hashlib
import mmap
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from provisiond.domain.errors import ConfigError

_HASHED = re.compile(rb"[0-9A-Fa-f]{40}(?::\d+)?\s*")
_LARGEST = 200 * 2**20  # of a list that is read into memory
_AT_BOTH_ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_LEET = str.maketrans("@4310$57!|", "aaeiosstil")
_SHORTEST_CORE = 4


class Lists(Protocol):
    def holds(self, text: str) -> bool:
        """`text`: folded."""
        ...


class Words:
    """Known by eight bytes of a digest each, so that millions fit."""

    def __init__(self, words: Iterable[str]) -> None:
        self._known = frozenset(_short(folded(word)) for word in words)

    def holds(self, text: str) -> bool:
        return _short(text) in self._known


class OrderedHashes:
    """A file of upper-case SHA-1 digests in order, one a line; found by halving, some 40 looks for a billion."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def holds(self, text: str) -> bool:
        wanted = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper().encode()
        low, high = 0, len(self._map)
        while low < high:
            start = self._map.rfind(b"\n", 0, (low + high) // 2) + 1
            here = self._map[start : start + 40].upper()
            if here == wanted:
                return True
            end = self._map.find(b"\n", start)
            if here < wanted:
                low = len(self._map) if end < 0 else end + 1
            else:
                high = start
        return False


class Blocklist:
    """The password as it is typed, and what remains of it without capitals, digits and signs around a word and the
    usual replacements of letters: `P@ssw0rd2026!` is `password`."""

    def __init__(self, further: Path | None = None) -> None:
        self._common = Words(FREQUENCY_LISTS["passwords"])
        self._further = _opened(further) if further else None

    def is_common(self, password: str) -> bool:
        if any(self._common.holds(form) for form in _forms(password)):
            return True
        further = self._further
        return further is not None and any(further.holds(form) for form in {password, folded(password)})


def folded(text: str) -> str:
    """As passwords are compared: compatible characters and capitals are one."""
    return unicodedata.normalize("NFKC", text).casefold()


def _forms(password: str) -> set[str]:
    plain = folded(password)
    core = _AT_BOTH_ENDS.sub("", plain)
    read = (core.translate(_LEET), _AT_BOTH_ENDS.sub("", plain.translate(_LEET)))
    cores = {form for form in (core, *read) if len(form) >= _SHORTEST_CORE}
    return {plain, *cores, *(_unit(form) for form in (plain, *cores))}


def _unit(text: str) -> str:
    """`passwordpassword` is `password`."""
    size = (text + text).find(text, 1)
    return text[:size]


def _short(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _opened(path: Path) -> Lists:
    try:
        with path.open("rb") as file:
            first = file.readline(1000)
        if _HASHED.fullmatch(first):
            return OrderedHashes(path)
        if path.stat().st_size > _LARGEST:
            raise ConfigError([f"{path}: larger than 200 MB, and not a file of SHA-1 digests in order"])
        return Words(path.read_text(encoding="utf-8").split("\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: the list of passwords cannot be read: {error}"]) from error
