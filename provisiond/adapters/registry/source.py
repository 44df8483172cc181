"""What the configuration says of a source: which column means what; of a CSV drop also where it lies and how it
is written. Finds every fault in that at once; reads no file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path

from provisiond.adapters.registry.rows import MappedSource
from provisiond.domain.model import Language, Level, Status

FIELDS = (
    "student_id",
    "surname",
    "given_names",
    "full_name",
    "preferred_name",
    "chinese_name",
    "hkid",
    "birth_date",
    "programme",
    "department",
    "level",
    "status",
    "status_on",
    "expected_end_on",
    "personal_mail",
    "supervisor_mail",
    "language",
    "confidential",
)
REQUIRED = ("student_id", "birth_date", "programme", "department", "level", "status", "status_on")
TRUE_WORDS = frozenset({"true", "yes", "y", "1"})
FALSE_WORDS = frozenset({"false", "no", "n", "0", ""})
_OWN_VALUES: Mapping[str, frozenset[str]] = {
    "level": frozenset(Level),
    "status": frozenset(Status),
    "language": frozenset(language.lower() for language in Language),
    "confidential": TRUE_WORDS | FALSE_WORDS,
}


@dataclass(frozen=True, slots=True)
class CsvSource:
    """`path`: a file, or a folder whose newest file matching `pattern` counts. `encoding` None: found out,
    by byte order mark, as UTF-8, or as the likeliest of `encodings`.

    `fields`: our field name → column header. `codes`: our field name → registry's code → our value; our
    own values are understood without. `trailer`: regular expression with a group `count` that the last
    line (or its first cell) must match. `date_formats`: strptime's, tried in order. `maximum_age`: of the file's
    time of change. `expected`: column header → regular expression that its every value must match."""

    name: str
    path: Path
    fields: Mapping[str, str]
    pattern: str = "*.csv"
    delimiter: str = ","
    encoding: str | None = None
    encodings: tuple[str, ...] = ("big5hkscs", "cp1252")
    date_formats: tuple[str, ...] = ("%Y-%m-%d", "%d/%m/%Y")
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    trailer: str | None = None
    maximum_rejected_percent: float = 50
    maximum_age: timedelta | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    supplement: bool = False

    def faults(self) -> list[str]:
        """Every fault as `key: sentence`; empty when the source can be used."""
        return [*self._form_faults(), *mapping_faults(self)]

    def _form_faults(self) -> Iterator[str]:
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            yield f"delimiter: {self.delimiter!r} is not one character"
        if not self.pattern or "/" in self.pattern:
            yield f"pattern: {self.pattern!r} is not a pattern of file names"
        for name in filter(None, (self.encoding, *self.encodings)):
            if not _is_encoding(name):
                yield f"encoding: {name!r} is not known; examples: utf-8, big5hkscs, cp1252"
        if self.trailer is not None and not _has_count(self.trailer):
            yield f"trailer: {self.trailer!r} is not a regular expression with a group (?P<count>\\d+)"


def mapping_faults(source: MappedSource) -> Iterator[str]:
    """What is wrong with the part that every kind of source has."""
    yield from _field_faults(source)
    yield from _code_faults(source)
    if not source.date_formats:
        yield "date_formats: at least one is needed"
    if not 0 < source.maximum_rejected_percent <= 100:
        yield "maximum_rejected_percent: not above 0 and at most 100"


def configured(source: MappedSource, *more: object) -> str:
    """Stands for everything that decides how an answer is read: what was read under another one must be read again.
    `more`: what that kind of source has beside the mapping."""
    mapped = (source.fields, source.codes, source.date_formats, source.supplement, *more)
    return hashlib.sha256(repr([_in_order(part) for part in mapped]).encode()).hexdigest()[:16]


def _in_order(part: object) -> object:
    return (
        sorted((key, _in_order(value)) for key, value in part.items()) if isinstance(part, Mapping) else part
    )


def _field_faults(source: MappedSource) -> Iterator[str]:
    for name in source.fields:
        if name not in FIELDS:
            yield f"fields.{name}: not known{_suggestion(name, FIELDS)}"
    for name in ("student_id",) if source.supplement else REQUIRED:
        if name not in source.fields:
            yield f"fields.{name}: missing"
    if source.supplement:
        return
    if "full_name" not in source.fields and "surname" not in source.fields:
        yield "fields: neither surname (with given_names) nor full_name"
    if "full_name" not in source.fields and "given_names" not in source.fields:
        yield "fields: neither given_names nor full_name"


def _code_faults(source: MappedSource) -> Iterator[str]:
    for name, codes in source.codes.items():
        if name not in FIELDS:
            yield f"codes.{name}: not known{_suggestion(name, FIELDS)}"
        for code, value in codes.items():
            own = _OWN_VALUES.get(name)
            if own is not None and value.lower() not in own:
                choices = ", ".join(sorted(filter(None, own)))
                yield f"codes.{name}.{code}: {value!r} is none of {choices}"


def _suggestion(name: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except LookupError:  # also for codecs that are no text encodings, as hex
        return False
    return True


def _has_count(expression: str) -> bool:
    try:
        return "count" in re.compile(expression).groupindex
    except re.error:
        return False
