"""One cell to one value: text, dates, codes, mail addresses. Each gives the value or the reason why not.

A reason never holds an HKID or a birth date, nor a value that might be one after a shift of columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache

from provisiond.adapters.registry.garbling import is_garbled
from provisiond.adapters.registry.source import FALSE_WORDS, TRUE_WORDS
from provisiond.domain import hkid
from provisiond.domain.model import Language, Level, Status

MAXIMUM_LENGTH = 256
_REMEMBERED = 5000  # codes; a wrong column may hold a new one in every row
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?=[A-Za-z0-9-]*[A-Za-z]){_LABEL}")
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]"
)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
# not ª º · ´, which people do write (Mª José, Gal·la)
_NO_LETTERS = re.compile("[¡-©«¬®-³¶¸¹»-¿×÷]|&#?[0-9A-Za-z]+;")
_ISO = "%Y-%m-%d"
_ISO_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OPEN_END = 9999  # the year by which many student systems say "no date"


def clean(text: str) -> str:
    """NFC, trimmed, inner blanks of every kind (line breaks too) single."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def text_faults(text: str) -> list[str]:
    """What is wrong with any text of a record, before it is cleaned."""
    faults = []
    if _CONTROL.search(text):
        faults.append("holds a control character")
    if is_garbled(text):
        faults.append("holds letters garbled by a wrong encoding")
    if len(text) > MAXIMUM_LENGTH:
        faults.append(f"is longer than {MAXIMUM_LENGTH} characters")
    return faults


def narrow(text: str) -> str:
    """Full-width Latin letters and signs as everybody else writes them; nothing else changes."""
    return text if text.isascii() else text.translate(_FULL_WIDTH)


def may_be_mangled(names: str) -> bool:
    """Of several names together; seldom true."""
    return _NO_LETTERS.search(names) is not None


def is_mangled(name: str) -> bool:
    """Whether a name shows what other letters become when cp1250 and its kin are read as cp1252 (`£ucja`), or
    when a web page was exported (`M&uuml;ller`)."""
    return _NO_LETTERS.search(name) is not None and not is_garbled(name)


def is_secret(text: str, formats: tuple[str, ...]) -> bool:
    """Whether it is, or holds, an HKID number or a date: what must never be kept or shown as something else."""
    if hkid.canonical(text) is not None or hkid.is_within(text):
        return True
    return any(day(part, formats) is not None for part in (text, *text.split()))


def is_written_secret(text: str, formats: tuple[str, ...]) -> bool:
    """The same for codes, which may look like either: an HKID number in brackets, a date with separators."""
    number = "(" in unicodedata.normalize("NFKC", text) and hkid.canonical(text) is not None
    return number or (not text.isalnum() and day(text, formats) is not None)


def is_tidy(texts: Sequence[str]) -> bool:
    """Whether cleaning would change none of them, but for letters that are not ASCII, and those aside none has
    a fault. Seen on all as one: each by itself would cost more than all the rest of a record."""
    joined = "|".join(texts)
    return (
        joined.isprintable()
        and "  " not in joined
        and " |" not in joined
        and "| " not in joined
        and joined[:1] != " " != joined[-1:]
        and len(max(texts, key=len)) <= MAXIMUM_LENGTH
    )


def looks_secret(text: str) -> bool:
    """Whether it might be an HKID or a birth date that stands in a wrong column."""
    return hkid.canonical(text) is not None or sum(map(str.isdigit, text)) > 3


def code_text(text: str) -> str:
    """A code for a reason; hidden when it might be something else."""
    return "(not shown)" if looks_secret(text) or len(text) > 24 else repr(text)


def day(text: str, formats: tuple[str, ...]) -> date | None:
    for form in formats:
        try:
            if form == _ISO and _ISO_DAY.fullmatch(text):
                return date.fromisoformat(text)  # the same, many times faster
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a date has no time zone
        except ValueError:
            continue
    return None


def birth_fault(on: date, today: date) -> str | None:
    """Students are at least 10 and at most 120 years old; else two columns or two centuries were confused."""
    if on > today:
        return "the birth date is in the future"
    age = today.year - on.year - ((today.month, today.day) < (on.month, on.day))
    if age < 10:
        return "the birth date is less than 10 years ago"
    return "the birth date is more than 120 years ago" if age > 120 else None


def near(on: date, today: date, years: int) -> bool:
    return abs(on.year - today.year) <= years


def is_open_end(on: date) -> bool:
    return on.year == _OPEN_END


def is_mail(text: str) -> bool:
    """RFC 5321 mailbox of plain atoms and a domain of at least two labels; ASCII only."""
    return len(text) <= 254 and _MAIL.fullmatch(text) is not None


def coded(codes: Mapping[str, str]) -> Callable[[str], str]:
    """Our value for a registry code, case not counting; a text that is no code stays as it is."""
    by_code = {_folded(code): value for code, value in codes.items()}

    @lru_cache(_REMEMBERED)
    def value(text: str) -> str:
        return by_code.get(_folded(text), text)

    return value


def level(text: str) -> Level | None:
    return Level(_folded(text)) if _folded(text) in frozenset(Level) else None


def status(text: str) -> Status | None:
    return Status(_folded(text)) if _folded(text) in frozenset(Status) else None


def language(text: str) -> Language | None:
    """Of another one, or none, mails are written as if the registry did not say."""
    return next((one for one in Language if one.lower() == _folded(text)), None)


def flag(text: str) -> bool | None:
    word = _folded(text)
    return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
