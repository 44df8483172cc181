"""Where somebody stands who has proven who they are: what the portal can do for them now, and if not, why.

The lifecycle decides the state; this turns it into the few cases that each have a page of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from provisiond.domain.entries import display_name
from provisiond.domain.lifecycle import Standing, standing
from provisiond.domain.model import Account, Level, State
from provisiond.domain.people import person
from provisiond.domain.policy import Policy
from provisiond.ports.portal import Problem


@dataclass(frozen=True, slots=True)
class NotCreated:
    """There is no account yet. `problem`: why, where a cycle knows."""

    problem: Problem | None


@dataclass(frozen=True, slots=True)
class BeingCreated:
    """The name is given, the entries are being written."""

    account_name: str


@dataclass(frozen=True, slots=True)
class Locked:
    """An operator's order stands in the way: log-in is off, or nothing of the person is to be touched."""


@dataclass(frozen=True, slots=True)
class Activated:
    on: date
    account_name: str


@dataclass(frozen=True, slots=True)
class PhoneMissing:
    """Activated without the portal (adopted, by an operator, or before a ledger was lost), and without a second
    factor. Identity alone opens nothing of it; with the password, or with a mailed code, a phone may be set up."""

    who: Particulars
    on: date


@dataclass(frozen=True, slots=True)
class Ended:
    """Services are closed. `on`: the last day of them, or since when the registry says withdrawn."""

    state: State
    on: date | None


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is shown to who has proven who they are. No ID number, no date of birth."""

    person_id: str
    account_name: str
    mail: str
    student_id: str
    name: str
    chinese_name: str | None
    department: str
    level: Level
    created_on: date


Situation = NotCreated | BeingCreated | Locked | Activated | PhoneMissing | Ended | Particulars


def situation(
    account: Account | None, problem: Problem | None, now: datetime, zone: tzinfo, policy: Policy
) -> Situation:
    """Particulars: the account can be activated."""
    if account is None:
        return NotCreated(problem)
    if not account.studies:
        return BeingCreated(account.account_name)
    today = now.astimezone(zone).date()
    where = standing(person(account.student_id, account, (), policy.sources), today, zone, policy.lifecycle)
    stopped = where.locked or where.frozen is not None
    activated_on = account.activated_at.astimezone(zone).date() if account.activated_at else None
    if activated_on and account.second_factor_at is None and not stopped and _logs_in(where, policy):
        return PhoneMissing(_particulars(account, where, zone, policy), activated_on)
    if where.state in (State.ALUMNI, State.TERMINATED):
        return Ended(where.state, where.expires_on or where.record.status_on)
    if stopped:
        return Locked()
    if activated_on:
        return Activated(activated_on, account.account_name)
    if not account.applied:
        return BeingCreated(account.account_name)
    return _particulars(account, where, zone, policy)


def _logs_in(where: Standing, policy: Policy) -> bool:
    return policy.entitlement(where.state, where.record.level).login


def _particulars(account: Account, where: Standing, zone: tzinfo, policy: Policy) -> Particulars:
    record = where.record
    return Particulars(
        person_id=account.person_id,
        account_name=account.account_name,
        mail=f"{account.account_name}@{policy.directory.mail_domain}",
        student_id=account.student_id,
        name=display_name(record),
        chinese_name=record.chinese_name,
        department=record.department,
        level=record.level,
        created_on=account.created_at.astimezone(zone).date(),
    )
