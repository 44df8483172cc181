"""A registry in memory and builders for its records, so that tests say only what they are about.

`write_drop` lays records down as the CSV file that would give exactly them back."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from provisiond.adapters.digests import Digests
from provisiond.adapters.registry.csv_drop import CsvSource
from provisiond.domain.errors import UnavailableError, UnsafeFetchError
from provisiond.domain.model import Block, Fetch, Level, RegistryRecord, Rejection, RowKey, Status
from provisiond.ports import FetchMemory

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
        language=None,
        confidential=False,
    )
    record = replace(record, **overrides)
    return record if record.proposed_id else replace(record, proposed_id=DIGESTS.person(record.student_id))


@dataclass(slots=True)
class FakeRegistry:
    """Gives what it holds, a block for each row. `gone` and `broken` (a cause) make it fail as a real one does."""

    records: Sequence[RegistryRecord] = ()
    rejections: Sequence[Rejection] = ()
    name: str = "registry"
    file: str = "students.csv"
    gone: bool = False
    broken: str | None = None

    def fetch(self, today: date, memory: FetchMemory) -> Fetch:
        if self.gone:
            raise UnavailableError("registry", f"no file {self.file}")
        if self.broken or not (self.records or self.rejections):
            raise UnsafeFetchError(f"{self.file} refused: {self.broken or 'no rows'}", plan_hash=None)
        blocks = {_digest(replace(record, line=0)): record for record in self.records}
        settled = memory.settled()
        changed: dict[str, list[RegistryRecord]] = {}
        for digest, record in blocks.items():
            if digest not in settled:
                changed.setdefault(record.student_id, []).append(record)
        return Fetch(
            source=self.name,
            file=self.file,
            digest=_digest((tuple(self.records), tuple(self.rejections))).hex(),
            rows=len(self.records) + len(self.rejections),
            rejections=tuple(self.rejections),
            changed=tuple((student_id, tuple(changed[student_id])) for student_id in sorted(changed)),
            gone=tuple(sorted(self._missing(memory))),
            kept=settled & blocks.keys(),
            blocks=(*_blocks(blocks, settled), *map(_unsettled, self.rejections)),
            complete=True,
            etag=None,
            watermark=None,
            outline=(),
        )

    def _missing(self, memory: FetchMemory) -> Iterator[tuple[str, str]]:
        named = {(record.student_id, record.programme) for record in self.records}
        doubtful = {rejection.student_id for rejection in self.rejections}
        for block in memory.blocks(memory.settled() | memory.unsettled()):
            for row in block.rows:
                if row.student_id and row.student_id not in doubtful:
                    yield from {(row.student_id, row.programme)} - named


def _digest(content: object) -> bytes:
    return hashlib.blake2b(repr(content).encode(), digest_size=16).digest()


def _blocks(records: Mapping[bytes, RegistryRecord], settled: frozenset[bytes]) -> Iterator[Block]:
    for digest, record in records.items():
        if digest not in settled:
            yield Block(digest, (RowKey(digest[:8], record.student_id, record.programme, settled=True),))


def _unsettled(rejection: Rejection) -> Block:
    digest = _digest(rejection)
    return Block(digest, (RowKey(digest[:8], rejection.student_id, "", settled=False),))


def records_of(fetch: Fetch) -> list[RegistryRecord]:
    """What it says anew, in the order of the source."""
    return sorted((r for _, records in fetch.changed for r in records), key=lambda record: record.line)


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
