"""Ledgers with notices that are due, and the real outbox over them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from provisiond.adapters.clock import SetClock
from provisiond.bounces import Bounces
from provisiond.domain.delivery import MailPolicy
from provisiond.domain.model import NoticeStatus, OutboxItem, State
from provisiond.message import Letterhead
from provisiond.outbox import Delivered, Outbox
from provisiond.ports import Inbox, Ledger, Mailer
from tests.rigs.ledgers import AT, DOMAIN
from tests.rigs.lives import ZONE
from tests.rigs.plain_letters import PlainLetters
from tests.rigs.registry import DIGESTS
from tests.rigs.steps import a_notice, a_record, a_step

OPERATOR = "operators@example.edu"
HEAD = Letterhead(
    "University Accounts <accounts@example.edu>",
    lambda key: f"<{DIGESTS.notice(key)}@example.edu>",
    "help@example.edu",
)


@dataclass(slots=True)
class PostOffice:
    """Person N has the notice `person-N:created`, to `private(N)`; the other address on record is `own(N)`."""

    ledger: Ledger
    mailer: Mailer
    policy: MailPolicy = field(default_factory=MailPolicy)
    letters: PlainLetters = field(default_factory=PlainLetters)
    clock: SetClock = field(default_factory=lambda: SetClock(AT))

    def due(self, count: int) -> list[str]:
        steps = [a_step(n, notices=(replace(a_notice(n), to=private(n)),)) for n in range(1, count + 1)]
        assert self.ledger.reserve(steps, DOMAIN, AT) == []
        records = {
            s.person_id: [replace(a_record(n), personal_mail=private(n))] for n, s in enumerate(steps, 1)
        }
        self.ledger.commit(steps, records, AT)
        return [step.notices[0].key for step in steps]

    def outbox(self, **told: Any) -> Outbox:
        return replace(
            Outbox(
                self.ledger,
                self.mailer,
                self.letters,
                self.clock,
                self.policy,
                HEAD,
                ZONE,
                DOMAIN,
                (OPERATOR,),
            ),
            **told,
        )

    def deliver(self) -> Delivered:
        return self.outbox().deliver()

    def bounces(self, inbox: Inbox, **told: Any) -> Bounces:
        believed_for = timedelta(days=14)
        made = Bounces(inbox, self.ledger, self.clock, ZONE, DOMAIN, (OPERATOR,), believed_for)
        return replace(made, **told)

    def sleep(self, **time: float) -> None:
        self.clock.at += timedelta(**time)

    def deliver_for(self, days: int) -> None:
        """Every half hour, as long as there is something to send."""
        for _ in range(days * 48):
            self.sleep(minutes=30)
            self.deliver()

    def of(self, number: int) -> OutboxItem:
        (found,) = self.ledger.notices([f"person-{number}:created"])
        return found

    def statuses(self) -> list[NoticeStatus]:
        """Of the persons' notices."""
        return [item.status for item in self.ledger.outbox() if item.notice.person_id]

    def told_operators(self) -> list[OutboxItem]:
        return [item for item in self.ledger.outbox() if item.notice.person_id is None]

    def moved(self, number: int, state: State) -> None:
        """The person's account is in another state since."""
        self.ledger.commit([a_step(number, new=False, to_state=state)], {}, self.clock.now())


def private(number: int) -> str:
    return f"person{number}@example.net"


def own(number: int) -> str:
    return f"name{number}@{DOMAIN}"
