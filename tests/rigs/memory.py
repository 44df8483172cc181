"""What a ledger remembers of one source, in memory: given to a fetch, and made to take over what it gave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from provisiond.domain.model import Block, Fetch, RegistryRecord, Stretch
from provisiond.ports import FetchMark

AT = datetime(2024, 9, 2, 4, tzinfo=UTC)


@dataclass(slots=True)
class FakeMemory:
    """A `ports.FetchMemory`. `read`: how many remembered blocks were asked for."""

    mark: FetchMark | None = None
    remembered: dict[bytes, Block] = field(default_factory=dict)
    committed: dict[tuple[str, str], RegistryRecord] = field(default_factory=dict)
    absent: set[tuple[str, str]] = field(default_factory=set)
    stretches: tuple[Stretch, ...] = ()
    read: int = 0

    def outline(self) -> tuple[Stretch, ...]:
        return self.stretches

    def last(self) -> FetchMark | None:
        return self.mark

    def settled(self) -> frozenset[bytes]:
        return frozenset(d for d, block in self.remembered.items() if all(r.settled for r in block.rows))

    def unsettled(self) -> frozenset[bytes]:
        return frozenset(self.remembered) - self.settled()

    def blocks(self, digests: Collection[bytes]) -> Iterator[Block]:
        for digest in digests:
            self.read += 1
            yield self.remembered[digest]

    def records(self, student_ids: Collection[str]) -> dict[str, tuple[RegistryRecord, ...]]:
        found: dict[str, list[RegistryRecord]] = defaultdict(list)
        for record in self._standing():
            if record.student_id in student_ids:
                found[record.student_id].append(record)
        return {student_id: tuple(records) for student_id, records in found.items()}

    def students_with_hkids(self, digests: Collection[str]) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for record in self._standing():
            if record.hkid_digest in digests:
                found[str(record.hkid_digest)].add(record.student_id)
        return {digest: frozenset(students) for digest, students in found.items()}

    def _standing(self) -> Iterator[RegistryRecord]:
        return (record for key, record in self.committed.items() if key not in self.absent)

    def take(self, fetch: Fetch, unfinished: Collection[str] = ()) -> None:
        """As a cycle does that finished all students but `unfinished`."""
        self.absent.update(fetch.gone)
        for student_id, records in fetch.changed:
            if student_id not in unfinished:
                self.committed |= {(r.student_id, r.programme): r for r in records}
                self.absent -= {(r.student_id, r.programme) for r in records}
        new = {block.digest: _without(block, unfinished) for block in fetch.blocks}
        self.remembered = {digest: self.remembered[digest] for digest in fetch.kept} | new
        self.stretches = fetch.outline
        self.mark = FetchMark(fetch.digest, fetch.rows, AT, fetch.etag, fetch.watermark)


def _without(block: Block, unfinished: Collection[str]) -> Block:
    rows = (replace(r, settled=r.settled and r.student_id not in unfinished) for r in block.rows)
    return replace(block, rows=tuple(rows))
