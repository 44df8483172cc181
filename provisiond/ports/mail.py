"""Mails: words for a notice, a server that takes them, a mailbox to which they come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from provisiond.domain.errors import ProvisiondError
from provisiond.domain.model import Account, Notice


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it is read. `subject` is one line; `html` None: text only."""

    subject: str
    text: str
    html: str | None


class Letters(Protocol):
    """Turns notices into mails."""

    def letter(self, notice: Notice, account: Account | None) -> Letter:
        """`account` None: to the operators. Raises ConfigError naming template, line and variable."""
        ...


class DeliveryOutcome(StrEnum):
    """What a mail server did with one message."""

    ACCEPTED = "accepted"  # 250 after the final dot: it is theirs now
    DEFERRED = "deferred"  # 4xx: later
    REFUSED = "refused"  # 5xx for this message or this address: never
    UNKNOWN = "unknown"  # the connection was lost while the answer to the final dot was awaited
    UNAVAILABLE = (
        "unavailable"  # no server serves us (at all, or as the sender that we are): nothing was sent
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """`reply`: the server's own words, one line, or what happened instead of them."""

    outcome: DeliveryOutcome
    reply: str


class MailBatch(Protocol):
    """One connection, made when first needed and again when it was lost."""

    def send(
        self,
        message: bytes,
        to: str,
        begin: Callable[[], bool] = lambda: True,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Delivery | None:
        """One message (RFC 5322; ASCII where the address is) to one address, to its end. Raises nothing that a
        mail server does. `begin` is asked once, before any content goes out, while the server is busy already; False:
        nothing does, None is returned. `meanwhile` is done while the server has the content, perhaps never."""
        ...


class Mailer(Protocol):
    def batch(self) -> AbstractContextManager[MailBatch]: ...

    def check(self) -> list[ProvisiondError]:
        """Faults found by connecting, encrypting and logging in; empty when all is well."""
        ...


class InboxFolder(Protocol):
    """A folder of a mailbox, opened."""

    @property
    def uid_validity(self) -> int: ...

    def uids(self, after: int) -> list[int]:
        """Of the mails behind that UID, ascending."""
        ...

    def mail(self, uid: int) -> bytes | None:
        """As it is, unchanged and still unseen, cut off behind a bound. None: the server does not give it."""
        ...

    def file(self, uids: Sequence[int]) -> None:
        """Put away as read; those that are gone are passed over."""
        ...


class Inbox(Protocol):
    """The mailbox to which mails come back. Raises UnavailableError("inbox", …)."""

    @property
    def folder(self) -> str: ...

    def opened(self, *, read_only: bool = False) -> AbstractContextManager[InboxFolder]: ...

    def check(self) -> list[ProvisiondError]:
        """Faults found by connecting, encrypting, logging in and looking for the folders; empty when all is well."""
        ...
