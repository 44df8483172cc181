"""Builders for the core: a policy of a small university, and accounts with just the facts a test needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

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
from provisiond.domain.plan import Step
from provisiond.domain.policy import (
    BrakePolicy,
    DirectoryPolicy,
    Entitlement,
    LifecyclePolicy,
    NamePolicy,
    Policy,
)
from tests.rigs.registry import a_record

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
    return OutboxItem(notice, NoticeStatus.ACCEPTED, noon(on), noon(on), "250 ok")


def a_snapshot(
    *,
    accounts: Iterable[Account] = (),
    records: Iterable[RegistryRecord] = (),
    observed: dict[str, Observed] | None = None,
    today: date = TODAY,
    **overrides: Any,
) -> Snapshot:
    changed: dict[str, tuple[RegistryRecord, ...]] = {}
    for record in records:
        changed[record.student_id] = (*changed.get(record.student_id, ()), record)
    facts: dict[str, Any] = {
        "now": noon(today),
        "zone": ZONE,
        "accounts": tuple(accounts),
        "changed": changed,
        "observed": observed or {},
        "taken": frozenset(),
        "next_uid_number": 100000,
        "population": 1000,
        "approved": frozenset(),
    }
    return Snapshot(**(facts | overrides))


def the_only_step(steps: tuple[Step, ...]) -> Step:
    assert len(steps) == 1, [step.account_name for step in steps]
    return steps[0]


def entry_with(entry: Entry, **attributes: tuple[str, ...]) -> Entry:
    """The entry as somebody else may have changed it."""
    return Entry(entry.dn, dict(entry.attributes) | attributes)


LEVELS = tuple(Level)
