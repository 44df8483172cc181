"""Derives where a person stands today from facts and policy: state, expiry date, when to look again.

States are never stored facts: a changed policy changes the future without a migration. What a state earns is
entries', which mails it brings is notices'."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo

from provisiond.domain.model import (
    Account,
    HoldKind,
    Notice,
    NoticeKind,
    NoticeStatus,
    RegistryRecord,
    State,
    Status,
)
from provisiond.domain.people import Person
from provisiond.domain.policy import LifecyclePolicy

_NOT_SENT = frozenset({NoticeStatus.REFUSED, NoticeStatus.GIVEN_UP, NoticeStatus.DROPPED})
_WENT_OUT = frozenset({NoticeStatus.ACCEPTED, NoticeStatus.REFUSED, NoticeStatus.GIVEN_UP})
ENDED = frozenset({State.ALUMNI, State.TERMINATED})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands on one day.

    `record` is the one that decides (best affiliation). `expiry_on` is the last day of service that policy and
    extensions give; `expires_on` the one that holds: later, while required notices lack acceptance or
    lead time (`waits_for` names them), or the mail of the last day could not go out. Both None outside
    grace and alumni.
    """

    state: State
    record: RegistryRecord
    reason: str
    completed_on: date | None = None
    expiry_on: date | None = None
    expires_on: date | None = None
    waits_for: tuple[NoticeKind, ...] = ()
    locked: bool = False
    frozen: str | None = None
    next_on: date | None = None


