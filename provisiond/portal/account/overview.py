"""Where an account stands, as its owner should read it: state and why, services, quota, expiry, notices, dates.

Decides which facts are told and in which case; the words in two languages are the templates'. Operators' reasons
are not repeated: they are written for operators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum

from provisiond.domain.lifecycle import Standing, standing
from provisiond.domain.model import Account, HoldKind, NoticeKind, NoticeStatus, OutboxItem, State, Status
from provisiond.domain.people import Person
from provisiond.domain.people import person as person_of
from provisiond.domain.policy import Policy


class Why(StrEnum):
    """Why an account is in its state."""

    REGISTERED = "registered"
    REGISTERED_FROM = "registered-from"  # studies begin later
    ON_LEAVE = "on-leave"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    NOT_NAMED = "not-named"  # by the registry any more


class Moved(StrEnum):
    """Why the expiry date is later than the grace period makes it."""

    EXTENDED = "extended"
    NOT_TOLD = "not-told"  # no notice was accepted in time: nobody is closed unannounced


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as its receiver knows it. `to` is masked."""

    kind: NoticeKind
    on: date
    to: str
    status: NoticeStatus


@dataclass(frozen=True, slots=True)
class Overview:
    """`since_on`: of the state, by the registry. `expires_on`: last day of service, None outside the grace period and
    after. `locked_until_on`: the last day of a lock that has an end."""

    account_name: str
    mail: str
    aliases: tuple[str, ...]
    state: State
    why: Why
    programme: str
    department: str
    since_on: date
    expires_on: date | None
    moved: Moved | None
    can_log_in: bool
    is_locked: bool
    locked_until_on: date | None
    services: tuple[str, ...]
    quota_bytes: int | None
    is_confidential: bool
    is_unlisted: bool
    second_factor_on: date | None
    activated_on: date | None
    told: tuple[Told, ...]


def person_known(account: Account, policy: Policy) -> Person:
    """The person of an account by what the ledger knows."""
    return person_of(account.student_id, account, (), policy.sources)


def standing_of(account: Account, today: date, zone: tzinfo, policy: Policy) -> Standing:
    return standing(person_known(account, policy), today, zone, policy.lifecycle)


def overview(account: Account, today: date, zone: tzinfo, policy: Policy) -> Overview:
    """Derived today: what the cycle would say, not what it last wrote."""
    person = person_known(account, policy)
    where = standing(person, today, zone, policy.lifecycle)
    earned = policy.entitlement(where.state, where.record.level)
    domain = policy.directory.mail_domain
    return Overview(
        account_name=account.account_name,
        mail=f"{account.account_name}@{domain}",
        aliases=tuple(f"{alias}@{domain}" for alias in account.aliases),
        state=where.state,
        why=_why(where, person, today),
        programme=where.record.programme,
        department=where.record.department,
        since_on=where.completed_on or where.record.status_on,
        expires_on=where.expires_on,
        moved=_moved(where, account),
        can_log_in=earned.login and not where.locked,
        is_locked=where.locked,
        locked_until_on=_lock_ends(account, today) if where.locked else None,
        services=tuple(sorted(earned.groups)),
        quota_bytes=earned.quota_bytes,
        is_confidential=person.confidential,
        is_unlisted=account.unlisted,
        second_factor_on=_day(account.second_factor_at, zone),
        activated_on=_day(account.activated_at, zone),
        told=tuple(_told(item, zone) for item in reversed(account.outbox) if _went_out(item)),
    )


def masked(address: str) -> str:
    """Enough to recognise one's own address, too little to learn another's: t…n@example.org."""
    local, _, domain = address.rpartition("@")
    shown = f"{local[:1]}…{local[-1:]}" if len(local) > 2 else f"{local[:1]}…"
    return f"{shown}@{domain}"


def _why(where: Standing, person: Person, today: date) -> Why:
    if where.completed_on:
        return Why.COMPLETED
    match where.state:
        case State.TERMINATED:
            said = next(r for r in person.records if r.key == where.record.key)
            return Why.WITHDRAWN if said.status is Status.WITHDRAWN else Why.NOT_NAMED
        case State.ON_LEAVE:
            return Why.ON_LEAVE
        case _ if where.record.status is Status.ON_LEAVE:
            return Why.ON_LEAVE
        case _:
            return Why.REGISTERED_FROM if where.record.status_on > today else Why.REGISTERED


def _moved(where: Standing, account: Account) -> Moved | None:
    if where.expiry_on is None or where.expires_on is None:
        return None
    if where.expires_on > where.expiry_on:
        return Moved.NOT_TOLD
    granted = {extension.until_on for extension in account.extensions}
    return Moved.EXTENDED if where.expiry_on in granted else None


def _lock_ends(account: Account, today: date) -> date | None:
    """None where one of the locks has no end."""
    ends = [h.until_on for h in account.holds if h.kind is HoldKind.LOCK and not _over(h.until_on, today)]
    known = [end for end in ends if end]
    return max(known) if known and len(known) == len(ends) else None


def _over(until_on: date | None, today: date) -> bool:
    return until_on is not None and until_on < today


def _went_out(item: OutboxItem) -> bool:
    """What a mail server took, or what is on its way: the rest nobody received."""
    return item.status in (
        NoticeStatus.ACCEPTED,
        NoticeStatus.DUE,
        NoticeStatus.SENDING,
        NoticeStatus.UNKNOWN,
    )


def _told(item: OutboxItem, zone: tzinfo) -> Told:
    at = item.settled_at or item.decided_at
    return Told(item.notice.kind, at.astimezone(zone).date(), masked(item.address), item.status)


def _day(at: datetime | None, zone: tzinfo) -> date | None:
    return at.astimezone(zone).date() if at else None
