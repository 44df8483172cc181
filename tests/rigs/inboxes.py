"""Mailboxes of both kinds, told in the same words what lies in them: the fake one, and ours in front of a Dovecot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from provisiond.adapters.inbox.mailbox import READ_AT_MOST, ImapInbox, MailAccount
from provisiond.domain.errors import ProvisiondError, UnavailableError
from provisiond.ports import Inbox
from tests.rigs.dovecot import HOST, PASSWORD, DovecotRig

_numbers = count(1)


class Box(Protocol):
    """A mailbox and what a test sees of it."""

    @property
    def inbox(self) -> Inbox: ...
    def put(self, *mails: bytes) -> None: ...
    def flags(self) -> list[bool]:
        """Of the mails in the folder that is read: whether each was seen."""
        ...

    def done(self) -> int:
        """How many lie in the folder of those that were taken."""
        ...

    def lose(self, uid: int) -> None:
        """Somebody else removes this mail."""
        ...


@dataclass(slots=True)
class FakeBox:
    """ports.Inbox and ports.InboxFolder in memory. `dumb`: UIDs of mails that the server does not give."""

    mails: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    put_away: list[bytes] = field(default_factory=list)
    dumb: set[int] = field(default_factory=set)
    uid_validity: int = 1
    moves: bool = True
    away: bool = False
    is_read_only: bool = False
    last: int = 0

    @property
    def inbox(self) -> Inbox:
        return self

    @property
    def folder(self) -> str:
        return "INBOX"

    def put(self, *mails: bytes) -> None:
        for mail in mails:
            self.last += 1
            self.mails[self.last] = mail

    def made_anew(self) -> None:
        """The same mails under other UIDs."""
        mails, self.mails, self.last = list(self.mails.values()), {}, 0
        self.uid_validity += 1
        self.put(*mails)

    def flags(self) -> list[bool]:
        return [uid in self.seen for uid in self.mails]

    def done(self) -> int:
        return len(self.put_away)

    def lose(self, uid: int) -> None:
        del self.mails[uid]

    @contextmanager
    def opened(self, *, read_only: bool = False) -> Iterator[FakeBox]:
        if self.away:
            raise UnavailableError("inbox", "nobody there")
        self.is_read_only = read_only
        yield self

    def check(self) -> list[ProvisiondError]:
        return [UnavailableError("inbox", "nobody there")] if self.away else []

    def uids(self, after: int) -> list[int]:
        return [uid for uid in self.mails if uid > after]

    def mail(self, uid: int) -> bytes | None:
        found = None if uid in self.dumb else self.mails.get(uid)
        return found[:READ_AT_MOST] if found is not None else None

    def file(self, uids: Sequence[int]) -> None:
        assert not self.is_read_only
        for uid in uids:
            if uid in self.mails:
                self.seen.add(uid)
                if self.moves:
                    self.put_away.append(self.mails.pop(uid))


@dataclass(slots=True)
class ImapBox:
    """A mailbox of its own on a Dovecot."""

    dovecot: DovecotRig
    account: MailAccount

    @property
    def inbox(self) -> Inbox:
        return ImapInbox(self.account)

    def put(self, *mails: bytes) -> None:
        self.dovecot.put(self.account.user, *mails)

    def flags(self) -> list[bool]:
        return ["\\Seen" in told for told in self.dovecot.flags(self.account.user)]

    def done(self) -> int:
        return len(self.dovecot.flags(self.account.user, self.account.done_folder or "none"))

    def lose(self, uid: int) -> None:
        with self.dovecot.logged_in(self.account.user) as client:
            client.select()
            client.uid("STORE", str(uid), "+FLAGS", r"(\Deleted)")
            client.expunge()


def imap_box(dovecot: DovecotRig, **told: object) -> ImapBox:
    facts: dict[str, object] = {"host": HOST, "port": dovecot.imaps, "tls": "tls", "ca_file": dovecot.ca_file}
    facts |= {"user": f"bounces{next(_numbers)}@example.edu", "password": PASSWORD, "timeout": 20}
    facts |= {"done_folder": "Done"}
    return ImapBox(dovecot, MailAccount(**(facts | told)))  # type: ignore[arg-type]
