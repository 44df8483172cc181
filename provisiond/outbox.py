"""Delivers what is due: claim, write, send, settle. At most one notice is in doubt at any time.

Decides what a mail server's answer means for a notice. Which notices there are is the cycle's, how a server is
talked to the mailer's, what a mail says the letters'."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta, tzinfo
from typing import assert_never

import structlog

from provisiond.domain.delivery import (
    MailPolicy,
    is_mail_address,
    other_address,
    overtaken,
    void_code,
    waiting,
    with_ascii_domain,
)
from provisiond.domain.errors import ConfigError, UnavailableError
from provisiond.domain.model import Account, Notice, NoticeKind, NoticeStatus, OutboxItem
from provisiond.message import Letterhead, message
from provisiond.ports import (
    Answer,
    Clock,
    Delivery,
    DeliveryOutcome,
    Guard,
    Ledger,
    Letters,
    MailBatch,
    Mailer,
    Sending,
    unguarded,
)

log = structlog.get_logger()

CLAIMED = 100  # looked at together: facts that are older than the time they take are not decided on
MINUTE = timedelta(minutes=1)
ANSWERS = 2  # so often may a mail server's answer be lost: one copy too many at most

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the notices of one run. `put_off`: tried again later; `readdressed`: refused, and goes to the
    other address on record; `unknown`: sent, the answer was lost. `limited`: a cap ended the run."""

    accepted: int = 0
    put_off: int = 0
    readdressed: int = 0
    refused: int = 0
    given_up: int = 0
    unknown: int = 0
    dropped: int = 0
    limited: bool = False

    def counts(self) -> dict[str, int]:
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "limited"}


@dataclass(frozen=True, slots=True)
class Written:
    """A notice on its way: what goes to whom, or what is wrong with it already."""

    item: OutboxItem
    account: Account | None
    sending: Sending
    mail: bytes | None
    fault: Delivery | None = None


@dataclass(frozen=True, slots=True)
class Outbox:
    """`mail_domain`: that of lifelong addresses; `operators`: who is told of what cannot be delivered. `stopping` is
    asked between two mails, `guard` lies around each;
    `code_lasts`: how long a mailed code is good."""

    ledger: Ledger
    mailer: Mailer
    letters: Letters
    clock: Clock
    policy: MailPolicy
    letterhead: Letterhead
    zone: tzinfo
    mail_domain: str
    operators: Sequence[str]
    progress: Progress = lambda what, done, total: None
    stopping: Callable[[], bool] = lambda: False
    guard: Guard = unguarded
    code_lasts: timedelta = timedelta(hours=24)

    def deliver(self) -> Delivered:
        """Send what may be sent now, as far as the caps go. Raises UnavailableError when no mail server serves us;
        what was sent before is settled."""
        now = self.clock.now()
        lately = self.ledger.tried_between(now - MINUTE, now)
        budget = min(self.policy.per_run, self.policy.per_minute - lately)
        run = _Run(self, max(0, budget))
        try:
            with self.mailer.batch() as batch:
                run.work(batch)
        finally:
            self._tell_operators(run.delivered)
        return run.delivered

    # -- before ----------------------------------------------------------------------------------------
    def claim(self, limit: int) -> list[OutboxItem]:
        return self.ledger.claim(self.clock.now(), limit, self.policy.longest_backoff)

    def drop_overtaken(self, items: Sequence[OutboxItem], accounts: Mapping[str, Account]) -> dict[str, str]:
        """Key → why, of those that are not sent any more."""
        today = self.clock.now().astimezone(self.zone).date()
        found = {i.notice.key: self._why_not(i.notice, _of(i, accounts), today) for i in items}
        reasons = {key: why for key, why in found.items() if why}
        for key, why in reasons.items():
            self.ledger.drop([key], "outbox", why, self.clock.now())
            log.info("notice dropped", notice=key, reason=why)
        return reasons

    def _why_not(self, notice: Notice, account: Account | None, today: date) -> str | None:
        why = overtaken(notice, account, today)
        return why or void_code(notice, account, self.clock.now(), self.code_lasts)

    def directed(self, items: Sequence[OutboxItem], accounts: Mapping[str, Account]) -> list[OutboxItem]:
        """Away from addresses that lately sent a mail back, where there is another one."""
        others = {i.notice.key: self._other(i, _of(i, accounts)) for i in items}
        wanted = {item.address for item in items} | {other for other in others.values() if other}
        bad = self.ledger.bad_among(wanted, self.clock.now() - self.policy.avoid_for)
        better = {key: other for key, other in others.items() if other and other not in bad}
        return [
            replace(item, sent_to=better[item.notice.key])
            if item.address in bad and item.notice.key in better
            else item
            for item in items
        ]

    def _other(self, item: OutboxItem, account: Account | None) -> str | None:
        return other_address(item.notice, item.address, account, self.mail_domain)

    def write(self, item: OutboxItem, account: Account | None) -> Written:
        """A letter that cannot be written waits as if it had been put off: the others go on."""
        notice = item.notice
        mark = item.message_id or self.letterhead.message_id(notice.key)
        sending = Sending(notice.key, mark, item.address)
        if not is_mail_address(item.address):
            fault = Delivery(DeliveryOutcome.REFUSED, "not sent: that is no mail address")
            return Written(item, account, sending, None, fault)
        try:
            at = self.clock.now().astimezone(self.zone)
            letter = self.letters.letter(notice, account)
            to = with_ascii_domain(sending.to)
            mail = message(letter, self.letterhead, to, sending.message_id, at)
        except (ConfigError, ValueError) as error:
            log.error("notice cannot be written", notice=notice.key, reason=str(error))
            fault = Delivery(DeliveryOutcome.DEFERRED, f"not sent, the letter cannot be written: {error}")
            return Written(item, account, sending, None, fault)
        return Written(item, account, sending, mail)

    # -- after -----------------------------------------------------------------------------------------
    def answer(self, written: Written, said: Delivery) -> Answer:
        """What a mail server's answer means."""
        item, sending = written.item, written.sending
        result = Answer(sending.key, NoticeStatus.ACCEPTED, said.reply, sending.to)
        match said.outcome:
            case DeliveryOutcome.ACCEPTED:
                return result
            case DeliveryOutcome.DEFERRED:
                return self._put_off(item, result)
            case DeliveryOutcome.REFUSED:
                other = other_address(item.notice, sending.to, written.account, self.mail_domain)
                if other is None:
                    return replace(result, status=NoticeStatus.REFUSED)
                return replace(result, status=NoticeStatus.DUE, sent_to=other)
            case DeliveryOutcome.UNKNOWN:
                if item.doubts + 1 >= ANSWERS:
                    return replace(result, status=NoticeStatus.GIVEN_UP)
                again_at = self.clock.now() + self.policy.backoff
                return replace(result, status=NoticeStatus.UNKNOWN, next_try_at=again_at)
            case DeliveryOutcome.UNAVAILABLE:
                return replace(result, status=item.status, next_try_at=item.next_try_at, counts=False)
            case _:
                assert_never(said.outcome)

    def _put_off(self, item: OutboxItem, answer: Answer) -> Answer:
        wait = waiting(item.attempts + 1, self.policy)
        if wait is None:
            return replace(answer, status=NoticeStatus.GIVEN_UP)
        return replace(answer, status=NoticeStatus.DUE, next_try_at=self.clock.now() + wait)

    def _tell_operators(self, delivered: Delivered) -> None:
        """Once a day, however many there are: `provisiond outbox` lists them."""
        if not (delivered.refused or delivered.readdressed or delivered.given_up):
            return
        now = self.clock.now()
        today = now.astimezone(self.zone).date()
        told = [
            Notice(f"operator:mail:{today}:{to}", None, NoticeKind.OPERATOR, to, today, None)
            for to in self.operators
        ]
        self.ledger.notify(told, now)


