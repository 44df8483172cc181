"""A university under a seeded chance: students come, change and go, operators order, mail is taken or refused, the
clock jumps, others write in the directory. The real cycle runs on it over the contract-tested fakes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from provisiond.adapters.clock import SetClock
from provisiond.cycle import Cycle
from provisiond.domain.errors import ProvisiondError, RejectedError, UnavailableError, UnsafeFetchError
from provisiond.domain.model import (
    Account,
    Audience,
    ContactDetail,
    ContactField,
    Extension,
    Hold,
    HoldKind,
    Level,
    NoticeStatus,
    RegistryRecord,
    Rejection,
    Status,
)
from provisiond.domain.orders import (
    Activate,
    ChooseDisplayName,
    Extend,
    GiveAlias,
    Order,
    Release,
    SetContact,
    SetHold,
)
from provisiond.domain.policy import BrakePolicy, Limit, Policy
from provisiond.result import Result, Work
from tests.rigs.directory import FakeDirectory
from tests.rigs.ledger import FakeLedger
from tests.rigs.lives import TODAY, ZONE, a_person, a_policy, noon
from tests.rigs.world import Rows
from tests.simulation.faults import Crash, Faults, FaultyDirectory, FaultyLedger

STUDENTS = 6
LOSSES = 2  # allowed in 24 hours without an approval
NAMES = (("CHAN", "Tai Man"), ("CHAN", "Tim Mo"), ("Chan", "Tai-Man"), ("陳", "大文"), ("O'Brien", ""))


def small_policy() -> Policy:
    few = Limit(LOSSES, 100, LOSSES)
    return a_policy(brakes=BrakePolicy(losses=few, renames=few, completions=few, shrink_always_allowed=3))


@dataclass(slots=True)
class Parts:
    """What a campus is made of: a planted bug puts another one in the place of one of these."""

    ledger: Callable[[], FakeLedger] = FakeLedger
    directory: Callable[[], FakeDirectory] = lambda: FakeDirectory(groups=("students", "library", "alumni"))
    cycle: type[Cycle] = Cycle
    policy: Callable[[], Policy] = small_policy


@dataclass(slots=True)
class Campus:
    """`step` lets one thing happen and runs a cycle; `calm_down` lets nothing happen until nothing is due."""

    seed: int
    parts: Parts = field(default_factory=Parts)
    chance: random.Random = field(init=False)
    faults: Faults = field(init=False)
    ledger: FakeLedger = field(init=False)
    directory: FakeDirectory = field(init=False)
    registry: Rows = field(default_factory=Rows)
    clock: SetClock = field(default_factory=lambda: SetClock(noon(TODAY)))
    policy: Policy = field(init=False)
    story: list[str] = field(default_factory=list)
    approved: bool = False  # an approval stands: the next losses are an operator's
    accepted: list[tuple[str, datetime]] = field(
        default_factory=list
    )  # notice key, when a mail server took it
    planted: dict[str, tuple[str, str]] = field(default_factory=dict)  # DN → attribute and value of others

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.faults = Faults(self.chance)
        self.ledger, self.directory = self.parts.ledger(), self.parts.directory()
        self.policy = self.parts.policy()

    @property
    def today(self) -> date:
        return self.clock.now().astimezone(ZONE).date()

    # -- what happens ----------------------------------------------------------------------------------
    def step(self) -> Result | None:
        """None where the cycle did not come to its end."""
        event = self.chance.choice(EVENTS)
        self.story.append(event.__name__.strip("_"))
        with_faults = self._guarded(lambda: event(self))
        self.clock.at += timedelta(hours=self.chance.choice((1, 6, 24, 24, 24 * 7, 24 * 20)))
        return with_faults and self._guarded(self._cycle().run)

    def calm_down(self) -> int:
        """How many cycles it took until nothing was due; at most a few when all is well."""
        self.faults.calm = True
        self.registry.refuses, self.registry.rejections = None, ()
        for dn in self.faults.intruders:
            self.directory.uproot(dn)
        for turn in range(8):
            self.settle(NoticeStatus.ACCEPTED)
            self.approve()
            self._cycle().run()
            self.settle(NoticeStatus.ACCEPTED)
            if not self._cycle().plan().plan.is_due:
                return turn
        return 8

    def quiet_cycle(self) -> Result:
        return self._cycle().run()

    def _cycle(self) -> Cycle:
        ledger, directory = (
            FaultyLedger(self.ledger, self.faults),
            FaultyDirectory(self.directory, self.faults),
        )
        return self.parts.cycle([self.registry], directory, ledger, self.clock, self.policy, ZONE)

    def _guarded(self, act: Callable[[], object]) -> Result | None:
        """A crash or an outage ends the act; the world is what it left."""
        try:
            done = act()
        except Crash as crash:
            self.story.append(f"  crash {crash}")
            return None
        except ProvisiondError as error:
            self.story.append(f"  {error}")
            return None
        return done if isinstance(done, Result) else Result.__new__(Result)

    # -- events ----------------------------------------------------------------------------------------
    def join(self) -> None:
        surname, given = self.chance.choice(NAMES)
        number = self.chance.randrange(STUDENTS)
        self._put(a_person(_student(number), surname=surname, given_names=given, status_on=self.today))

    def mass_join(self) -> None:
        for number in range(STUDENTS):
            surname, given = self.chance.choice(NAMES[:3])
            self._put(a_person(_student(number), surname=surname, given_names=given, status_on=self.today))

    def complete(self) -> None:
        self._change(status=Status.COMPLETED, status_on=self.today)

    def withdraw(self) -> None:
        self._change(status=Status.WITHDRAWN, status_on=self.today)

    def move(self) -> None:
        self._change(department=self.chance.choice(("Physics", "Music", "Law")))

    def months_pass(self) -> None:
        """Mail is taken, cycles run: what is announced comes to its end."""
        for _ in range(8):
            self.clock.at += timedelta(days=20)
            self._cycle().run()
            self.settle(NoticeStatus.ACCEPTED)

    def take_leave(self) -> None:
        self._change(status=Status.ON_LEAVE, status_on=self.today)

    def come_back(self) -> None:
        self._change(programme="PHD", level=Level.RESEARCH_POSTGRADUATE, status=Status.REGISTERED)

    def rename(self) -> None:
        self._change(surname=self.chance.choice(("WONG", "LEE")))

    def hide(self) -> None:
        self._change(confidential=self.chance.random() < 0.7)

    def everybody_is_withdrawn(self) -> None:
        for record in list(self.registry.records.values()):
            self._put(replace(record, status=Status.WITHDRAWN, status_on=self.today))

    def vanish(self) -> None:
        if record := self._someone():
            del self.registry.records[record.student_id, record.programme]

    def shuffle(self) -> None:
        rows = list(self.registry.records.items())
        self.chance.shuffle(rows)
        self.registry.records = dict(rows)

    def reject_one(self) -> None:
        if record := self._someone():
            bad = Rejection("students", "students.csv", 2, record.student_id, ("unknown status",))
            self.registry.rejections = (bad,)

    def mend(self) -> None:
        self.registry.rejections, self.registry.refuses = (), None

    def refuse_fetch(self) -> None:
        self.registry.refuses = self.chance.choice(
            (UnavailableError("registry", "away"), UnsafeFetchError("empty", None))
        )

    def clock_back(self) -> None:
        self.clock.at -= timedelta(hours=self.chance.choice((1, 3, 30)))

    def activate(self) -> None:
        self._order(lambda: Activate(self.clock.now(), "sim", self.chance.choice((None, True, False))))

    def lock(self) -> None:
        until = self.chance.choice((None, self.today + timedelta(days=9)))
        self._order(lambda: SetHold(Hold(HoldKind.LOCK, self.clock.now(), until, "sim", "sim")))

    def freeze(self) -> None:
        self._order(lambda: SetHold(Hold(HoldKind.FREEZE, self.clock.now(), None, "sim", "sim")))

    def release(self) -> None:
        self._order(lambda: Release(None, self.clock.now(), "sim", "sim"))

    def extend(self) -> None:
        until = self.today + timedelta(days=self.chance.randrange(10, 300))
        self._order(lambda: Extend(Extension(until, self.clock.now(), "sim", "sim")))

    def choose_contact(self) -> None:
        fields = self.chance.sample(list(ContactField), self.chance.randrange(4))
        details = tuple(ContactDetail(f, "Ah Man", self.chance.choice(list(Audience))) for f in fields)
        unlisted = self.chance.random() < 0.2
        self._order(lambda: SetContact(details, unlisted, self.clock.now(), "sim"))

    def choose_name(self) -> None:
        name = self.chance.choice(("T. M. Chan", "Mary Wong", None))
        self._order(lambda: ChooseDisplayName(name, self.clock.now(), "sim"))

    def choose_alias(self) -> None:
        """One that another may have, or an account name."""
        alias = self.chance.choice(("Tai.Man.Chan", "T.Chan", "tmchan", "TMChanAA"))
        domain = self.parts.policy().directory.mail_domain
        with suppress(RejectedError):
            self._order(lambda: GiveAlias(alias, domain, self.clock.now(), "sim"))

    def mail(self) -> None:
        self.settle(self.chance.choice((NoticeStatus.ACCEPTED,) * 4 + (NoticeStatus.REFUSED,)))

    def approve(self) -> None:
        for held in self.ledger.held_plans():
            self.ledger.approve(held.hash, "sim", self.clock.now())
            self.approved = True

    def others_write(self) -> None:
        """A foreign value beside ours, and one in the place of ours."""
        accounts = [dn for dn, e in self.directory.entries.items() if "provisiondstate" in e.attributes]
        if not accounts:
            return
        dn = self.chance.choice(sorted(accounts))
        value = f"theirs{self.chance.randrange(99)}"
        name = self.chance.choice(("description", "mail", "ou"))
        self.directory.plant(dn, {name: (value,)})
        self.planted[dn] = (name, value)

    def others_take_a_name(self) -> None:
        dn = f"uid=tmchan{self.chance.choice(('', 'aa', 'ab'))},ou=services,{self.directory.base}"
        self.directory.plant(dn, {"uid": (dn[4:].partition(",")[0],)})

    def settle(self, status: NoticeStatus) -> None:
        due = [item.notice.key for item in self.ledger.outbox(NoticeStatus.DUE)]
        if status is NoticeStatus.ACCEPTED:
            self.accepted += [(key, self.clock.now()) for key in due]
        self.ledger.settle(due, status, "250 ok", "sink", self.clock.now())

    # -- inside ----------------------------------------------------------------------------------------
    def _put(self, record: RegistryRecord) -> None:
        """The same person has the same birth date for life, or it would be another human."""
        self.registry.put(replace(record, birth_digest=f"b{record.student_id}", hkid_digest=None))

    def _someone(self) -> RegistryRecord | None:
        rows = sorted(self.registry.records)
        return self.registry.records[self.chance.choice(rows)] if rows else None

    def _change(self, **fields: object) -> None:
        if record := self._someone():
            self._put(replace(record, **fields))  # type: ignore[arg-type]

    def _order(self, make: Callable[[], Order]) -> None:
        if account := self._account():
            self._cycle().run(Work((account.student_id,), make()))

    def _account(self) -> Account | None:
        people: Iterable[str] = sorted(self.ledger.people)
        return self.ledger.people[self.chance.choice(list(people))] if people else None


def _student(number: int) -> str:
    return str(20000000 + number)


EVENTS: tuple[Callable[[Campus], None], ...] = (
    *(Campus.join,) * 4,
    Campus.mass_join,
    *(Campus.activate,) * 3,
    *(Campus.mail,) * 4,
    *(Campus.complete,) * 3,
    *(Campus.months_pass,) * 2,
    *(Campus.move,) * 2,
    Campus.withdraw,
    Campus.take_leave,
    Campus.come_back,
    Campus.rename,
    Campus.hide,
    Campus.everybody_is_withdrawn,
    Campus.vanish,
    Campus.shuffle,
    *(Campus.reject_one,) * 2,
    *(Campus.mend,) * 2,
    Campus.refuse_fetch,
    Campus.clock_back,
    Campus.lock,
    Campus.freeze,
    Campus.release,
    Campus.extend,
    *(Campus.choose_contact,) * 2,
    Campus.choose_name,
    Campus.choose_alias,
    Campus.approve,
    *(Campus.others_write,) * 2,
    Campus.others_take_a_name,
)
