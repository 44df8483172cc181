"""The half of the fake ledger that remembers fetches: blocks of rows, and records that are absent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from provisiond.domain.model import Absence, Block, Fetch, RegistryRecord, Stretch
from provisiond.ports import FetchMark, RecordKey


@dataclass(slots=True)
class FakeMemory:
    """Implements ports.FetchMemory for one source. `records` are the ledger's, all sources'."""

    source: str
    stored: dict[RecordKey, tuple[str, RegistryRecord]]
    mark: FetchMark | None = None
    stretches: tuple[Stretch, ...] = ()
    known: dict[bytes, Block] = field(default_factory=dict)
    absences: dict[RecordKey, Absence] = field(default_factory=dict)

    def last(self) -> FetchMark | None:
        return self.mark

    def settled(self) -> frozenset[bytes]:
        return frozenset(digest for digest, block in self.known.items() if all(r.settled for r in block.rows))

    def unsettled(self) -> frozenset[bytes]:
        return frozenset(self.known) - self.settled()

    def blocks(self, digests: Collection[bytes]) -> Iterator[Block]:
        return iter([block for digest, block in sorted(self.known.items()) if digest in digests])

    def outline(self) -> tuple[Stretch, ...]:
        return self.stretches

    def records(self, student_ids: Collection[str]) -> dict[str, tuple[RegistryRecord, ...]]:
        found: dict[str, tuple[RegistryRecord, ...]] = {}
        for record in self._present():
            if record.student_id in student_ids:
                found[record.student_id] = (*found.get(record.student_id, ()), record)
        return found

    def students_with_hkids(self, digests: Collection[str]) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for record in self._present():
            if record.hkid_digest in digests and record.hkid_digest:
                found[record.hkid_digest] = found.get(record.hkid_digest, frozenset()) | {record.student_id}
        return found

    def _present(self) -> list[RegistryRecord]:
        mine = (record for key, (_, record) in sorted(self.stored.items()) if key[0] == self.source)
        return [record for record in mine if record.key not in self.absences]

    def take(self, fetch: Fetch, unsettled: Collection[str], today: date) -> None:
        kept = {digest: block for digest, block in self.known.items() if digest in fetch.kept}
        self.known = {
            block.digest: _unsettling(block, unsettled) for block in (*kept.values(), *fetch.blocks)
        }
        self.stretches = fetch.outline
        if fetch.complete:
            rejected = {one.student_id for one in fetch.rejections}
            for key, absence in self.absences.items():
                if not rejected & {None, absence.student_id}:
                    self.absences[key] = replace(absence, fetches=absence.fetches + 1)
            for student_id, programme in fetch.gone:
                key = (self.source, student_id, programme)
                if key in self.stored and key not in self.absences:
                    self.absences[key] = Absence(*key, today, 1)


def _unsettling(block: Block, students: Collection[str]) -> Block:
    rows = tuple(replace(r, settled=r.settled and r.student_id not in students) for r in block.rows)
    return Block(block.digest, rows)
