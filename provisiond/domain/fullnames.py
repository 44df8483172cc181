"""Decides where the surname ends in a full name written surname first, for registries with one name field.

A guess by spelling (comma, capitals, particles); registries with two fields never come here."""

from __future__ import annotations

import re

from provisiond.domain.latin import fold

_COMMA = re.compile(r"[,，、]")
# Begin a surname however they are written …
_PARTICLES = frozenset(
    {"van", "von", "vom", "der", "den", "de", "da", "dos", "del", "della", "al", "el", "ter", "ten", "st"}
)
# … these only in small letters or after one of those (De La Cruz): Le, Do, Das … are surnames of their own.
_DOUBTFUL = frozenset(
    {"le", "la", "los", "las", "du", "di", "do", "das", "zu", "zur", "bin", "bint", "ibn", "ben", "abu", "af"}
)


def split_full_name(full_name: str) -> tuple[str, str]:
    """Surname and given names: `CHAN Tai Man`, `Chan, Tai Man`, `VAN DER BERG Jan`, `van der Berg Jan`."""
    head, comma, tail = _at_comma(full_name)
    if comma:
        return " ".join(head.split()), " ".join(tail.split())
    words = _latin_words(full_name)
    count = _capitals(words) or _first_name(words)
    return " ".join(words[:count]), " ".join(words[count:])


def _at_comma(full_name: str) -> tuple[str, str, str]:
    match = _COMMA.search(full_name)
    if match is None:
        return full_name, "", ""
    return full_name[: match.start()], match[0], full_name[match.end() :]


def _latin_words(full_name: str) -> list[str]:
    """Without a Chinese name beside the romanised one; everything where nothing is Latin."""
    words = full_name.split()
    return [word for word in words if fold(word)] or words


def _capitals(words: list[str]) -> int:
    """How many words the leading run in capitals has; 0 when there is none or nothing follows it.

    Small particles may stand in it (`de la CRUZ Maria`), an initial (`CHAN T M`) ends it."""
    count = 0
    for word in words:
        if not (_in_capitals(word) or (word.islower() and _is_particle(word))):
            break
        count += 1
    return count if count < len(words) and any(map(_in_capitals, words[:count])) else 0


def _in_capitals(word: str) -> bool:
    """`GOßLER` too: for want of a capital, ß stands in capitals as it is."""
    return word.replace("ß", "").isupper() and len(fold(word)) >= 2


def _first_name(words: list[str]) -> int:
    """The first word, with the particles before it."""
    telling = not all(word.islower() for word in words)
    count = 0
    while count < len(words) - 1 and _begins_surname(words[count], telling=telling, first=count == 0):
        count += 1
    return count + 1


def _begins_surname(word: str, *, telling: bool, first: bool) -> bool:
    """`telling`: whether small letters tell anything in this name."""
    if fold(word) in _PARTICLES:
        return True
    return _is_particle(word) and (not first or (telling and word.islower()))


def _is_particle(word: str) -> bool:
    return fold(word) in _PARTICLES | _DOUBTFUL
