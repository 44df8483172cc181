"""Hong Kong identity card numbers: tells whether a text is one and gives its one canonical form.

Forgiving about how people and systems write it, strict about the check digit; keeps and shows nothing."""

from __future__ import annotations

import re
import unicodedata
from operator import mul

_FORM = re.compile(r"([A-Z]{1,2})([0-9]{6})\(?([0-9A])\)?")
_WITHIN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{1,2}[\s\-]?[0-9]{6}[\s\-]?(?:\([0-9Aa]\)|[0-9Aa])(?![A-Za-z0-9])"
)
_BLANKS_AND_DASHES = re.compile(r"[\s\-\u2010-\u2015\u2212]+")
_WORTHS = {sign: worth for worth, sign in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ ")}
_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2)


def canonical(text: str) -> str | None:
    """`a123456(3)`, `A 123456 3`, full-width → `A1234563`; None when form or check digit is wrong."""
    compact = text.upper()
    match = _FORM.fullmatch(compact)
    if match is None:
        compact = _BLANKS_AND_DASHES.sub("", unicodedata.normalize("NFKC", text)).upper()
        match = _FORM.fullmatch(compact)
    if match is None or ("(" in compact) != (")" in compact):
        return None
    letters, digits, check = match.groups()
    return letters + digits + check if check == check_digit(letters + digits) else None


def replaced(text: str, instead: str) -> str:
    """The text with every number in it, told by its check digit, replaced."""
    return _WITHIN.sub(lambda found: instead if canonical(found[0]) else found[0], text)


def is_within(text: str) -> bool:
    plain = unicodedata.normalize("NFKC", text)
    return replaced(plain, "") != plain


def check_digit(body: str) -> str:
    """Of one or two capital letters and six digits (a missing first letter counts as a blank, 36)."""
    total = sum(map(mul, _WEIGHTS, map(_WORTHS.__getitem__, body.rjust(len(_WEIGHTS)))))
    remainder = (11 - total % 11) % 11
    return "A" if remainder == 10 else str(remainder)
