"""Reads the mails that came back: which notice, from which address, and what is done about it.

Decides what is believed. A mail in this folder may be from anybody: it counts only where it names the Message-ID of
a notice that we sent lately, and an address that we sent it to. How mails are got is the inbox's, what a delivery
report says delivery_report's; what changes is one transaction of the ledger, and only then is the mail put away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

import structlog

from provisiond.delivery_report import DeliveryReport, Recipient, delivery_report
from provisiond.domain.delivery import other_address, with_ascii_domain
from provisiond.domain.model import Notice, NoticeKind, NoticeStatus, OutboxItem
from provisiond.ports import Bounce, Clock, Inbox, InboxFolder, Ledger, Looked, ReturnedMail

log = structlog.get_logger("provisiond.inbox")

Progress = Callable[[str, int, int], None]
PER_RUN = 1000  # mails that are looked at; the next run goes on
_LASTING = "5"  # RFC 3463: 4.x.x may be better next time


class Verdict(StrEnum):
    """What a mail in the folder is."""

    BOUNCE = "bounce"  # a notice failed for the address it went to
    REPORT = "report"  # a notice is late or arrived: nothing changes
    DOUBTFUL = "doubtful"  # of a notice of ours, but not of an address we sent it to, or too long ago
    OTHER = "other"  # anything else: an answer, a bounce of somebody else's mail
    EARLY = "early"  # the notice is being sent at this moment: another copy of it, or it was quicker than we
    UNREADABLE = "unreadable"  # the server did not give it


@dataclass(frozen=True, slots=True)
class Seen:
    """One mail and what it is. `bounces` and `notices` (keys) only where it counts."""

    uid: int
    verdict: Verdict
    report: DeliveryReport | None = None
    bounces: tuple[Bounce, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Read and put away; every other mail is left as it was."""
        return self.verdict in (Verdict.BOUNCE, Verdict.REPORT)


@dataclass(slots=True)
class Reading:
    """What one run found. `returned`: notices that failed, each counted once; `readdressed`: those of them that go to
    the other address on record; the others are refused."""

    mails: dict[Verdict, int] = field(default_factory=dict)
    returned: int = 0
    readdressed: int = 0
    is_complete: bool = True

    def count(self, verdict: Verdict) -> None:
        self.mails[verdict] = self.mails.get(verdict, 0) + 1


