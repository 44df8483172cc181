"""Who may come in: account name, password and a code of the second factor, on one form.

Decides by one neutral answer: unknown, wrong, locked, ended are the same words after the same work. The password is
judged by the person's own bind, the code by the ledger (and by the directory too, where that enforces it)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from provisiond.domain.model import Account
from provisiond.domain.policy import Policy
from provisiond.portal.account.credentials import Credentials, Shown
from provisiond.portal.account.overview import standing_of
from provisiond.portal.activation.attempts import Attempts
from provisiond.ports.portal import PortalLedger

NOBODY = "nobody"
"""Stands for the person where there is none: every question is asked all the same."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What stood in the form. `name`: account name or lifelong address; `code`: of the authenticator, or a recovery
    code where `with_recovery_code`; `lane`: of a browser in which that person logged in before."""

    name: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    with_recovery_code: bool
    address: str
    lane: str | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    person_id: str


@dataclass(frozen=True, slots=True)
class ToActivate:
    """The password is right, and there is no second factor yet: activation is where one is enrolled. `is_active`:
    otherwise the account is, and only that is missing."""

    is_active: bool


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """Neither more nor less: no reason."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Too many attempts; nothing was looked at."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class LogIn:
    ledger: PortalLedger
    credentials: Credentials
    strangers: Attempts
    known: Attempts
    policy: Policy
    zone: tzinfo

    def judge(self, entered: Entered, at: datetime) -> Admitted | ToActivate | NotAdmitted | Wait:
        name = account_name(entered.name, self.policy.directory.mail_domain)
        tries = self.known if entered.lane else self.strangers
        who = f"{name} {entered.lane}" if entered.lane else name
        if delay := tries.begin(who, entered.address, at):
            return Wait(delay)
        account = self.ledger.account_named(name)
        shown = Shown(entered.password, entered.code, entered.with_recovery_code)
        proven = self.credentials.judge(account.person_id if account else NOBODY, name, shown, at)
        right = proven.password and (proven.factor or not proven.has_factor)
        if account is None or not right or not may_log_in(account, at, self.zone, self.policy):
            tries.failed(who, entered.address, at)
            return NotAdmitted()
        tries.succeeded(who, entered.address)
        return (
            Admitted(account.person_id) if proven.has_factor else ToActivate(account.activated_at is not None)
        )


def may_log_in(account: Account, at: datetime, zone: tzinfo, policy: Policy) -> bool:
    """Whether policy and facts give a log-in today, whatever the directory shows yet."""
    if not account.studies:
        return False  # reserved by an interrupted cycle: the registry has to speak again
    where = standing_of(account, at.astimezone(zone).date(), zone, policy)
    return policy.entitlement(where.state, where.record.level).login and not where.locked


def account_name(text: str, mail_domain: str) -> str:
    """Of what was typed: the name itself, or the lifelong address. Others' addresses stay whole: nobody has them."""
    plain = text.strip().casefold()[:320]
    local, _, domain = plain.rpartition("@")
    return local if local and domain == mail_domain.casefold() else plain
