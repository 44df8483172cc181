"""Puts the services of log-in and self-service together from the desk: cheap enough to do for each request."""

from __future__ import annotations

from provisiond.portal.account.contact_choice import ContactChoice
from provisiond.portal.account.credentials import Credentials
from provisiond.portal.account.log_ins import LogIns
from provisiond.portal.account.login import LogIn
from provisiond.portal.account.naming import Naming
from provisiond.portal.account.new_factor import NewFactor
from provisiond.portal.account.new_password import NewPassword
from provisiond.portal.account.re_enrolment import ReEnrolment, TicketDigest
from provisiond.portal.activation.attempts import Attempts, Opaque
from provisiond.portal.desk import Desk
from provisiond.ports.portal import TicketKind


def attempts(desk: Desk, purpose: str) -> Attempts:
    return Attempts(desk.throttle, desk.digests, purpose, tally=desk.tally)


def credentials(desk: Desk) -> Credentials:
    return Credentials(desk.ledger, desk.directory, desk.vault)


def log_in(desk: Desk) -> LogIn:
    known = Attempts(desk.throttle, desk.digests, "login known", person_wide=False)
    strangers = attempts(desk, "login")
    return LogIn(desk.ledger, credentials(desk), strangers, known, desk.policy, desk.house.zone)


def log_ins(desk: Desk) -> LogIns:
    return LogIns(desk.ledger, desk.sessions, desk.digests)


def new_password(desk: Desk) -> NewPassword:
    return NewPassword(desk.ledger, desk.directory, desk.passwords)


def new_factor(desk: Desk) -> NewFactor:
    return NewFactor(desk.ledger, desk.directory, desk.vault, desk.house.name)


def naming(desk: Desk) -> Naming:
    return Naming(desk.ledger, desk.policy, desk.house.zone)


def contact_choice(desk: Desk) -> ContactChoice:
    return ContactChoice(desk.policy, desk.house.zone)


def re_enrolment(desk: Desk) -> ReEnrolment:
    return ReEnrolment(desk.ledger, ticket_digest(desk.digests), desk.rules.operators_wait)


def ticket_digest(digests: Opaque) -> TicketDigest:
    """By which a code that was given out is kept and compared."""

    def digest(kind: TicketKind, person_id: str, code: str) -> str:
        return digests.opaque(kind.value, f"{person_id} {code}")

    return digest
