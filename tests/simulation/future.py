"""A small university at a random moment of its life, and the days that then really come: a cycle at the beginning of
each, an operator who approves what is held, a mail server that takes everything (or nothing). The registry says no
more. What was seen is counted in the words of a rehearsal."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from provisiond.cycle import Cycle, record_order
from provisiond.domain.agenda import Day
from provisiond.domain.course import Span
from provisiond.domain.model import (
    Extension,
    Hold,
    HoldKind,
    Level,
    NoticeKind,
    NoticeStatus,
    RegistryRecord,
    State,
    Status,
)
from provisiond.domain.orders import Activate, Extend, Order, Release, SetHold
from provisiond.domain.policy import BrakePolicy, Entitlement, LifecyclePolicy, Limit, Policy, Window
from provisiond.rehearsal import Assumed, Rehearsal, Rehearsed
from provisiond.result import Work
from tests.rigs.lives import TODAY, a_person, a_policy
from tests.rigs.world import World

STUDENTS = 9
ZONES = (ZoneInfo("Asia/Hong_Kong"), ZoneInfo("Europe/London"), ZoneInfo("America/Santiago"))


@dataclass(slots=True)
class Future:
    """`rehearsed` first, then `lived`: both from the same moment."""

    seed: int
    mail: bool = True
    expected_ends: bool = False
    other: Policy | None = None  # from now on, for everybody
    world: World = field(init=False)
    chance: random.Random = field(init=False)
    zone: ZoneInfo = field(init=False)
    begun_on: date = field(init=False)
    until: date = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.zone = self.chance.choice(ZONES)
        self.world = World(policy=self.any_policy())
        for number in range(self.chance.randrange(2, STUDENTS)):
            self._join(str(20000000 + number))
        self._work()
        for _ in range(self.chance.randrange(25)):
            self.chance.choice(EVENTS)(self)
        self._work()  # what the registry says is known
        for _ in range(self.chance.randrange(3)):
            self._order(self._any_order())
        if self.chance.random() < 0.5:
            self.world.settle()
        self.begun_on = self._today()
        self.until = self.begun_on + timedelta(days=self.chance.randrange(3, 300))

    @property
    def span(self) -> Span:
        return Span(self.world.clock.now(), self.until, self.zone)

    def rehearsed(self) -> Rehearsed:
        assumed = Assumed(self.mail, self.expected_ends)
        return Rehearsal(self.world.ledger, self.span, self.world.policy, self.other, assumed).run()

    def lived(self) -> dict[date, Day]:
        """Day by day through the real cycle."""
        span, seen = self.span, dict[date, Day]()
        if self.expected_ends:
            self._let_the_registry_say_so()
        self.world.policy = self.other or self.world.policy
        day = span.today
        while day <= self.until:
            self.world.clock.at = span.instant(day)
            self._live(day, seen)
            day += timedelta(days=1)
        return {day: counted for day, counted in seen.items() if counted != Day()}

    def _live(self, day: date, seen: dict[date, Day]) -> None:
        """Cycles until the mail server has nothing more to take."""
        for _ in range(20):
            if held := self._act(day, seen):
                self.world.ledger.approve(held, "operator", self.world.clock.now())
                assert not self._act(day, seen), "what was approved went through"
            if not self.mail or not self.world.settle():
                return
        raise AssertionError("the day does not end")

    def _act(self, day: date, seen: dict[date, Day]) -> str | None:
        before = {i.notice.key for i in self.world.ledger.outbox() if i.notice.person_id is None}
        everyone = bool(self.other or self.expected_ends) and day == self.begun_on
        result = self._cycle().run(Work(everyone=everyone))
        assert not result.failed and not result.refused
        happened = Day(brakes=list(result.plan.tripped))
        for step in result.plan.due:
            happened.add(step)
        told = [i for i in self.world.ledger.outbox() if i.notice.person_id is None]
        if new := sum(item.notice.key not in before for item in told):
            happened.notices[NoticeKind.OPERATOR] += new
        seen.setdefault(day, Day()).merge(happened)
        return result.plan.held_hash

    def ledger_as_text(self) -> str:
        ledger = self.world.ledger
        return repr((ledger.people, ledger.records, ledger.outbox(), ledger.history(), ledger.weighed))

    # -- the past --------------------------------------------------------------------------------------
    def any_policy(self) -> Policy:
        few, some = Limit(2, 100, 2), Limit(6, 100, 6)
        summer = Window("summer", (6, 1), (8, 31), {"losses": Limit(1, 100, 1), "mails": Limit(3, 100, 3)})
        brakes = BrakePolicy(losses=few, completions=few, mails=some, windows=(summer,))
        lifecycle = LifecyclePolicy(
            grace_months=dict.fromkeys(Level, self.chance.choice((1, 4))),
            reminder_days=self.chance.choice(((30, 7, 1), (14,), (7, 0))),
            minimum_lead_days=self.chance.choice((7, 0, 3)),
        )
        made = a_policy(brakes=brakes, lifecycle=lifecycle)
        on_leave = Entitlement(True, frozenset({self.chance.choice(("library", "students"))}))
        return replace(made, entitlements={**made.entitlements, State.ON_LEAVE: on_leave})

    def _cycle(self) -> Cycle:
        world = self.world
        return Cycle([world.registry], world.directory, world.ledger, world.clock, world.policy, self.zone)

    def _work(self) -> None:
        if held := self._cycle().run().plan.held_hash:
            self.world.ledger.approve(held, "operator", self.world.clock.now())
            self._cycle().run()

    def _join(self, student_id: str) -> None:
        end = TODAY + timedelta(days=self.chance.randrange(-20, 300))
        record = a_person(
            student_id,
            surname=self.chance.choice(("CHAN", "WONG")),
            given_names=self.chance.choice(("Tai Man", "Tim Mo")),
            status_on=TODAY + timedelta(days=self.chance.randrange(-200, 30)),
            expected_end_on=self.chance.choice((None, end)),
            hkid_digest=None,
            birth_digest=f"b{student_id}",
            programme=f"P{self.chance.randrange(2)}",
        )
        self.world.registry.put(record)

    def leave(self) -> None:
        """At once, or in the time to come."""
        record = self._someone()
        on = self._today() + timedelta(days=self.chance.choice((-150, -20, 0, 0, 5, 40, 41, 120)))
        status = self.chance.choice((Status.COMPLETED,) * 4 + (Status.WITHDRAWN, Status.ON_LEAVE))
        self.world.registry.put(replace(record, status=status, status_on=on))
        self._work()

    def all_leave(self) -> None:
        """On one day to come."""
        on = self._today() + timedelta(days=self.chance.randrange(60))
        status = self.chance.choice((Status.COMPLETED,) * 3 + (Status.WITHDRAWN,))
        frozen = {parked.student_id for parked in self.world.ledger.parked()}
        for record in list(self.world.registry.records.values()):
            if record.student_id not in frozen and self.chance.random() < 0.8:
                self.world.registry.put(replace(record, status=status, status_on=on))
        self._work()

    def come_back(self) -> None:
        record = self._someone()
        on = self._today() + timedelta(days=self.chance.choice((0, 30, 100)))
        level = Level.RESEARCH_POSTGRADUATE
        self.world.registry.put(replace(record, programme="PHD", level=level, status_on=on))
        self._work()

    def _someone(self) -> RegistryRecord:
        """What is said of the frozen is not in the ledger, and so not rehearsed."""
        frozen = {parked.student_id for parked in self.world.ledger.parked()}
        records = list(self.world.registry.records.values())
        return self.chance.choice([r for r in records if r.student_id not in frozen] or records)

    def days_pass(self) -> None:
        for _ in range(self.chance.randrange(1, 25)):
            self.world.clock.at += timedelta(days=1)
            self._work()
            if self.chance.random() < 0.9:
                status = self.chance.choice((NoticeStatus.ACCEPTED,) * 9 + (NoticeStatus.REFUSED,))
                self.world.settle(status)

    def act_on_an_order(self) -> None:
        self._order(self._any_order())
        self._work()

    def _any_order(self) -> Order:
        now, today = self.world.clock.now(), self._today()
        until = self.chance.choice((None, today + timedelta(days=self.chance.randrange(60))))
        later = today + timedelta(days=self.chance.randrange(10, 200))
        orders: tuple[Order, ...] = (
            Activate(now, "test", self.chance.choice((None, True, False))),
            SetHold(Hold(self.chance.choice(list(HoldKind)), now, until, "test", "test")),
            Release(None, now, "test", "test"),
            Extend(Extension(later, now, "test", "test")),
        )
        return self.chance.choice((orders[0], *orders))

    def _order(self, order: Order) -> None:
        account = self.world.ledger.people[self.chance.choice(sorted(self.world.ledger.people))]
        record_order(self.world.ledger, account.person_id, order)

    def _today(self) -> date:
        return self.world.clock.now().astimezone(self.zone).date()

    def _let_the_registry_say_so(self) -> None:
        for record in list(self.world.registry.records.values()):
            end = record.expected_end_on
            if record.status in (Status.REGISTERED, Status.ON_LEAVE) and end and end > self._today():
                self.world.registry.put(replace(record, status=Status.COMPLETED, status_on=end))


EVENTS: tuple[Callable[[Future], None], ...] = (
    *(Future.leave,) * 3,
    Future.all_leave,
    Future.come_back,
    *(Future.days_pass,) * 3,
    *(Future.act_on_an_order,) * 4,
)
