"""Mailers of both kinds, told in the same words what happens to mails: the fake one and ours in front of a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Protocol

from provisiond.adapters.mailer.relay import Relay, SmtpMailer
from provisiond.domain.delivery import is_mail_address
from provisiond.domain.errors import ProvisiondError, UnavailableError
from provisiond.ports import Delivery, DeliveryOutcome, Mailer
from tests.rigs.smtp import ALWAYS, DROP, SmtpRig, parsed

SENDER = "accounts@example.edu"


class Place(Protocol):
    """A mailer, and what its server does."""

    @property
    def mailer(self) -> Mailer: ...

    def does(self, outcome: DeliveryOutcome, to: str | None = None, times: int = ALWAYS) -> None: ...

    def taken(self) -> list[tuple[str, str]]:
        """Address and Message-ID of all that arrived."""
        ...


@dataclass(slots=True)
class FakeMailer:
    """ports.Mailer without a network: accepts, but where a test said otherwise. What arrived in `mails`."""

    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    orders: list[tuple[DeliveryOutcome, str | None, list[int]]] = field(default_factory=list)
    batches: int = 0

    @property
    def mailer(self) -> Mailer:
        return self

    @contextmanager
    def batch(self) -> Iterator[FakeMailer]:
        self.batches += 1
        yield self

    def check(self) -> list[ProvisiondError]:
        away = any(order[0] is DeliveryOutcome.UNAVAILABLE for order in self.orders)
        return [UnavailableError("mail", "nobody there")] if away else []

    def send(
        self,
        message: bytes,
        to: str,
        begin: Callable[[], bool] = lambda: True,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Delivery | None:
        if not is_mail_address(to):
            return Delivery(DeliveryOutcome.REFUSED, "not sent: that is no mail address")
        outcome = self._ordered(to)
        if outcome is not DeliveryOutcome.UNAVAILABLE and not begin():
            return None
        meanwhile()
        if outcome in (DeliveryOutcome.ACCEPTED, DeliveryOutcome.UNKNOWN):
            self.mails.append((to, parsed(message)))
        return Delivery(outcome, _WORDS[outcome])

    def does(self, outcome: DeliveryOutcome, to: str | None = None, times: int = ALWAYS) -> None:
        self.orders.append((outcome, to, [times]))

    def well(self) -> None:
        self.orders.clear()

    def taken(self) -> list[tuple[str, str]]:
        return [(to, str(message["Message-ID"])) for to, message in self.mails]

    def _ordered(self, to: str) -> DeliveryOutcome:
        for outcome, whom, left in self.orders:
            if whom in (None, to) and left[0]:
                left[0] -= 1
                return outcome
        return DeliveryOutcome.ACCEPTED


_WORDS = {
    DeliveryOutcome.ACCEPTED: "250 2.0.0 ok: queued",
    DeliveryOutcome.DEFERRED: "451 4.7.1 come again later",
    DeliveryOutcome.REFUSED: "550 5.1.1 no such user",
    DeliveryOutcome.UNKNOWN: "the connection was lost before the answer to the final dot came",
    DeliveryOutcome.UNAVAILABLE: "nobody there",
}


@dataclass(slots=True)
class SmtpPlace:
    """Our mailer in front of a server on loopback."""

    rig: SmtpRig

    @property
    def mailer(self) -> Mailer:
        return SmtpMailer(relay(self.rig))

    def does(self, outcome: DeliveryOutcome, to: str | None = None, times: int = ALWAYS) -> None:
        match outcome:
            case DeliveryOutcome.UNKNOWN:
                self.rig.when("final", DROP, to=to, times=times)
            case DeliveryOutcome.UNAVAILABLE:
                self.rig.when("greeting", "554 5.3.2 no service", times=times)
            case DeliveryOutcome.ACCEPTED:
                pass
            case _:
                self.rig.when("RCPT", _WORDS[outcome], to=to, times=times)

    def taken(self) -> list[tuple[str, str]]:
        return [(mail.to, mail.message_id) for mail in self.rig.mails]


@contextmanager
def smtp_place() -> Iterator[SmtpPlace]:
    with SmtpRig() as rig:
        yield SmtpPlace(rig)


@contextmanager
def fake_place() -> Iterator[FakeMailer]:
    yield FakeMailer()


PLACES: dict[str, Callable[[], AbstractContextManager[Place]]] = {"fake": fake_place, "smtp": smtp_place}


def relay(rig: SmtpRig, **told: object) -> Relay:
    """Patience of a second: nothing on loopback takes longer unless it is meant to."""
    facts: dict[str, object] = {"host": "127.0.0.1", "port": rig.port, "tls": "none", "bounces_to": SENDER}
    facts |= {"connect_timeout": 5, "reply_timeout": 5, "data_timeout": 5}
    return Relay(**(facts | told))  # type: ignore[arg-type]
