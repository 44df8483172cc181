"""A registry in memory and builders for its records, so that tests say only what they are about.

`write_drop` lays records down as the CSV file that would give exactly them back."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from provisiond.adapters.digests import Digests
from provisiond.adapters.registry.csv_drop import CsvSource
from provisiond.domain.errors import UnavailableError, UnsafeFetchError
from provisiond.domain.model import Fetch, Level, RegistryRecord, Rejection, Status

TODAY = date(2024, 9, 2)
BIRTH = date(2005, 4, 3)
DIGESTS = Digests(b"a throw-away key, long enough: 32+ bytes")
COLUMNS: Mapping[str, str] = {
    "student_id": "STUDENT_ID",
    "surname": "SURNAME",
    "given_names": "GIVEN_NAMES",
    "preferred_name": "PREFERRED_NAME",
    "chinese_name": "CHINESE_NAME",
    "hkid": "HKID",
    "birth_date": "DATE_OF_BIRTH",
    "programme": "PROGRAMME",
    "department": "DEPARTMENT",
    "level": "LEVEL",
    "status": "STATUS",
    "status_on": "STATUS_DATE",
    "expected_end_on": "EXPECTED_END",
    "personal_mail": "PERSONAL_EMAIL",
    "supervisor_mail": "SUPERVISOR_EMAIL",
    "confidential": "CONFIDENTIAL",
}


def a_record(**overrides: Any) -> RegistryRecord:
    """CHAN Tai Man, a registered undergraduate; `proposed_id` follows `student_id` unless given."""
    record = RegistryRecord(
        source="registry",
        file="students.csv",
        line=2,
        student_id="20240001",
        proposed_id="",
        surname="CHAN",
        given_names="Tai Man",
        preferred_name=None,
        chinese_name=None,
        hkid_digest=None,
        birth_digest=DIGESTS.birth(BIRTH),
        programme="BSC-CS",
        department="Computer Science",
        level=Level.UNDERGRADUATE,
        status=Status.REGISTERED,
        status_on=date(2024, 9, 1),
        expected_end_on=date(2028, 6, 30),
        personal_mail="taiman@example.org",
        supervisor_mail=None,
        confidential=False,
    )
    record = replace(record, **overrides)
    return record if record.proposed_id else replace(record, proposed_id=DIGESTS.person(record.student_id))


@dataclass(slots=True)
class FakeRegistry:
    """Gives what it holds. `gone` and `broken` (a cause) make it fail as a real one does."""

    records: Sequence[RegistryRecord] = ()
    rejections: Sequence[Rejection] = ()
    name: str = "registry"
    file: str = "students.csv"
    gone: bool = False
    broken: str | None = None

    def fetch(self, today: date) -> Fetch:
        if self.gone:
            raise UnavailableError("registry", f"no file {self.file}")
        if self.broken or not (self.records or self.rejections):
            raise UnsafeFetchError(f"{self.file} refused: {self.broken or 'no rows'}", plan_hash=None)
        content = repr((tuple(self.records), tuple(self.rejections)))
        return Fetch(
            source=self.name,
            file=self.file,
            digest=hashlib.sha256(content.encode()).hexdigest(),
            rows=len(self.records) + len(self.rejections),
            records=tuple(self.records),
            rejections=tuple(self.rejections),
        )


def a_source(path: Path, **overrides: Any) -> CsvSource:
    """A source that reads what `write_drop` writes."""
    settings: dict[str, Any] = {"name": "registry", "path": path, "fields": COLUMNS}
    return CsvSource(**(settings | overrides))


def a_row(**overrides: str) -> dict[str, str]:
    """The cells of `a_record`, by our field names, as text."""
    return _cells(a_record()) | overrides


def write_drop(path: Path, records: Sequence[RegistryRecord]) -> None:
    """One row a record, born on BIRTH and without HKID."""
    write_rows(path, [_cells(record) for record in records])


def write_rows(path: Path, rows: Sequence[Mapping[str, str]], encoding: str = "utf-8") -> None:
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS.values())
        writer.writerows([row[field] for field in COLUMNS] for row in rows)


def _cells(record: RegistryRecord) -> dict[str, str]:
    known = {field: getattr(record, field, None) for field in COLUMNS}
    known |= {"birth_date": BIRTH, "confidential": "Y" if record.confidential else "N"}
    return {field: "" if value is None else str(value) for field, value in known.items()}
