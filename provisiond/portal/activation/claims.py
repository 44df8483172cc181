"""What somebody claims to be, from what they typed. Forgiving about how it is written; whether it had the right form
at all is for nobody but the identity check to know: a claim is always made."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from provisiond.domain import hkid

_LONGEST_ID = 64
_DASHES = re.compile(r"[\s\-‐-―−]+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YOUNGEST, _OLDEST = 10, 120  # years, as at the intake of records


class Evidence(StrEnum):
    """What stands beside the student ID."""

    HKID = "hkid"
    BIRTH = "birth"


@dataclass(frozen=True, slots=True)
class HkidClaim:
    """`number`: canonical, check digit verified; None where it has not the form of one."""

    student_ids: tuple[str, ...]
    number: str | None = field(repr=False)
    evidence = Evidence.HKID


@dataclass(frozen=True, slots=True)
class BirthClaim:
    """`on` None: not a date on which a student can be born."""

    student_ids: tuple[str, ...]
    on: date | None = field(repr=False)
    evidence = Evidence.BIRTH


Claim = HkidClaim | BirthClaim


def hkid_claim(student_id: str, number: str) -> HkidClaim:
    return HkidClaim(student_ids(student_id), hkid.canonical(number[:_LONGEST_ID]))


def birth_claim(student_id: str, day: str, month: str, year: str, today: date) -> BirthClaim:
    return BirthClaim(student_ids(student_id), birth_date(day, month, year, today))


def student_ids(text: str) -> tuple[str, ...]:
    """The ways in which a registry may write what was typed, the likeliest first; how many depends on the text only.
    Never empty."""
    plain = " ".join(unicodedata.normalize("NFKC", text[: 4 * _LONGEST_ID]).split())[:_LONGEST_ID]
    compact = _DASHES.sub("", plain)
    return tuple(dict.fromkeys((compact.upper(), compact, plain, compact.lower())))


def birth_date(day: str, month: str, year: str, today: date) -> date | None:
    """Day, month and year as digits of any width; the month also by its English name, `3月`; a year of two digits is
    the latest that can be."""
    numbers = (_number(day, "日"), _month(month), _year(year, today))
    if None in numbers:
        return None
    d, m, y = (number or 0 for number in numbers)
    try:
        on = date(y, m, d)
    except ValueError:
        return None
    return on if _YOUNGEST <= _age(on, today) <= _OLDEST else None


def _number(text: str, unit: str) -> int | None:
    plain = unicodedata.normalize("NFKC", text[:16]).strip().removesuffix(unit)
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 4 else None


def _month(text: str) -> int | None:
    name = unicodedata.normalize("NFKC", text[:16]).strip().casefold()
    named = next((n for n, month in enumerate(_MONTHS, 1) if len(name) >= 3 and name.startswith(month)), None)
    return named or _number(text, "月")


def _year(text: str, today: date) -> int | None:
    year = _number(text, "年")
    if year is None or year >= 100:
        return year
    return next(_centuries(year, today), None)


def _centuries(year: int, today: date) -> Iterator[int]:
    latest = today.year - _YOUNGEST
    return (century + year for century in (2000, 1900) if century + year <= latest)


def _age(on: date, today: date) -> int:
    return today.year - on.year - ((today.month, today.day) < (on.month, on.day))
