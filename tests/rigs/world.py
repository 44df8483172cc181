"""A whole university in memory: the real cycle over the contract-tested fakes, with a clock that can be moved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from provisiond.adapters.clock import SetClock
from provisiond.cycle import Cycle
from provisiond.domain.model import (
    Account,
    Block,
    Fetch,
    NoticeKind,
    NoticeStatus,
    RegistryRecord,
    Rejection,
    RowKey,
)
from provisiond.domain.orders import Order
from provisiond.domain.policy import Policy
from provisiond.ports import FetchMemory, Registry
from provisiond.result import Result, Work
from tests.rigs.directory import FakeDirectory
from tests.rigs.ledger import FakeLedger
from tests.rigs.lives import TODAY, ZONE, a_policy, noon


@dataclass(slots=True)
class Rows:
    """A registry that says what the test says."""

    name: str = "students"
    records: dict[tuple[str, str], RegistryRecord] = field(default_factory=dict)
    rejections: tuple[Rejection, ...] = ()
    refuses: Exception | None = None

    def put(self, *records: RegistryRecord) -> None:
        for record in records:
            self.records[record.student_id, record.programme] = replace(record, source=self.name)

    def fetch(self, today: date, memory: FetchMemory) -> Fetch:
        if self.refuses:
            raise self.refuses
        settled = memory.settled()
        blocks = [_block(record, record.key[1:], True) for record in self.records.values()]
        blocks += [_block(bad, (bad.student_id, ""), False) for bad in self.rejections]
        kept = frozenset(block.digest for block in blocks) & settled
        changed: dict[str, tuple[RegistryRecord, ...]] = {}
        for record, block in zip(self.records.values(), blocks, strict=False):
            if block.digest not in kept:
                changed[record.student_id] = (*changed.get(record.student_id, ()), record)
        vanished = (settled | memory.unsettled()) - {block.digest for block in blocks}
        named = set(self.records) | {(bad.student_id, "") for bad in self.rejections}
        doubtful = {bad.student_id for bad in self.rejections}
        gone = {
            (row.student_id, row.programme)
            for block in memory.blocks(vanished)
            for row in block.rows
            if row.student_id and row.programme and row.student_id not in doubtful
        }
        return Fetch(
            source=self.name,
            file="students.csv",
            digest=hashlib.sha256(repr((self.records, self.rejections)).encode()).hexdigest(),
            rows=len(blocks),
            rejections=self.rejections,
            changed=sorted(changed.items()),
            gone=tuple(sorted(gone - named)),
            kept=kept,
            blocks=[block for block in blocks if block.digest not in kept],
            complete=True,
            etag=None,
            watermark=None,
            outline=(),
        )


def _block(said: object, key: tuple[str | None, str], settled: bool) -> Block:
    digest = hashlib.blake2b(repr(said).encode(), digest_size=16).digest()
    return Block(digest, (RowKey(digest[:8], *key, settled),))


@dataclass(slots=True)
class World:
    """`registry` speaks, `cycle()` acts, `sleep()` moves the clock; the outbox is settled by hand."""

    policy: Policy = field(default_factory=a_policy)
    registry: Rows = field(default_factory=Rows)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    directory: FakeDirectory = field(
        default_factory=lambda: FakeDirectory(groups=("students", "library", "alumni"))
    )
    clock: SetClock = field(default_factory=lambda: SetClock(noon(TODAY)))

    @property
    def today(self) -> date:
        return self.clock.now().astimezone(ZONE).date()

    def _cycle(self) -> Cycle:
        sources: list[Registry] = [self.registry]
        return Cycle(sources, self.directory, self.ledger, self.clock, self.policy, ZONE)

    def cycle(self, *, everyone: bool = False) -> Result:
        return self._cycle().run(Work(everyone=everyone))

    def plan(self, *, everyone: bool = False) -> Result:
        return self._cycle().plan(Work(everyone=everyone))

    def order(self, who: str, order: Order) -> Result:
        return self._cycle().run(Work((self.account(who).student_id,), order))

    def account(self, who: str) -> Account:
        account = self.ledger.find(who)
        assert account is not None, who
        return account

    def sleep_until(self, day: date, *, settling: bool = True) -> None:
        """Live day by day: a cycle each morning, and a mail server that takes what is due."""
        while self.today < day:
            self.clock.at += timedelta(days=1)
            self.cycle()
            if settling:
                self.settle()

    def settle(self, status: NoticeStatus = NoticeStatus.ACCEPTED) -> int:
        keys = [item.notice.key for item in self.ledger.outbox(NoticeStatus.DUE)]
        return self.ledger.settle(keys, status, "250 ok", "sink", self.clock.now())

    def notices(self, who: str) -> list[tuple[date, NoticeKind]]:
        person_id = self.account(who).person_id
        items = [i.notice for i in self.ledger.outbox() if i.notice.person_id == person_id]
        return sorted((n.due_on, n.kind) for n in items)
