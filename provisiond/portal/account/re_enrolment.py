"""A new phone without the old one and without recovery codes: two operators vouch for the person.

Decides who still has to agree, from when and until when the one-time code counts, and who may stop it. What the
code opens (with identity and password beside it) is new_phone's; the command's words are the CLI's."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest

from provisiond.domain.model import NoticeKind, Occurrence
from provisiond.ports.portal import PortalLedger, Ticket, TicketKind

CODE_BYTES = 10  # 80 bits: 16 letters and digits of base32
CONFIRMED_WITHIN = timedelta(hours=24)  # after which the first operator's word is stale
USED_WITHIN = timedelta(hours=72)

TicketDigest = Callable[[TicketKind, str, str], str]
"""Kind, person, code as it is compared: a keyed digest."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One operator vouched; another one must, until then."""

    by: str
    until_at: datetime


@dataclass(frozen=True, slots=True)
class AskedBefore:
    """The same operator vouched before: one human is not two."""

    by: str
    until_at: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """`code` is shown once, to be handed over; it counts between the two times."""

    code: str = field(repr=False)
    by: tuple[str, ...]
    from_at: datetime
    until_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedBefore:
    """There is a code that was neither used nor withdrawn."""

    by: tuple[str, ...]
    from_at: datetime
    until_at: datetime


Vouched = Asked | AskedBefore | Issued | IssuedBefore


@dataclass(frozen=True, slots=True)
class ReEnrolment:
    """`wait`: between the second operator's word and the code's first use, for the person to object."""

    ledger: PortalLedger
    digest: TicketDigest
    wait: timedelta

    def vouch(self, person_id: str, operator: str, reason: str, at: datetime) -> Vouched:
        """One operator's word."""
        open_one = self.open_ticket(person_id, at)
        if open_one is None:
            return self._ask(person_id, operator, reason, at)
        if open_one.from_at is not None:
            return IssuedBefore(open_one.issued_by, open_one.from_at, open_one.until_at)
        if operator in open_one.issued_by:
            return AskedBefore(operator, open_one.until_at)
        return self._issue(person_id, (*open_one.issued_by, operator), reason, at)

    def open_ticket(self, person_id: str, at: datetime) -> Ticket | None:
        """What was asked for or issued, and may still be confirmed or used."""
        ticket = self.ledger.ticket(person_id, TicketKind.RE_ENROLMENT)
        return ticket if ticket and ticket.until_at > at else None

    def fitting(self, person_id: str, code: str, at: datetime) -> str | None:
        """Whether this is the code, at its time: by what it is used up later. Uses nothing up."""
        ticket = self.open_ticket(person_id, at)
        digest = self._digest(person_id, code)
        if ticket is None or ticket.from_at is None or at < ticket.from_at:
            return None
        return digest if compare_digest(digest, ticket.digest) else None

    def use(self, person_id: str, digest: str, at: datetime) -> bool:
        return self.ledger.use_ticket(person_id, TicketKind.RE_ENROLMENT, digest, at)

    def withdraw(self, person_id: str, actor: str, reason: str, at: datetime) -> bool:
        """By an operator, or by the person who objects. False: there was nothing open."""
        open_one = self.open_ticket(person_id, at)
        if open_one is None:
            return False
        return self.ledger.withdraw_ticket(person_id, TicketKind.RE_ENROLMENT, actor, reason, at)

    def _ask(self, person_id: str, operator: str, reason: str, at: datetime) -> Asked:
        until_at = at + CONFIRMED_WITHIN
        nobody_has_it = self._digest(person_id, new_code())
        self.ledger.issue_ticket(
            Ticket(TicketKind.RE_ENROLMENT, person_id, nobody_has_it, None, until_at, (operator,)), at
        )
        self.ledger.note(person_id, "re-enrolment-asked", operator, {"reason": reason}, at)
        return Asked(operator, until_at)

    def _issue(self, person_id: str, operators: tuple[str, ...], reason: str, at: datetime) -> Issued:
        """The notice stands in the transaction of the code: who objects must have heard of it."""
        code, from_at = new_code(), at + self.wait
        until_at = from_at + USED_WITHIN
        ticket = Ticket(
            TicketKind.RE_ENROLMENT, person_id, self._digest(person_id, code), from_at, until_at, operators
        )
        told = Occurrence(NoticeKind.RE_ENROLMENT_ISSUED, at, "", operators[-1])
        self.ledger.note(person_id, "re-enrolment-confirmed", operators[-1], {"reason": reason}, at)
        self.ledger.issue_ticket(ticket, at, told)
        return Issued(code, operators, from_at, until_at)

    def _digest(self, person_id: str, code: str) -> str:
        return self.digest(TicketKind.RE_ENROLMENT, person_id, plain(code))


def new_code() -> str:
    """Four groups of four, as they are read out and typed."""
    letters = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode("ascii")
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def plain(code: str) -> str:
    """As it is compared: without what people add, and with what they confuse put right (base32 has no 0, 1, 8)."""
    kept = "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())
    return kept.translate(str.maketrans("018", "OIB"))
