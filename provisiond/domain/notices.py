"""Which mails are due for a person today. Each has a deterministic key (person, kind, milestone), so that it
is decided once however often the question is asked; sending is the outbox's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, timedelta

from provisiond.domain.lifecycle import ENDED, Standing
from provisiond.domain.model import (
    Account,
    HoldKind,
    Notice,
    NoticeKind,
    NoticeStatus,
    Occurrence,
    OutboxItem,
    RegistryRecord,
    State,
)
from provisiond.domain.people import Person
from provisiond.domain.policy import Policy

_AT_THE_END = re.compile(r":\d{4}-\d\d-\d\dT[\d:.+-]+$")
# A mail about a mailbox that is shut, or not opened yet, goes to the private address on record first, and so do those
# that whoever took the account over must not be the only one to read.
TO_PERSONAL_MAIL = frozenset(
    {
        NoticeKind.CREATED,
        NoticeKind.TERMINATED,
        NoticeKind.REINSTATED,
        NoticeKind.HOLD_SET,
        NoticeKind.HOLD_LIFTED,
        NoticeKind.PASSWORD_CHANGED,
        NoticeKind.SECOND_FACTOR_CHANGED,
        NoticeKind.RECOVERY_CODES_CHANGED,
        NoticeKind.RE_ENROLMENT_ISSUED,
        NoticeKind.ACTIVATION_CODE,
    }
)


def notices_due(
    person: Person, account_name: str, standing: Standing, today: date, policy: Policy
) -> tuple[Notice, ...]:
    """Everything due that the outbox does not hold yet."""
    outbox = person.account.outbox if person.account else ()
    decided = {item.notice.key for item in outbox}
    own = f"{account_name}@{policy.directory.mail_domain}"
    due = []
    for kind, milestone, about_on in _milestones(person, standing, today, policy):
        key = notice_key(person.person_id, kind, milestone)
        ways = addresses(kind, own, (standing.record, *person.records))
        if key not in decided:
            due.append(Notice(key, person.person_id, kind, ways[0], today, about_on))
        elif kind in standing.waits_for:
            due += _once_more(key, outbox, ways, today)
    return tuple(due)


def _once_more(key: str, outbox: Iterable[OutboxItem], ways: Iterable[str], today: date) -> Iterator[Notice]:
    """Where every address refused a notice that an expiry waits for, and another is on record now."""
    tried = [item for item in outbox if item.notice.key == key or item.notice.key.startswith(f"{key}:again-")]
    if any(item.status is not NoticeStatus.REFUSED for item in tried):
        return
    known = {to.casefold() for item in tried for to in (item.notice.to, item.address)}
    fresh = next((to for to in ways if to.casefold() not in known), None)
    if fresh:
        yield replace(tried[0].notice, key=f"{key}:again-{len(tried)}", to=fresh, due_on=today)


def notice_key(person_id: str, kind: NoticeKind, milestone: str) -> str:
    """What makes a notice the same one."""
    return f"{person_id}:{kind}" + (f":{milestone}" if milestone else "")


def occurrence_of(notice: Notice, account: Account) -> Occurrence | None:
    """What a notice tells that happened."""
    return next(
        (o for o in account.occurrences if notice_key(account.person_id, o.kind, mark(o)) == notice.key),
        None,
    )


def mark(occurrence: Occurrence) -> str:
    return occurrence.at.astimezone(UTC).isoformat(timespec="microseconds")


def operators_ticket(notice: Notice) -> str:
    """What a notice to the operators is about: the hash of a plan, the ticket of a fetch."""
    told = notice.key.removeprefix(f"{NoticeKind.OPERATOR}:").removesuffix(f":{notice.to}")
    return _AT_THE_END.sub("", told)


def addresses(kind: NoticeKind, own: str, records: Iterable[RegistryRecord]) -> tuple[str, ...]:
    """Where a notice to a person may go, best first; never empty. `own`: the lifelong address. A code proves that its
    reader has a private address, so it goes nowhere else where there is one."""
    known = {own.casefold(): own}
    for record in records:
        if record.personal_mail:
            known.setdefault(record.personal_mail.casefold(), record.personal_mail)
    own, *others = known.values()
    personal = tuple(others)
    if kind is NoticeKind.ACTIVATION_CODE and personal:
        return personal
    return (*personal, own) if kind in TO_PERSONAL_MAIL else (own, *personal)


def _milestones(
    person: Person, standing: Standing, today: date, policy: Policy
) -> Iterator[tuple[NoticeKind, str, date | None]]:
    """(kind, what makes it once-only, the date it speaks of)."""
    account = person.account
    came_from = account.state if account and account.applied else None
    studies = standing.state not in ENDED | {State.GRACE}
    if account is None or came_from is None:
        if studies:
            yield NoticeKind.CREATED, "", None
    else:
        yield from _of_orders(person, standing, today)
        yield from _of_lifted_lock(account, standing, policy)
        if standing.state is State.ACTIVE and account.activated_at:
            yield NoticeKind.ACTIVATED, "", None
    if studies and came_from in ENDED | {State.GRACE}:
        yield NoticeKind.REINSTATED, standing.record.status_on.isoformat(), None
    if standing.state is State.TERMINATED:
        yield NoticeKind.TERMINATED, standing.record.status_on.isoformat(), standing.record.status_on
    if not (standing.state is State.ALUMNI and came_from is State.ALUMNI):
        yield from _of_expiry(standing, today, policy)


def _of_orders(
    person: Person, standing: Standing, today: date
) -> Iterator[tuple[NoticeKind, str, date | None]]:
    assert person.account
    granted = {extension.until_on for extension in person.account.extensions}  # perhaps the same day twice
    if standing.expiry_on in granted and standing.state is State.GRACE:
        yield NoticeKind.EXTENDED, standing.expiry_on.isoformat(), standing.expiry_on
    for occurrence in person.account.occurrences:
        refused = occurrence.kind is NoticeKind.EXTENSION_REFUSED
        yield occurrence.kind, mark(occurrence), standing.expires_on if refused else None
    for hold in person.account.holds:
        if hold.kind is HoldKind.LOCK and (hold.until_on is None or hold.until_on >= today):
            yield NoticeKind.HOLD_SET, hold.set_at.isoformat(timespec="seconds"), hold.until_on


def _of_lifted_lock(
    account: Account, standing: Standing, policy: Policy
) -> Iterator[tuple[NoticeKind, str, date | None]]:
    """Who was told of a lock is told of its end, once there is a log-in again; the latest lock stands for all."""
    marks = [i.notice.key.partition(f":{NoticeKind.HOLD_SET}:")[2] for i in account.outbox]
    can_log_in = policy.entitlement(standing.state, standing.record.level).login and not standing.locked
    if can_log_in and any(marks):
        yield NoticeKind.HOLD_LIFTED, max(marks), None


def _of_expiry(
    standing: Standing, today: date, policy: Policy
) -> Iterator[tuple[NoticeKind, str, date | None]]:
    expiry_on, expires_on, completed_on = standing.expiry_on, standing.expires_on, standing.completed_on
    if not (expiry_on and expires_on and completed_on):
        return
    if standing.state is State.ALUMNI:
        yield NoticeKind.ALUMNI, expiry_on.isoformat(), expires_on
        return
    yield NoticeKind.GRACE_BEGUN, completed_on.isoformat(), completed_on
    if today == expires_on and not standing.waits_for:  # the day itself overtakes every reminder
        yield NoticeKind.EXPIRY, f"{expiry_on}:{expires_on}", expires_on
    elif (days := _reminder_due(expiry_on, today, policy)) is not None:
        yield NoticeKind.EXPIRY_REMINDER, f"{expiry_on}:{days}", expiry_on


def _reminder_due(expiry_on: date, today: date, policy: Policy) -> int | None:
    """The latest reminder whose day has come; those it overtook are never sent late."""
    due = [d for d in policy.lifecycle.reminder_days if expiry_on - timedelta(days=d) <= today]
    return min(due, default=None)
