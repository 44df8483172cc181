"""Decides which plain letters a-z stand for the letters of any Latin script, full-width ones included.

Other scripts are dropped, never transliterated: how a Chinese name is romanised is the registry's word.
What a name is made of (initials, particles) is left to names.py."""

from __future__ import annotations

import re
import unicodedata

# Letters whose Unicode name does not end in the plain letters they are written as.
_SPECIAL = {
    "ß": "ss", "ẞ": "ss", "þ": "th", "Þ": "th", "ð": "d", "Ð": "d", "ŋ": "ng", "Ŋ": "ng", "ĸ": "k",
    "ə": "e", "Ə": "e", "ƣ": "gh", "Ƣ": "gh", "ʃ": "sh", "Ʃ": "sh", "ʒ": "zh", "Ʒ": "zh",
    "ɣ": "g", "Ɣ": "g", "ɩ": "i", "Ɩ": "i", "ʊ": "u", "Ʊ": "u", "ɑ": "a", "Ɑ": "a",
    "ƿ": "w", "Ƿ": "w", "ȝ": "y", "Ȝ": "y", "ƕ": "hv", "Ƕ": "hv", "ẟ": "d",
}  # fmt: skip

# `LATIN SMALL LETTER O WITH STROKE`, `LATIN SMALL LETTER DOTLESS I`, `LATIN CAPITAL LETTER AE`
_LETTER_NAME = re.compile(r"LATIN .*\b(?P<letters>[A-Z]{1,2})(?: WITH .*)?")

_SEPARATORS = frozenset('.,;:/\\|&+_"()[]{}<>-・')
_SEPARATING_CATEGORIES = frozenset({"Pd", "Pc", "Ps", "Pe"})


def fold(text: str) -> str:
    """The letters a-z of `text`, words apart by one blank: `Đặng-Văn O’Brien` gives `dang van obrien`.

    Hyphens, full stops and brackets part words; apostrophes of every kind do not."""
    return " ".join("".join(map(_folded, text)).split())


def _folded(character: str) -> str:
    if character.isascii():
        return _folded_ascii(character)
    category = unicodedata.category(character)
    if category.startswith("L"):
        return "".join(map(_plain, unicodedata.normalize("NFKD", character)))
    if category.startswith("Z") or category in _SEPARATING_CATEGORIES or character.isspace():
        return " "
    # Symbols and numbers are dropped, not decomposed: CHAN™ is not chantm.
    return " " if category == "Po" and unicodedata.normalize("NFKC", character) in _SEPARATORS else ""


def _folded_ascii(character: str) -> str:
    if character.isalpha():
        return character.lower()
    return " " if character in _SEPARATORS or character.isspace() else ""


def _plain(letter: str) -> str:
    """What one decomposed character is written as; nothing for accents and other scripts."""
    if letter.isascii():
        return letter.lower() if letter.isalpha() else ""
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if not unicodedata.category(letter).startswith("L"):
        return ""
    match = _LETTER_NAME.fullmatch(unicodedata.name(letter, ""))
    return match["letters"].lower() if match else ""
