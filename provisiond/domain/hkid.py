"""Hong Kong identity card numbers: tells whether a text is one and gives its one canonical form.

Forgiving about how people and systems write it, strict about the check digit; keeps and shows nothing."""

from __future__ import annotations

import re
import unicodedata

_FORM = re.compile(r"([A-Z]{1,2})([0-9]{6})\(?([0-9A])\)?")
_BLANKS_AND_DASHES = re.compile(r"[\s\-\u2010-\u2015\u2212]+")
_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2)


def canonical(text: str) -> str | None:
    """`a123456(3)`, `Ａ１２３４５６（３）`, `A 123456 3` → `A1234563`; None when form or check digit is wrong."""
    compact = _BLANKS_AND_DASHES.sub("", unicodedata.normalize("NFKC", text)).upper()
    match = _FORM.fullmatch(compact)
    if match is None or ("(" in compact) != (")" in compact):
        return None
    letters, digits, check = match.groups()
    return letters + digits + check if check == check_digit(letters + digits) else None


def check_digit(body: str) -> str:
    """Of one or two capital letters and six digits (a missing first letter counts as a blank, 36)."""
    total = sum(
        weight * _worth(sign) for weight, sign in zip(_WEIGHTS, body.rjust(len(_WEIGHTS)), strict=True)
    )
    remainder = (11 - total % 11) % 11
    return "A" if remainder == 10 else str(remainder)


def _worth(sign: str) -> int:
    return 36 if sign == " " else int(sign, 36)
