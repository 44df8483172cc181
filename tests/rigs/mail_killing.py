"""Processes that send notices or read bounces, and are killed: from outside, or by themselves at a named point."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from provisiond import logs
from provisiond.adapters.inbox.mailbox import ImapInbox, MailAccount
from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.adapters.mailer.relay import Relay, SmtpMailer
from provisiond.domain.delivery import MailPolicy
from provisiond.domain.errors import ProvisiondError
from provisiond.ports import Inbox, InboxFolder
from tests.rigs.killing import Fuse, processes
from tests.rigs.postoffice import PostOffice

WITHOUT_CAPS = MailPolicy(per_minute=10**6, per_run=10**6)
BOUNCES_TO = "bounces@example.edu"
INBOX_POINTS = (
    "after imap fetch",
    "before take_returned",
    "after take_returned",  # and before it is marked as read
    "before look_on",
    "after look_on",
    "after filing",
    "before file_returned",
    "after file_returned",
)


@contextmanager
def office(ledger: Path, smtp: int, *, create: bool = False) -> Iterator[PostOffice]:
    """The real outbox over a SQLite ledger, in front of the Postfix at that port."""
    relay = Relay("127.0.0.1", smtp, "none", BOUNCES_TO)
    with closing(SqlLedger.open(f"sqlite:///{ledger}", create=create)) as opened:
        yield PostOffice(opened, SmtpMailer(relay), WITHOUT_CAPS)


def sender_process(ledger: Path, smtp: int) -> tuple[BaseProcess, Synchronized[int]]:
    """With the number of mails that it has sent."""
    sent: Synchronized[int] = processes.Value("i", 0)
    started = processes.Process(target=_send, args=(ledger, smtp, sent))
    started.start()
    return started, sent


def killed_while_sending(ledger: Path, smtp: int, mails: int, chance: random.Random) -> bool:
    """After about so many mails, at any moment of the next one. False: it was done before."""
    process, sent = sender_process(ledger, smtp)
    while process.is_alive() and sent.value < mails:
        time.sleep(0.0005)
    time.sleep(chance.uniform(0, 0.03))
    struck = process.is_alive()
    process.kill()
    process.join(30)
    return struck


def reader_process(ledger: Path, account: MailAccount, point: str = "", nth: int = 1) -> BaseProcess:
    """Reads the mailbox; ends by itself, or is dead at that point."""
    started = processes.Process(target=_read, args=(ledger, account, point, nth))
    started.start()
    return started


def _send(ledger: Path, smtp: int, sent: Synchronized[int]) -> None:
    logs.configure(verbose=False)

    def progress(_what: str, done: int, _total: int) -> None:
        sent.value = done

    with office(ledger, smtp) as posts:
        posts.outbox(progress=progress).deliver()


def _read(ledger: Path, account: MailAccount, point: str, nth: int) -> None:
    logs.configure(verbose=False)
    fuse = Fuse(point, nth)
    with office(ledger, 0) as posts:
        posts.ledger = FusedReturns(posts.ledger, fuse)
        posts.bounces(FusedInbox(ImapInbox(account), fuse)).read()


@dataclass(slots=True)
class FusedReturns:
    """The calls of the ledger that a reader of bounces makes."""

    inner: Any
    fuse: Fuse

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.inner, name)
        if name not in ("take_returned", "look_on", "file_returned"):
            return call

        def called(*arguments: Any) -> Any:
            self.fuse.reach(f"before {name}")
            answer = call(*arguments)
            self.fuse.reach(f"after {name}")
            return answer

        return called


@dataclass(slots=True)
class FusedInbox:
    inner: Inbox
    fuse: Fuse

    @property
    def folder(self) -> str:
        return self.inner.folder

    @contextmanager
    def opened(self, *, read_only: bool = False) -> Iterator[InboxFolder]:
        with self.inner.opened(read_only=read_only) as folder:
            yield FusedFolder(folder, self.fuse)

    def check(self) -> list[ProvisiondError]:
        return self.inner.check()


@dataclass(slots=True)
class FusedFolder:
    inner: InboxFolder
    fuse: Fuse

    @property
    def uid_validity(self) -> int:
        return self.inner.uid_validity

    def uids(self, after: int) -> list[int]:
        return self.inner.uids(after)

    def mail(self, uid: int) -> bytes | None:
        found = self.inner.mail(uid)
        self.fuse.reach("after imap fetch")
        return found

    def file(self, uids: Sequence[int]) -> None:
        self.inner.file(uids)
        self.fuse.reach("after filing")