class _Run:
    """One run: what was done so far, and the answer that is not yet in the ledger."""

    def __init__(self, outbox: Outbox, budget: int) -> None:
        self.outbox = outbox
        self.budget = budget
        self.delivered = Delivered()
        self._answer: Answer | None = None

    def work(self, batch: MailBatch) -> None:
        while not self.outbox.stopping():
            items = self.outbox.claim(min(max(self.budget, 1), CLAIMED))
            if not items or self.budget <= 0:
                self.delivered = replace(self.delivered, limited=bool(items))
                return
            try:
                self._send_all(batch, items)
            finally:
                self._turn(None)

    def _send_all(self, batch: MailBatch, items: Sequence[OutboxItem]) -> None:
        """Each is written while a mail server works on the one before."""
        outbox = self.outbox
        accounts = outbox.ledger.load({i.notice.person_id for i in items if i.notice.person_id})
        gone = outbox.drop_overtaken(items, accounts)
        self._count("dropped", len(gone))
        kept = [item for item in items if item.notice.key not in gone]
        left = ((item, _of(item, accounts)) for item in outbox.directed(kept, accounts))
        ahead = _Ahead(outbox.write(*each) for each in left)
        while (written := ahead.take()) and not outbox.stopping():
            self._send(batch, written, ahead.prepare)

    def _send(self, batch: MailBatch, written: Written, meanwhile: Callable[[], None]) -> None:
        begun: list[bool] = []

        def begin() -> bool:
            if not begun:
                begun.append(self._turn(written.sending))
            return begun[0]

        said = written.fault
        if written.mail is not None:
            with self.outbox.guard():
                said = batch.send(written.mail, written.sending.to, begin, meanwhile)
        if said is None:
            return  # settled or dropped by somebody meanwhile
        if said.outcome is DeliveryOutcome.UNAVAILABLE and not begun:
            raise UnavailableError("mail", said.reply)
        if not begin():
            return
        self.budget -= 1
        self._answer = self.outbox.answer(written, said)
        self._tell(self._answer)
        self.outbox.progress("mails", sum(self.delivered.counts().values()), 0)
        if said.outcome is DeliveryOutcome.UNAVAILABLE:
            raise UnavailableError("mail", said.reply)

    def _turn(self, following: Sending | None) -> bool:
        answer, self._answer = self._answer, None
        if answer is None and following is None:
            return False
        return self.outbox.ledger.turn(answer, following, self.outbox.clock.now())

    def _tell(self, answer: Answer) -> None:
        if not answer.counts:
            return
        name = answer.status.value.replace("-", "_")
        if answer.status is NoticeStatus.DUE:
            name = "put_off" if answer.next_try_at else "readdressed"
        self._count(name, 1)
        # only the numbers of the reply: its words may hold the address
        log.info("notice sent", notice=answer.key, outcome=name, code=answer.reply[:3])

    def _count(self, name: str, more: int) -> None:
        self.delivered = replace(self.delivered, **{name: getattr(self.delivered, name) + more})


class _Ahead:
    """One notice is written before it is asked for, where there is time."""

    def __init__(self, written: Iterator[Written]) -> None:
        self._written = written
        self._next: Written | None = None

    def prepare(self) -> None:
        self._next = self._next or next(self._written, None)

    def take(self) -> Written | None:
        self.prepare()
        taken, self._next = self._next, None
        return taken


def _of(item: OutboxItem, accounts: Mapping[str, Account]) -> Account | None:
    return accounts.get(item.notice.person_id or "")
