"""Whether who claims to be somebody can read mail at the personal address on record: a single-use code is sent there.

It stands beside a weak proof, never instead of one. Asking for it and giving a wrong one look the same whether there
is anybody to send it to; a code that was mailed is good whatever others try meanwhile."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from provisiond.domain.model import NoticeKind, Occurrence
from provisiond.portal.activation.attempts import Attempts, Opaque
from provisiond.portal.activation.identity import Wait
from provisiond.ports.portal import Ticket, TicketKind
from provisiond.ports.short_memory import Rate, Throttle

ACTOR = "student"
_IN_AN_HOUR = Rate("code-mails-hour", 3, timedelta(hours=1))
_IN_A_DAY = Rate("code-mails-day", 8, timedelta(days=1))
_NOBODY = "-"  # no person ID
_NO_SIGN = re.compile(r"[\W_]+")
_READ_AS = str.maketrans("018", "OIB")  # base32 has none of these


class KeepsTickets(Protocol):
    def issue_ticket(self, ticket: Ticket, at: datetime, notice: Occurrence | None = None) -> None: ...
    def use_ticket(self, person_id: str, kind: TicketKind, digest: str, at: datetime) -> bool: ...


class Codes(Opaque, Protocol):
    def activation_code(self, person_id: str, at: datetime) -> str:
        """What a mail of that moment carries to that person; the daemon's letter writer makes the same."""
        ...


@dataclass(frozen=True, slots=True)
class Possession:
    ledger: KeepsTickets
    throttle: Throttle
    digests: Codes
    attempts: Attempts
    lasts: timedelta

    def send(self, person_id: str, at: datetime) -> bool:
        """False: enough were sent; the last one still counts."""
        key = self.digests.opaque("throttle", f"code mails {person_id}")
        if self.throttle.admit([(_IN_AN_HOUR, key), (_IN_A_DAY, key)], at) is not None:
            return False
        digest = self._digest(person_id, self.digests.activation_code(person_id, at))
        ticket = Ticket(TicketKind.ACTIVATION, person_id, digest, at, at + self.lasts, ())
        self.ledger.issue_ticket(ticket, at, Occurrence(NoticeKind.ACTIVATION_CODE, at, "", ACTOR))
        return True

    def shown(self, person_id: str | None, who: str, typed: str, address: str, at: datetime) -> bool | Wait:
        """Whether the code is the one that was sent; it is used up then. `who`: whom the claim was about, which is
        counted whether there is such a person or not."""
        if delay := self.attempts.begin(who, address, at):
            return Wait(delay)
        person = person_id or _NOBODY
        right = self.ledger.use_ticket(person, TicketKind.ACTIVATION, self._digest(person, typed), at)
        if right and person_id:
            self.attempts.succeeded(who, address)
            return True
        self.attempts.failed(who, address, at)
        return False

    def _digest(self, person_id: str, typed: str) -> str:
        return self.digests.opaque("activation code", f"{person_id} {_plain(typed)}")


def _plain(typed: str) -> str:
    """However it is grouped, in small letters or full width, with look-alikes."""
    return _NO_SIGN.sub("", unicodedata.normalize("NFKC", typed[:100])).upper().translate(_READ_AS)
