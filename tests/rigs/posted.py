"""The part of the fake ledger that is the outbox, and the history that tells of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from provisiond.adapters.ledger import chain
from provisiond.adapters.ledger.chain import End, Happened
from provisiond.domain.model import Notice, NoticeStatus, OutboxItem
from provisiond.ports import Answer, HistoryLine, Sending
from tests.rigs.sighted import Sighted
from tests.rigs.steps import an_item

_WAITING = (NoticeStatus.DUE, NoticeStatus.UNKNOWN)
_FAILED = (NoticeStatus.REFUSED, NoticeStatus.GIVEN_UP)
_SETTLED = (NoticeStatus.ACCEPTED, *_FAILED)


@dataclass(slots=True)
class Posted(Sighted):
    items: dict[str, OutboxItem] = field(default_factory=dict)
    lines: list[HistoryLine] = field(default_factory=list)

    def outbox(self, status: NoticeStatus | None = None) -> list[OutboxItem]:
        wanted = [item for item in self.items.values() if status in (None, item.status)]
        return sorted(wanted, key=lambda i: (i.decided_at, i.notice.due_on, i.notice.key))

    def notices(self, keys: Iterable[str]) -> list[OutboxItem]:
        return [self.items[key] for key in dict.fromkeys(keys) if key in self.items]

    def sent_as(self, message_id: str) -> OutboxItem | None:
        return next((item for item in self.items.values() if item.message_id == message_id), None)

    def notify(self, notices: Iterable[Notice], at: datetime) -> int:
        before = len(self.items)
        self._add(notices, at)
        return len(self.items) - before

    def settle(self, keys: Iterable[str], status: NoticeStatus, reply: str, actor: str, at: datetime) -> int:
        told = status is NoticeStatus.ACCEPTED
        allowed = (*_WAITING, *_FAILED, NoticeStatus.DROPPED) if told else _WAITING
        due = [item for item in self.notices(keys) if item.status in allowed]
        for item in due:
            self._change(item, status=status, settled_at=at, reply=reply, next_try_at=None)
            self._call(item.notice.person_id, at)
            self._tell(Happened("notice-settled", item.notice.person_id, at, actor, {}))
        return len(due)

    def claim(self, at: datetime, limit: int, longest: timedelta) -> list[OutboxItem]:
        for item in self.outbox(NoticeStatus.SENDING):
            self._change(item, status=NoticeStatus.UNKNOWN, attempts=item.attempts + 1, reply="left")
            self._tell(Happened("notice-unknown", item.notice.person_id, at, "outbox", {}))
        waiting = [item for item in self.outbox() if item.status in _WAITING]
        come = [i for i in waiting if i.next_try_at is None or not at < i.next_try_at <= at + longest]
        return come[:limit]

    def turn(self, answer: Answer | None, following: Sending | None, at: datetime) -> bool:
        if answer and self.items[answer.key].status is NoticeStatus.SENDING:
            self._answered(self.items[answer.key], answer, at)
        item = self.items.get(following.key) if following else None
        if item is None or following is None or item.status not in _WAITING:
            return False
        now = {"message_id": following.message_id, "sent_to": following.to, "tried_at": at}
        self._change(item, status=NoticeStatus.SENDING, **now)
        return True

    def tried_between(self, after: datetime, until: datetime) -> int:
        return sum(i.tried_at is not None and after < i.tried_at <= until for i in self.items.values())

    def retry(self, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        allowed = (*_FAILED, NoticeStatus.DROPPED, NoticeStatus.UNKNOWN)
        wanted = [i for i in self.notices(keys) if i.status in allowed or (_is_due(i) and i.next_try_at)]
        for item in wanted:
            fresh = an_item(item.notice, item.decided_at)
            kept = {"reply": item.reply, "tried_at": item.tried_at, "message_id": item.message_id}
            self._change(fresh, **kept)
            self._tell(Happened("notice-retried", item.notice.person_id, at, actor, {}, reason))
        return len(wanted)

    def drop(self, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        wanted = [item for item in self.notices(keys) if item.status in (*_WAITING, *_FAILED)]
        for item in wanted:
            self._change(item, status=NoticeStatus.DROPPED, settled_at=at, reply=reason, next_try_at=None)
            self._tell(Happened("notice-dropped", item.notice.person_id, at, actor, {}, reason))
        return len(wanted)

    # -- inside ----------------------------------------------------------------------------------------
    def _answered(self, item: OutboxItem, answer: Answer, at: datetime) -> None:
        settled, counts = answer.status in _SETTLED, int(answer.counts)
        self._change(
            item,
            status=answer.status,
            reply=answer.reply,
            sent_to=answer.sent_to,
            settled_at=at if settled else None,
            next_try_at=answer.next_try_at,
            attempts=item.attempts + counts,
            doubts=item.doubts + (counts and answer.status is NoticeStatus.UNKNOWN),
        )
        if settled:
            self._call(item.notice.person_id, at)
        if answer.counts:
            events = {NoticeStatus.DUE: "notice-put-off", NoticeStatus.UNKNOWN: "notice-unknown"}
            event = events.get(answer.status, "notice-settled")
            self._tell(Happened(event, item.notice.person_id, at, "outbox", {}))

    def _change(self, item: OutboxItem, **values: object) -> None:
        self.items[item.notice.key] = replace(item, **values)  # type: ignore[arg-type]

    def _add(self, notices: Iterable[Notice], at: datetime) -> None:
        for notice in notices:
            self.items.setdefault(notice.key, an_item(notice, at))

    def _call(self, person: str | None, at: datetime) -> None:
        """The half that knows accounts makes the person due."""
        raise NotImplementedError

    def _end(self) -> End:
        return End(self.lines[-1].seq, self.lines[-1].hash) if self.lines else End()

    def _tell(self, happened: Happened) -> None:
        self.lines += chain.sealed(self._end(), [happened])


def _is_due(item: OutboxItem) -> bool:
    return item.status is NoticeStatus.DUE