def add_months(day: date, months: int) -> date:
    """Calendar months, clamped to the month's end: 31 October and four months is the last of February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def standing(person: Person, today: date, zone: tzinfo, policy: LifecyclePolicy) -> Standing:
    """The lifecycle of one person on the day `today` in the university's `zone`. A status dated in the future
    has not happened yet: studies to come count only where nothing else is studied now."""
    now = [_as_of(record, today) for record in _present(person, policy)]
    registered = [r for r in now if r.status is Status.REGISTERED]
    coming = [r for r in registered if r.status_on > today and r in person.records]
    if current := [r for r in registered if r not in coming]:
        derived = _studying(best(current, policy), person, State.ACTIVE, today)
    elif on_leave := [r for r in now if r.status is Status.ON_LEAVE]:
        derived = _studying(best(on_leave, policy), person, State.ON_LEAVE, today)
    elif coming:
        derived = _studying(best(coming, policy), person, State.ACTIVE, today)
    elif completed := [r for r in now if r.status is Status.COMPLETED]:
        withdrawn_on = max((r.status_on for r in now if r.status is Status.WITHDRAWN), default=None)
        derived = _completed(completed, withdrawn_on, person.account, today, zone, policy)
    else:
        derived = _withdrawn(now, person)
    return _with_orders(derived, person, today, policy)


def best(records: Sequence[RegistryRecord], policy: LifecyclePolicy) -> RegistryRecord:
    """The record of the best level; among equals the one that lasts longest."""
    return min(
        records,
        key=lambda r: (
            policy.precedence.index(r.level),
            -(r.expected_end_on or date.min).toordinal(),
            -r.status_on.toordinal(),
            r.key,
        ),
    )


def _present(person: Person, policy: LifecyclePolicy) -> list[RegistryRecord]:
    """The records; one that so many complete fetches lacked as policy says counts as withdrawn since then."""
    limit = policy.absent_fetches
    absences = person.account.absences if person.account and limit else ()
    gone = {absence.key: absence.since_on for absence in absences if absence.fetches >= limit}
    studying = (Status.REGISTERED, Status.ON_LEAVE)
    return [
        replace(record, status=Status.WITHDRAWN, status_on=gone[record.key])
        if record.key in gone and record.status in studying
        else record
        for record in person.records
    ]


def may_study(records: Iterable[RegistryRecord], today: date) -> bool:
    """Whether any source says that somebody studies: without, nobody gets an account, nor a name."""
    studying = (Status.REGISTERED, Status.ON_LEAVE)
    return any(_as_of(r, today).status in studying for r in records if not r.is_supplement)


def _as_of(record: RegistryRecord, today: date) -> RegistryRecord:
    to_come = record.status is not Status.REGISTERED and record.status_on > today
    return replace(record, status=Status.REGISTERED) if to_come else record


def _studying(record: RegistryRecord, person: Person, activated: State, today: date) -> Standing:
    said = next(r for r in person.records if r.key == record.key)  # before a coming end was put aside
    when = "since" if said.status_on <= today else "from"
    told = f"the registry says {said.status} {when} {said.status_on} ({said.programme})"
    if person.account is None or person.account.activated_at is None:
        return Standing(State.PENDING, record, f"{told}; not activated yet")
    return Standing(activated, record, told)


def _withdrawn(records: list[RegistryRecord], person: Person) -> Standing:
    last = max(records, key=lambda r: (r.status_on, r.key))
    said = next(r for r in person.records if r.key == last.key)
    how = "says withdrawn" if said.status is Status.WITHDRAWN else "no longer names the student"
    told = f"the registry {how} since {last.status_on} ({last.programme})"
    return Standing(State.TERMINATED, last, told)


def _completed(
    records: list[RegistryRecord],
    withdrawn_on: date | None,
    account: Account | None,
    today: date,
    zone: tzinfo,
    policy: LifecyclePolicy,
) -> Standing:
    """Grace runs from the last valid affiliation; an extension moves its end, a missing notice too."""
    last = max(records, key=lambda r: (add_months(r.status_on, policy.grace_months[r.level]), r.key))
    expiry_on = add_months(last.status_on, policy.grace_months[last.level])
    if withdrawn_on and withdrawn_on > expiry_on:  # back after an earlier degree, and left without another
        told = f"withdrawn since {withdrawn_on}; an alumni account by the degree of {last.status_on}"
        last_on = withdrawn_on - timedelta(days=1)  # a withdrawal ends log-in at once, not with the day
        return Standing(State.ALUMNI, last, told, last.status_on, last_on, last_on)
    granted = [extension.until_on for extension in (account.extensions if account else ())]
    expiry_on = max([expiry_on, *granted])
    told = f"completed on {last.status_on} ({last.programme}); the expiry date is {expiry_on}"
    ended = Standing(State.ALUMNI, last, told, last.status_on, expiry_on, expiry_on)
    if account and account.state is State.ALUMNI and expiry_on < today:
        return ended  # closed once, in due form: not asked for again
    waits_for, ready_on = _notices_accepted(account, ended, today, zone, policy)
    earliest_on = max(expiry_on, ready_on)
    expires_on = _last_day(account, earliest_on, today, policy)
    if expires_on > expiry_on:
        late = (
            "the mail of the last day had not gone out" if expires_on > earliest_on else "the lead time runs"
        )
        why = _why_waiting(account, ended, waits_for) or late
        told += f"; moved to {expires_on} at the earliest, because {why}"
    state = State.GRACE if today <= expires_on else State.ALUMNI
    return replace(ended, state=state, expires_on=expires_on, waits_for=waits_for, reason=told)


def _last_day(account: Account | None, earliest_on: date, today: date, policy: LifecyclePolicy) -> date:
    """Who is to be told beforehand is also told on the day itself: it moves to the day on which that mail goes out,
    where we or the mail server were away. One that no address takes holds nothing up: those before it were taken."""
    if account is None or not policy.required_notices:
        return earliest_on
    told_on = [
        item.notice.about_on
        for item in account.outbox
        if item.notice.kind is NoticeKind.EXPIRY and item.notice.about_on and item.status in _WENT_OUT
    ]
    return max((on for on in told_on if on >= earliest_on), default=max(earliest_on, today))


def _why_waiting(account: Account | None, ended: Standing, waits_for: Iterable[NoticeKind]) -> str:
    """Says of each missing notice whether it is to come or was refused wherever it could go."""
    whys = []
    for kind in waits_for:
        items = [i for i in (account.outbox if account else ()) if _announces(i.notice, kind, ended)]
        became = {item.status for item in items}
        if became == {NoticeStatus.REFUSED}:
            whys.append(f"the {kind} notice was refused by every address on record")
        elif became and became <= _NOT_SENT:
            whys.append(f"the {kind} notice was {' and '.join(sorted(became))}")
        else:
            whys.append(f"no {kind} notice was accepted yet")
    return " and ".join(whys)


def _announces(notice: Notice, kind: NoticeKind, ended: Standing) -> bool:
    """Whether it is of that kind and speaks of this very expiry, not of one before an extension."""
    date_of = ended.completed_on if kind is NoticeKind.GRACE_BEGUN else ended.expiry_on
    return notice.kind is kind and notice.about_on == date_of


def _notices_accepted(
    account: Account | None, ended: Standing, today: date, zone: tzinfo, policy: LifecyclePolicy
) -> tuple[tuple[NoticeKind, ...], date]:
    """No notice, no expiry: which required kinds no mail server took yet, and the first day on which all of
    them have had their lead time (counted from today while one is missing)."""
    lead = timedelta(days=policy.minimum_lead_days)
    accepted: dict[NoticeKind, date] = {}
    for item in account.outbox if account else ():
        kind = item.notice.kind
        fits = _announces(item.notice, kind, ended)
        if fits and item.status is NoticeStatus.ACCEPTED and item.settled_at:
            on = item.settled_at.astimezone(zone).date()
            accepted[kind] = min(on, accepted.get(kind, on))
    missing = tuple(sorted(policy.required_notices - accepted.keys()))
    if missing:
        return missing, today + lead
    last = max((accepted[kind] for kind in policy.required_notices), default=None)
    return (), last + lead if last else date.min


def _with_orders(derived: Standing, person: Person, today: date, policy: LifecyclePolicy) -> Standing:
    """Operators' orders, and the next day on which anything can change by itself."""
    holds = [
        hold
        for hold in (person.account.holds if person.account else ())
        if hold.until_on is None or today <= hold.until_on
    ]
    frozen = next((hold.reason for hold in holds if hold.kind is HoldKind.FREEZE), None)
    lock = next((hold for hold in holds if hold.kind is HoldKind.LOCK), None)
    dates = [hold.until_on + timedelta(days=1) for hold in holds if hold.until_on]
    dates += [record.status_on for record in person.records]
    dates += milestones(derived, policy)
    next_on = min((day for day in dates if day > today), default=None)
    reason = derived.reason + (f"; log-in is locked: {lock.reason}" if lock else "")
    return replace(derived, reason=reason, locked=lock is not None, frozen=frozen, next_on=next_on)


def milestones(derived: Standing, policy: LifecyclePolicy) -> Iterable[date]:
    """The dated points of a grace period: reminders, the expiry date, the day after it."""
    if derived.state is not State.GRACE or derived.expiry_on is None or derived.expires_on is None:
        return []
    reminders = [derived.expiry_on - timedelta(days=days) for days in policy.reminder_days]
    return [*reminders, derived.expires_on, derived.expires_on + timedelta(days=1)]
