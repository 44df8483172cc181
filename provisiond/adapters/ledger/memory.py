"""What the ledger remembers of one source for its next fetch (ports.FetchMemory)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import select

from provisiond.adapters.ledger import absences, blocks, fetches, records
from provisiond.adapters.ledger.connection import Database, chunks
from provisiond.adapters.ledger.tables import record
from provisiond.domain.model import Block, RegistryRecord, Stretch
from provisiond.ports import FetchMark


class SqlMemory:
    """Each question is one read; nothing is held."""

    def __init__(self, database: Database, source: str) -> None:
        self._db, self._source = database, source

    def last(self) -> FetchMark | None:
        with self._db.read() as connection:
            return fetches.last(connection, self._source)

    def settled(self) -> frozenset[bytes]:
        with self._db.read() as connection:
            return blocks.digests(connection, self._source, settled=True)

    def unsettled(self) -> frozenset[bytes]:
        with self._db.read() as connection:
            return blocks.digests(connection, self._source, settled=False)

    def blocks(self, digests: Collection[bytes]) -> Iterator[Block]:
        with self._db.read() as connection:
            yield from blocks.some(connection, self._source, digests)

    def outline(self) -> tuple[Stretch, ...]:
        with self._db.read() as connection:
            return fetches.outline(connection, self._source)

    def records(self, student_ids: Collection[str]) -> dict[str, tuple[RegistryRecord, ...]]:
        with self._db.read() as connection:
            return records.present_of_students(connection, self._source, student_ids)

    def students_with_hkids(self, digests: Collection[str]) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        with self._db.read() as connection:
            for chunk in chunks(digests):
                wanted = select(record.c.hkid_digest, record.c.student_id).where(
                    record.c.source == self._source,
                    record.c.hkid_digest.in_(chunk),
                    absences.not_absent(),
                )
                for digest, student_id in connection.execute(wanted):
                    found[digest] = found.get(digest, frozenset()) | {student_id}
        return found
