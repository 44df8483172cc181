"""What registries and the directory showed us when we last looked, in SQL, one transaction a method."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime

from provisiond.adapters.ledger import absences, asides, fetches, sightings
from provisiond.adapters.ledger.connection import Database
from provisiond.adapters.ledger.memory import SqlMemory
from provisiond.domain.model import Absence, Fetch, RegistryRecord, Rejection
from provisiond.ports import FetchMark, RecordKey, Sighting


class SqlObserved:
    """A part of ports.Ledger."""

    _db: Database

    # -- registry --------------------------------------------------------------------------------------
    def memory(self, source: str) -> SqlMemory:
        return SqlMemory(self._db, source)

    def mark_fetch(self, fetch: Fetch, unsettled: Collection[str], at: datetime, today: date) -> None:
        with self._db.write() as connection:
            fetches.mark(connection, fetch, unsettled, at, today)

    def set_aside(self, kept: Sequence[RegistryRecord], dropped: Collection[RecordKey]) -> None:
        with self._db.write() as connection:
            asides.replace(connection, kept, dropped)

    def aside(self, student_ids: Iterable[str]) -> dict[str, tuple[RegistryRecord, ...]]:
        with self._db.read() as connection:
            return asides.of_students(connection, student_ids)

    def named_again(self, keys: Collection[RecordKey], at: datetime) -> None:
        with self._db.write() as connection:
            absences.end(connection, keys, at)

    def absences(self) -> list[Absence]:
        with self._db.read() as connection:
            return absences.every(connection)

    def call_absent(self, source: str, at_least: int, at: datetime) -> None:
        with self._db.write() as connection:
            absences.call(connection, source, at_least, at)

    def last_fetch(self, source: str) -> FetchMark | None:
        with self._db.read() as connection:
            return fetches.last(connection, source)

    def rejections(self) -> list[Rejection]:
        with self._db.read() as connection:
            return fetches.rejections(connection)

    # -- drift -----------------------------------------------------------------------------------------
    def watermark(self) -> str | None:
        with self._db.read() as connection:
            return sightings.watermark(connection)

    def set_watermark(self, watermark: str) -> None:
        with self._db.write() as connection:
            sightings.set_watermark(connection, watermark)

    def sight(self, seen: Iterable[Sighting], gone: Iterable[bytes] = ()) -> None:
        with self._db.write() as connection:
            sightings.keep(connection, seen, gone)

    def sightings(self) -> Iterator[Sighting]:
        with self._db.read() as connection:
            yield from sightings.every(connection)

    def owners(self, entry_ids: Iterable[bytes]) -> dict[bytes, str]:
        with self._db.read() as connection:
            return sightings.owners(connection, entry_ids)

    def students(self) -> Iterator[tuple[str, str]]:
        with self._db.read() as connection:
            yield from sightings.students(connection)
