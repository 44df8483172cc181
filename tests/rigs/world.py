"""A whole university in memory: the real cycle over the contract-tested fakes, with a clock that can be moved."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from provisiond.adapters.clock import SetClock
from provisiond.cycle import Cycle, Result, Work
from provisiond.domain.model import Account, Fetch, NoticeKind, NoticeStatus, RegistryRecord, Rejection
from provisiond.domain.orders import Order
from provisiond.domain.policy import Policy
from provisiond.ports import Registry
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

    def fetch(self, today: date) -> Fetch:
        if self.refuses:
            raise self.refuses
        records = tuple(self.records.values())
        rows = len(records) + len(self.rejections)
        digest = f"{hash((records, self.rejections)) & 0xFFFFFFFFFFFFFFFF:016x}" * 4
        return Fetch(self.name, "students.csv", digest, rows, records, self.rejections)


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

    def plan(self) -> Result:
        return self._cycle().plan()

    def order(self, who: str, order: Order) -> Result:
        return self._cycle().run(Work(self.account(who).person_id, order))

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
