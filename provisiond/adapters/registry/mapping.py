"""One row's cells to one registry record, or every reason why not. Knows one row at a time.

Clashes between rows are clashes.py's; where the cells come from is no matter here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import TypeVar

from provisiond.adapters.digests import Digests
from provisiond.adapters.registry import values
from provisiond.adapters.registry.garbling import is_garbled
from provisiond.adapters.registry.rows import MappedSource
from provisiond.adapters.registry.source import FIELDS
from provisiond.domain import hkid
from provisiond.domain.model import Level, RegistryRecord, Rejection, Status
from provisiond.domain.names import split_full_name

T = TypeVar("T")
Found = tuple[T | None, str | None]  # a value (None: absent or bad) and the reason when it is bad
_YEARS_AHEAD = 2  # an admission may be told that long before; more is a clock that is wrong
_DIGIT = re.compile(r"\d")
_REMEMBERED = 20_000  # conversions of each kind


class RecordMapping:
    """Made for one fetch. Conversions of values that repeat (dates, codes) are remembered meanwhile.
    `garbled`: how many rows held letters garbled by a wrong encoding."""

    def __init__(self, source: MappedSource, file: str, digests: Digests, today: date) -> None:
        self._source, self._file, self._digests, self._today = source, file, digests, today
        self.garbled = 0
        self._coded = [(FIELDS.index(name), values.coded(codes)) for name, codes in source.codes.items()]
        cache = lru_cache(_REMEMBERED)
        self._written_secret = cache(lambda text: values.is_written_secret(text, source.date_formats))
        self._birth = cache(self._birth_of)
        self._since = cache(self._since_of)
        self._end = cache(self._end_of)
        self._level = cache(lambda text: _of_code("level", text, values.level))
        self._status = cache(lambda text: _of_code("status", text, values.status))
        self._flag = cache(lambda text: _of_code("confidentiality flag", text, values.flag))

    def record(self, line: int, raw: tuple[str, ...]) -> RegistryRecord | tuple[str, ...]:
        """`raw`: cells in the order of FIELDS. A tuple of reasons instead of a record when there are any."""
        cells, reasons = self._cells(raw)
        student_id, surname, given, full, preferred, chinese, identity, *rest = cells
        born, programme, department, level_code, status_code, since, end, mail, supervisor, tongue, secret = (
            rest
        )
        surname, given = map(values.narrow, _name(surname, given, full))
        birth, why_birth = self._birth(born)
        (level, status, status_on), why_studies = self._studies(level_code, status_code, since)
        end_on, why_end = self._end(end)
        confidential, why_flag = self._flag(secret)
        number, why_number = _hkid(identity)
        whys = (why_number, why_birth, *why_studies, why_end, why_flag)
        reasons += _text_reasons(student_id, (surname, given, preferred, chinese))
        if not self._source.supplement:
            reasons += _missing(surname, programme, department)
        reasons += [*filter(None, whys), *_mail_reasons(mail, supervisor)]
        reasons += self._misplaced(surname, given, preferred, chinese, department)
        reasons += self._misplaced_codes(student_id, programme)
        if reasons or birth is None or level is None or status is None or status_on is None:
            return tuple(dict.fromkeys(reasons))
        return RegistryRecord(
            source=self._source.name,
            file=self._file,
            line=line,
            student_id=student_id,
            proposed_id=self._digests.person(student_id),
            surname=surname,
            given_names=given,
            preferred_name=preferred or None,
            chinese_name=chinese or None,
            hkid_digest=self._digests.hkid(number) if number else None,
            birth_digest=birth,
            programme=programme,
            department=department,
            level=level,
            status=status,
            status_on=status_on,
            expected_end_on=end_on,
            personal_mail=mail or None,
            supervisor_mail=supervisor or None,
            language=values.language(tongue) if tongue else None,
            confidential=bool(confidential),
        )

    def student_id(self, raw: tuple[str, ...]) -> str | None:
        """For a rejection; None when it is missing, or too odd to be shown."""
        text = raw[0]
        readable = not values.text_faults(text) and len(text) <= 64
        return (unicodedata.normalize("NFKC", values.clean(text)) or None) if readable else None

    def rejection(self, line: int, student_id: str | None, reasons: Sequence[str]) -> Rejection:
        return Rejection(self._source.name, self._file, line, student_id, tuple(reasons))

    def _cells(self, raw: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """Cleaned, codes replaced; and what is wrong with their text."""
        tidy = values.is_tidy(raw)
        odd = [place for place, text in enumerate(raw) if not (tidy and text.isascii())]
        reasons = list(_cell_faults(raw, odd)) if odd else []
        self.garbled += bool(reasons) and is_garbled("\n".join(raw))
        cells = list(raw)
        for place in odd:
            cells[place] = values.clean(raw[place])
        if not cells[0].isascii():
            cells[0] = unicodedata.normalize("NFKC", cells[0])
        for place, coded in self._coded:
            cells[place] = coded(cells[place])
        return cells, reasons

    def _misplaced(self, *texts: str) -> list[str]:
        """These would be shown to everybody: an HKID number or a birth date among them is no name."""
        fields = ("surname", "given_names", "preferred_name", "chinese_name", "department")
        if not _DIGIT.search("".join(texts)):
            return []
        return [
            f"{_word(field)} holds an HKID number or a date"
            for field, text in zip(fields, texts, strict=True)
            if text and values.is_secret(text, self._source.date_formats)
        ]

    def _misplaced_codes(self, student_id: str, programme: str) -> list[str]:
        """Codes may well look like an HKID number (s1234567), but not when it is written with its brackets."""
        return [
            f"{_word(field)} holds an HKID number or a date"
            for field, text in (("student_id", student_id), ("programme", programme))
            if not text.isalnum() and self._written_secret(text)
        ]

    def _studies(
        self, level_code: str, status_code: str, since: str
    ) -> tuple[tuple[Level | None, Status | None, date | None], tuple[str | None, ...]]:
        """A supplement tells of none (RegistryRecord.is_supplement)."""
        if self._source.supplement:
            return (Level.UNDERGRADUATE, Status.REGISTERED, date.min), ()
        level, why_level = self._level(level_code)
        status, why_status = self._status(status_code)
        status_on, why_since = self._since(since)
        return (level, status, status_on), (why_level, why_status, why_since)

    def _birth_of(self, text: str) -> Found[str]:
        if not text:
            return ("", None) if self._source.supplement else (None, "the birth date is missing")
        on = values.day(text, self._source.date_formats)
        if on is None:
            return None, f"the birth date is not a date ({self._formats()} expected)"
        fault = values.birth_fault(on, self._today)
        return (None, fault) if fault else (self._digests.birth(on), None)

    def _since_of(self, text: str) -> Found[date]:
        on, why = self._date("the date of the status", text, 100)
        if on and not values.near(min(on, self._today), on, _YEARS_AHEAD):
            return None, "the date of the status is not plausible: it lies years ahead"
        return on, why if on or why else "the date of the status is missing"

    def _end_of(self, text: str) -> Found[date]:
        return self._date("the expected end date", text, 50)

    def _date(self, what: str, text: str, years: int) -> Found[date]:
        """None without a reason when there is none. The text is not shown: it may be a shifted birth date."""
        on = values.day(text, self._source.date_formats) if text else None
        if not text or (on and values.is_open_end(on)):
            return None, None
        if on is None:
            return None, f"{what} is not a date ({self._formats()} expected)"
        return (on, None) if values.near(on, self._today, years) else (None, f"{what} is not plausible")

    def _formats(self) -> str:
        return " or ".join(self._source.date_formats)


def _cell_faults(raw: tuple[str, ...], odd: Sequence[int]) -> Iterator[str]:
    for place in odd:
        name, text = FIELDS[place], raw[place]
        yield from (f"{_word(name)} {fault}" for fault in values.text_faults(text))
        if name.endswith("_mail") and ("\n" in text or "\r" in text):
            yield f"{_word(name)} holds a line break"


def _word(field: str) -> str:
    if field == "hkid":
        return "the HKID number"
    return "the " + field.removesuffix("_on").replace("_", " ").replace("student id", "student ID")


def _name(surname: str, given: str, full: str) -> tuple[str, str]:
    """The two separate fields win; a full name is split where they are empty or not mapped."""
    if surname or not full:
        return surname, given
    return split_full_name(full)


def _hkid(text: str) -> Found[str]:
    number = hkid.canonical(text) if text else None
    return number, "the HKID number is not valid (form or check digit)" if text and number is None else None


def _of_code(what: str, text: str, value: Callable[[str], T | None]) -> Found[T]:
    found = value(text)
    if found is not None:
        return found, None
    return None, f"unknown {what} code {values.code_text(text)}" if text else f"the {what} is missing"


def _text_reasons(student_id: str, names: tuple[str, ...]) -> list[str]:
    reasons = []
    if not student_id:
        reasons.append("the student ID is missing")
    elif " " in student_id or len(student_id) > 64:
        reasons.append("the student ID holds a blank or is longer than 64 characters")
    everything = "".join(names)
    if "?" in everything:
        reasons.append("a name holds a question mark (a letter lost in a conversion)")
    if values.may_be_mangled(everything) and any(map(values.is_mangled, names)):
        reasons.append("a name holds signs that are no letters (changed in a conversion)")
    return reasons


def _missing(surname: str, programme: str, department: str) -> list[str]:
    reasons = []
    if not surname:
        reasons.append("the surname is missing (a single name stands there, not in the given names)")
    if not programme:
        reasons.append("the programme is missing")
    if not department:
        reasons.append("the department is missing")
    return reasons


def _mail_reasons(personal: str, supervisor: str) -> list[str]:
    reasons = []
    if personal and not values.is_mail(personal):
        reasons.append("the personal mail is not a mail address")
    if supervisor and not values.is_mail(supervisor):
        reasons.append("the supervisor mail is not a mail address")
    return reasons
