"""Builders for the core: a policy of a small university, and accounts with just the facts a test needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from provisiond.domain import decide as core
from provisiond.domain.brakes import Tally, braked, tripped
from provisiond.domain.decide import Snapshot
from provisiond.domain.model import (
    Account,
    Entry,
    Level,
    Notice,
    NoticeKind,
    NoticeStatus,
    Observed,
    OutboxItem,
    RegistryRecord,
    State,
)
from provisiond.domain.plan import Batch, Parked, Plan, Step, Tripped
from provisiond.domain.policy import (
    BrakePolicy,
    DirectoryPolicy,
    Entitlement,
    LifecyclePolicy,
    NamePolicy,
    Policy,
)
from tests.rigs.registry import a_record
from tests.rigs.steps import an_item

ZONE = ZoneInfo("Asia/Hong_Kong")
TODAY = date(2026, 11, 24)
BASE = "dc=example,dc=edu"


def noon(day: date = TODAY) -> datetime:
    """Noon at the university, in UTC."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZONE).astimezone(UTC)


def a_policy(**overrides: Any) -> Policy:
    student = Entitlement(True, frozenset({"students", "library"}), 2**30, frozenset(), ("student", "member"))
    entitlements = {
        State.PENDING: student,
        State.ACTIVE: student,
        State.ON_LEAVE: replace(student, groups=frozenset({"library"})),
        State.GRACE: student,
        State.ALUMNI: Entitlement(False, frozenset({"alumni"}), 2**20, frozenset(), ("alum",)),
        State.TERMINATED: Entitlement(False),
    }
    parts: dict[str, Any] = {
        "names": NamePolicy(reserved=frozenset({"root"})),
        "lifecycle": LifecyclePolicy(),
        "directory": DirectoryPolicy(
            people_base=f"ou=people,{BASE}",
            contacts_base=f"ou=contacts,{BASE}",
            groups_base=f"ou=groups,{BASE}",
            domain="example.edu",
            mail_domain="connect.example.edu",
        ),
        "brakes": BrakePolicy(),
        "entitlements": entitlements,
        "entitlements_by_level": {},
        "operators": ("operators@example.edu",),
    }
    return Policy(**(parts | overrides))


def a_person(student_id: str = "20000001", **overrides: Any) -> RegistryRecord:
    """A record whose proposed ID follows the student ID, as with the real digests."""
    return a_record(**({"student_id": student_id, "proposed_id": f"p{student_id}"} | overrides))


def an_account(*records: RegistryRecord, **overrides: Any) -> Account:
    """An active, activated account of these records."""
    first = records[0]
    facts: dict[str, Any] = {
        "person_id": first.proposed_id,
        "student_id": first.student_id,
        "account_name": "tmchan",
        "uid_number": None,
        "state": State.ACTIVE,
        "applied": True,
        "created_at": noon(date(2024, 9, 1)),
        "activated_at": noon(date(2024, 9, 2)),
        "unlisted": False,
        "next_on": None,
        "records": records,
        "holds": (),
        "extensions": (),
        "occurrences": (),
        "absences": (),
        "contact": (),
        "display_name": None,
        "aliases": (),
        "second_factor_at": None,
        "outbox": (
            accepted(first.proposed_id, NoticeKind.CREATED),
            accepted(first.proposed_id, NoticeKind.ACTIVATED),
        ),
    }
    return Account(**(facts | overrides))


def accepted(
    person_id: str,
    kind: NoticeKind,
    on: date = date(2024, 9, 2),
    about_on: date | None = None,
    mark: str = "",
) -> OutboxItem:
    """A notice that a mail server took on that day; `mark` ends its key."""
    notice = Notice(
        f"{person_id}:{kind}" + (f":{mark}" if mark else ""), person_id, kind, "x@example.edu", on, about_on
    )
    return an_item(notice, noon(on), NoticeStatus.ACCEPTED, noon(on), "250 ok")


@dataclass(frozen=True, slots=True)
class Case:
    """A snapshot, and what the brakes look at beside the plan. `recent`: weights of the last 24 hours."""

    snapshot: Snapshot
    population: int = 1000
    approved: frozenset[str] = frozenset()
    recent: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """A plan of one batch, its steps at hand."""

    plan: Plan

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self.plan.steps)

    @property
    def held(self) -> tuple[Step, ...]:
        return tuple(self.plan.held)

    @property
    def parked(self) -> tuple[Parked, ...]:
        return self.plan.parked

    @property
    def tripped(self) -> tuple[Tripped, ...]:
        return self.plan.tripped

    @property
    def is_due(self) -> bool:
        return self.plan.is_due

    @property
    def hash(self) -> str:
        return self.plan.hash

    @property
    def held_hash(self) -> str | None:
        return self.plan.held_hash


def decide(case: Case, policy: Policy) -> Decided:
    """Decision and brakes as the cycle puts them together, for one batch."""
    snapshot = case.snapshot
    decision = core.decide(snapshot, policy)
    tally = Tally()
    tally.add(decision.steps)
    today = snapshot.now.astimezone(snapshot.zone).date()
    over = tripped(tally.counts, dict(case.recent), case.population, policy.brakes, today)
    batches = (Batch(decision.steps, snapshot.changed),)
    return Decided(braked(batches, tally, decision.parked, over, case.approved))


def a_case(
    *,
    accounts: Iterable[Account] = (),
    records: Iterable[RegistryRecord] = (),
    observed: dict[str, Observed] | None = None,
    today: date = TODAY,
    population: int = 1000,
    approved: frozenset[str] = frozenset(),
    recent: tuple[tuple[str, int], ...] = (),
) -> Case:
    changed: dict[str, tuple[RegistryRecord, ...]] = {}
    for record in records:
        changed[record.student_id] = (*changed.get(record.student_id, ()), record)
    snapshot = Snapshot(
        now=noon(today),
        zone=ZONE,
        accounts=tuple(accounts),
        changed=changed,
        observed=observed or {},
        taken=frozenset(),
        next_uid_number=100000,
    )
    return Case(snapshot, population, approved, recent)


def the_only_step(steps: tuple[Step, ...]) -> Step:
    assert len(steps) == 1, [step.account_name for step in steps]
    return steps[0]


def entry_with(entry: Entry, **attributes: tuple[str, ...]) -> Entry:
    """The entry as somebody else may have changed it."""
    return Entry(entry.dn, dict(entry.attributes) | attributes)


LEVELS = tuple(Level)