@dataclass(frozen=True, slots=True)
class Bounces:
    """`mail_domain`: that of lifelong addresses; `operators`: who is told; `believed_for`: so long after it was sent
    a notice may come back."""

    inbox: Inbox
    ledger: Ledger
    clock: Clock
    zone: tzinfo
    mail_domain: str
    operators: Sequence[str]
    believed_for: timedelta
    progress: Progress = lambda what, done, total: None

    def read(self) -> Reading:
        """Take what is new in the folder. Raises UnavailableError; what was taken before stays taken."""
        reading = Reading()
        with self.inbox.opened() as folder:
            self._file(folder)  # what a run that was killed had taken
            try:
                self._take(folder, reading)
            finally:
                self._tell_operators(reading)
            self._file(folder)
        return reading

    def look(self) -> Iterator[Seen]:
        """What `read` would do; nothing is changed, in the mailbox or here."""
        with self.inbox.opened(read_only=True) as folder:
            yield from self._seen(folder, self._new(folder))

    # -- inside ------------------------------------------------------------------------------------------
    def _new(self, folder: InboxFolder) -> list[int]:
        mark = self.ledger.looked(self.inbox.folder)
        if mark and mark.uid_validity != folder.uid_validity:
            log.warning("the mailbox was made anew: it is read from its beginning")
            mark = None
        return folder.uids(mark.uid if mark else 0)

    def _seen(self, folder: InboxFolder, uids: Sequence[int]) -> Iterator[Seen]:
        for uid in uids[:PER_RUN]:
            raw = folder.mail(uid)
            yield Seen(uid, Verdict.UNREADABLE) if raw is None else self._judged(uid, raw)

    def _take(self, folder: InboxFolder, reading: Reading) -> None:
        uids = self._new(folder)
        reading.is_complete = len(uids) <= PER_RUN
        looked_at, is_early = 0, False
        for done, seen in enumerate(self._seen(folder, uids), 1):
            reading.count(seen.verdict)
            if seen.is_ours:
                self._take_one(folder, seen, reading)
            is_early |= seen.verdict is Verdict.EARLY
            if seen.verdict is not Verdict.UNREADABLE and not is_early:
                looked_at = seen.uid  # one that cannot be read is passed over only when a later one can
            self.progress("mails", done, len(uids))
        if looked_at:
            self.ledger.look_on(self.inbox.folder, Looked(folder.uid_validity, looked_at))

    def _take_one(self, folder: InboxFolder, seen: Seen, reading: Reading) -> None:
        own_id = seen.report.message_id if seen.report else None
        mail = ReturnedMail(self.inbox.folder, folder.uid_validity, seen.uid, own_id)
        done = self.ledger.take_returned(mail, seen.bounces, self.clock.now())
        if not done:
            return
        reading.returned += done
        reading.readdressed += sum(bounce.goes_to is not None for bounce in seen.bounces)
        for bounce in seen.bounces:
            # no reply: its words hold the address
            log.warning("notice came back", notice=bounce.key, goes_to_another=bounce.goes_to is not None)

    def _file(self, folder: InboxFolder) -> None:
        uids = self.ledger.unfiled(self.inbox.folder, folder.uid_validity)
        if not uids:
            return
        folder.file(uids)
        self.ledger.file_returned(self.inbox.folder, folder.uid_validity, uids, self.clock.now())

    # -- what is believed --------------------------------------------------------------------------------
    def _judged(self, uid: int, raw: bytes) -> Seen:
        report = delivery_report(raw)
        item = self.ledger.sent_as(report.about) if report and report.about else None
        if report is None or item is None:
            return Seen(uid, Verdict.OTHER, report)
        meant = [one for one in report.recipients if self._believed(item, one)]
        if meant and item.status is NoticeStatus.SENDING:
            return Seen(uid, Verdict.EARLY, report)
        if not meant:
            log.warning("a mail that claims to be a bounce is not believed", notice=item.notice.key, mail=uid)
            return Seen(uid, Verdict.DOUBTFUL, report)
        failed = [one for one in meant if one.has_failed and _is_of(one, item.address)]
        verdict = Verdict.BOUNCE if any(one.has_failed for one in meant) else Verdict.REPORT
        bounces = tuple(self._bounce(item, one) for one in failed[:1])
        return Seen(uid, verdict, report, bounces, (item.notice.key,))

    def _believed(self, item: OutboxItem, recipient: Recipient) -> bool:
        """Of a notice that went to this address, now or at first, not too long ago."""
        since = self.clock.now() - self.believed_for
        was_sent = item.tried_at is not None and item.tried_at > since
        return was_sent and any(_is_of(recipient, ours) for ours in {item.address, item.notice.to})

    def _bounce(self, item: OutboxItem, recipient: Recipient) -> Bounce:
        person_id = item.notice.person_id or ""
        account = self.ledger.load([person_id]).get(person_id)
        goes_to = other_address(item.notice, item.address, account, self.mail_domain)
        is_lasting = recipient.status.startswith(_LASTING)
        return Bounce(item.notice.key, item.address, recipient.reply, is_lasting, goes_to)

    def _tell_operators(self, reading: Reading) -> None:
        """Once a day: `provisiond inbox --bad` lists the addresses."""
        if not reading.returned:
            return
        now = self.clock.now()
        self.ledger.notify((self._operator_notice(to, now) for to in self.operators), now)

    def _operator_notice(self, to: str, now: datetime) -> Notice:
        today = now.astimezone(self.zone).date()
        key = f"{NoticeKind.OPERATOR}:bounces:{today}:{to}"
        return Notice(key, None, NoticeKind.OPERATOR, to, today, None)


def _is_of(recipient: Recipient, ours: str) -> bool:
    return _folded(ours) in {_folded(theirs) for theirs in recipient.addresses}


def _folded(address: str) -> str:
    """For comparing. A domain of other letters may be written in either way."""
    try:
        return with_ascii_domain(address).casefold()
    except ValueError:
        return address.casefold()
