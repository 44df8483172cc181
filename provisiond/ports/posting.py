"""The ledger's part on mails: what is due, what became of it, what came back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from provisiond.domain.model import Notice, NoticeStatus, OutboxItem
from provisiond.ports.facts import Answer, BadAddress, Bounce, Looked, ReturnedMail, Sending


class Posting(Protocol):
    """Of a ledger."""

    # -- outbox ----------------------------------------------------------------------------------------
    def outbox(self, status: NoticeStatus | None = None) -> list[OutboxItem]: ...

    def notices(self, keys: Iterable[str]) -> list[OutboxItem]:
        """Those that are there, in no order."""
        ...

    def sent_as(self, message_id: str) -> OutboxItem | None:
        """The notice that was sent with this Message-ID (as it stands in mails, with angle brackets)."""
        ...

    def notify(self, notices: Iterable[Notice], at: datetime) -> int:
        """Into the outbox as due; a key that exists already is left as it is. How many are new."""
        ...

    def settle(self, keys: Iterable[str], status: NoticeStatus, reply: str, actor: str, at: datetime) -> int:
        """Record a mail server's answer for notices that are due; the persons become due. How many."""
        ...

    def claim(self, at: datetime, limit: int, longest: timedelta) -> list[OutboxItem]:
        """Notices that may be sent now (due or unknown, `next_try_at` has come, or is further away than `longest`:
        the clock was wrong), longest decided first. First of all, what somebody left as `sending` becomes `unknown`:
        whoever asks is the only one who sends."""
        ...

    def turn(self, answer: Answer | None, following: Sending | None, at: datetime) -> bool:
        """In one transaction, so that a crash leaves one notice in doubt at most: record what became of the one being
        sent, mark the following one as `sending`. False: that one is not to be sent (any more), or there is none.
        The history, and that a person whose notice is settled (accepted, refused, given up) is due, follow with the
        next `claim`."""
        ...

    def tried_between(self, after: datetime, until: datetime) -> int:
        """How many notices were given to a mail server in that time."""
        ...

    def retry(self, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        """Due at once, as if never tried, to the address first chosen: those refused, given up, dropped, unknown or
        waiting for their next try. A mark on that address is taken off. How many."""
        ...

    def drop(self, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        """Not to be sent any more: those due, unknown, refused or given up. How many."""
        ...

    # -- returned mail ---------------------------------------------------------------------------------
    def looked(self, folder: str) -> Looked | None:
        """How far this folder of the mailbox was read."""
        ...

    def look_on(self, folder: str, until: Looked) -> None: ...

    def take_returned(self, mail: ReturnedMail, bounces: Sequence[Bounce], at: datetime) -> int:
        """Remember the mail, and in the same transaction send on each notice that still counts as delivered to the
        address it came back from (or record it as refused), and mark that address. How many; none when a mail of
        that Message-ID, or at that place, was taken before. The persons become due."""
        ...

    def unfiled(self, folder: str, uid_validity: int) -> list[int]:
        """UIDs of mails that were taken and not put away yet."""
        ...

    def file_returned(self, folder: str, uid_validity: int, uids: Iterable[int], at: datetime) -> None:
        """They were put away."""
        ...

    def bad_addresses(self, since: datetime | None = None) -> list[BadAddress]:
        """Marked after `since`, latest first."""
        ...

    def bad_among(self, addresses: Iterable[str], since: datetime) -> frozenset[str]:
        """Those of these that were marked after `since`, as they are written here."""
        ...

    def trust(self, addresses: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        """Take the marks off. How many."""
        ...
