"""`re-enrol`: two operators give somebody who lost phone and recovery codes a way to enrol another phone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, assert_never

import typer

from provisiond import bootstrap_portal
from provisiond.cli import screen
from provisiond.cli.options import Person, Reason
from provisiond.cli.session import actor, errors, person, session
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import Account
from provisiond.portal.account.re_enrolment import (
    Asked,
    AskedBefore,
    Issued,
    IssuedBefore,
    ReEnrolment,
)
from provisiond.settings import Settings

NOBODY_IN_PARTICULAR = "root"


def re_enrol(
    context: typer.Context,
    who: Person,
    reason: Reason,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Make void what was asked for or issued.")
    ] = False,
) -> None:
    """Vouch for somebody who needs another phone. A second operator must do the same; then a code is shown, once. The
    person is told at once, and the code counts after `portal.operators_wait`, beside identity and password."""
    with errors(), session(context).parts(writes=False) as parts:
        settings, account, at = parts.settings, person(parts, who), parts.clock.now()
        operator = _named(actor())
        _refuse_without_factor(account)
        with bootstrap_portal.re_enrolment(settings) as service:
            if withdraw:
                _withdraw(service, account, operator, reason, at)
            else:
                _vouch(service, settings, account, operator, reason, at)


def _named(operator: str) -> str:
    """Two humans are told apart by their own names; root is whoever knows the way to it."""
    if operator == NOBODY_IN_PARTICULAR:
        raise RejectedError("two operators are told apart by their names: log in by your own and use sudo")
    return operator


def _refuse_without_factor(account: Account) -> None:
    if account.second_factor_at is None:
        raise RejectedError(
            f"{account.account_name} has no second factor yet: let them activate the account in the portal"
        )


def _withdraw(service: ReEnrolment, account: Account, operator: str, reason: str, at: datetime) -> None:
    if not service.withdraw(account.person_id, operator, reason, at):
        raise RejectedError(f"nothing is asked for or issued for {account.account_name}")
    screen.say(f"withdrawn: no code for {account.account_name} counts any more")


def _vouch(
    service: ReEnrolment, settings: Settings, account: Account, operator: str, reason: str, at: datetime
) -> None:
    def told(moment: datetime) -> str:
        return moment.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M")

    name = account.account_name
    answer = service.vouch(account.person_id, operator, reason, at)
    match answer:
        case Asked(until_at=until_at):
            screen.say(
                f"a second operator must confirm for {name} until {told(until_at)}, by the same command"
            )
        case AskedBefore(by=by, until_at=until_at):
            raise RejectedError(
                f"{by} vouched for {name} before: a second operator must confirm until {told(until_at)}"
            )
        case IssuedBefore(by=by, from_at=from_at, until_at=until_at):
            raise RejectedError(
                f"{' and '.join(by)} issued a code for {name}, good from {told(from_at)} until {told(until_at)};"
                " to issue another one, withdraw it first (--withdraw)"
            )
        case Issued(code=code, from_at=from_at, until_at=until_at):
            screen.say(f"hand this code to {name}, it is not shown again:")
            screen.say(f"  {code}", "bold")
            screen.say(
                f"good once, from {told(from_at)} until {told(until_at)}, with identity and password, at"
                f" {settings.university.portal_url or 'the portal'} under /new-phone; a mail tells the person now"
            )
        case _:
            assert_never(answer)
