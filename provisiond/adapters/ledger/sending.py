"""How a notice goes through the outbox while it is sent: who is next, being sent, answered, tried again, dropped.

What an answer means, and when to try again, is decided by provisiond/outbox.py."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import itemgetter

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, func, or_, select, update

from provisiond.adapters.ledger import history, orders
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.outbox import IN_ORDER, found
from provisiond.adapters.ledger.tables import Word
from provisiond.adapters.ledger.tables import outbox as table
from provisiond.domain.model import NoticeStatus, OutboxItem
from provisiond.ports import Answer, Sending

# Between two mails nothing waits for the disk, but after so many: a kill costs one copy, a power cut so many.
SYNCED_EVERY = 10
LEFT = "whoever sent it died before the answer was known"
_SETTLED = (NoticeStatus.ACCEPTED, NoticeStatus.REFUSED, NoticeStatus.GIVEN_UP)
_EVENTS = {NoticeStatus.DUE: "notice-put-off", NoticeStatus.UNKNOWN: "notice-unknown"}
_MAY_BE_SENT = table.c.status.in_((NoticeStatus.DUE.value, NoticeStatus.UNKNOWN.value))
_MAY_BE_DROPPED = or_(
    _MAY_BE_SENT, table.c.status.in_((NoticeStatus.REFUSED.value, NoticeStatus.GIVEN_UP.value))
)
_MAY_BE_RETRIED = or_(
    table.c.status.in_(
        (
            NoticeStatus.REFUSED.value,
            NoticeStatus.GIVEN_UP.value,
            NoticeStatus.DROPPED.value,
            NoticeStatus.UNKNOWN.value,
        )
    ),
    (table.c.status == NoticeStatus.DUE.value) & table.c.next_try_at.is_not(None),
)
# These two are made once: each mail needs them.
_ANSWER = (
    update(table)
    .where(table.c.key == bindparam("of"), table.c.status == NoticeStatus.SENDING.value)
    .values(
        status=bindparam("now"),
        reply=bindparam("said"),
        settled_at=bindparam("ended"),
        next_try_at=bindparam("again"),
        attempts=table.c.attempts + bindparam("more", type_=Integer),
        doubts=table.c.doubts + bindparam("doubt", type_=Integer),
        sent_to=func.coalesce(bindparam("address", type_=Word), table.c.sent_to),
        untold=bindparam("news"),
    )
)
_MARK = (
    update(table)
    .where(table.c.key == bindparam("of"), _MAY_BE_SENT)
    .values(
        status=NoticeStatus.SENDING.value,
        tried_at=bindparam("at"),
        message_id=bindparam("mark"),
        sent_to=bindparam("address"),
    )
)


def is_unfinished(connection: Connection) -> bool:
    """Something is still marked as being sent, or is not told yet."""
    sent = select(table.c.key).where(table.c.status == NoticeStatus.SENDING.value).limit(1)
    untold = select(table.c.key).where(table.c.untold).limit(1)
    return any(connection.execute(wanted).first() for wanted in (sent, untold))


def finish(connection: Connection, at: datetime) -> None:
    """A crash costs a further copy at most, and is no doubt about the mail server."""
    for key in connection.scalars(
        select(table.c.key).where(table.c.status == NoticeStatus.SENDING.value)
    ).all():
        _answered(connection, Answer(key, NoticeStatus.UNKNOWN, LEFT, ""), at, doubts=0)
    tell(connection, at)


def tell(connection: Connection, at: datetime, *which: ColumnElement[bool]) -> None:
    """What became of notices that is not in the history yet; of these, before something else becomes of them."""
    untold = (table.c.untold, *which)
    items = found(connection, select(table).where(*untold).order_by(*IN_ORDER))
    if not items:
        return
    connection.execute(update(table).where(*untold).values(untold=False))
    settled = {i.notice.person_id for i in items if i.status in _SETTLED and i.notice.person_id is not None}
    orders.call(connection, sorted(settled), at)
    history.append(connection, (_happened(item, at) for item in items))


def _happened(item: OutboxItem, at: datetime) -> Happened:
    detail = {
        "notice": item.notice.key,
        "status": item.status.value,
        "reply": item.reply,
        "to": item.address,
        "tried_at": item.tried_at.isoformat() if item.tried_at else None,
    }
    event = _EVENTS.get(item.status, "notice-settled")
    return Happened(event, item.notice.person_id, item.settled_at or at, "outbox", detail)


def ready(connection: Connection, at: datetime, limit: int, longest: timedelta) -> list[OutboxItem]:
    next_try_at = table.c.next_try_at
    come = or_(next_try_at.is_(None), next_try_at <= at, next_try_at > at + longest)
    return found(connection, select(table).where(_MAY_BE_SENT, come).order_by(*IN_ORDER).limit(limit))


def turn(connection: Connection, answer: Answer | None, following: Sending | None, at: datetime) -> bool:
    if answer is not None:
        _answered(connection, answer, at, doubts=int(answer.status is NoticeStatus.UNKNOWN))
    return following is not None and _marked(connection, following, at)


def tried_between(connection: Connection, after: datetime, until: datetime) -> int:
    then = table.c.tried_at > after, table.c.tried_at <= until
    return connection.scalar(select(func.count()).select_from(table).where(*then)) or 0


def retry(connection: Connection, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
    fresh = {"status": NoticeStatus.DUE.value, "attempts": 0, "doubts": 0, "next_try_at": None}
    fresh |= {"sent_to": None, "settled_at": None}
    return _moved(connection, keys, _MAY_BE_RETRIED, fresh, "notice-retried", actor, reason, at)


def drop(connection: Connection, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
    over = {"status": NoticeStatus.DROPPED.value, "settled_at": at, "reply": reason, "next_try_at": None}
    return _moved(connection, keys, _MAY_BE_DROPPED, over, "notice-dropped", actor, reason, at)


def _answered(connection: Connection, answer: Answer, at: datetime, doubts: int) -> None:
    values = {
        "of": answer.key,
        "now": answer.status.value,
        "said": answer.reply,
        "ended": at if answer.status in _SETTLED else None,
        "again": answer.next_try_at,
        "more": int(answer.counts),
        "doubt": doubts,
        "address": answer.sent_to or None,
        "news": answer.counts,
    }
    connection.execute(_ANSWER, values)


def _marked(connection: Connection, following: Sending, at: datetime) -> bool:
    values = {"of": following.key, "at": at, "mark": following.message_id, "address": following.to}
    return connection.execute(_MARK, values).rowcount == 1


def _moved(
    connection: Connection,
    keys: Iterable[str],
    allowed: ColumnElement[bool],
    values: dict[str, object],
    event: str,
    actor: str,
    reason: str,
    at: datetime,
) -> int:
    moved: list[tuple[str, str | None]] = []
    for chunk in chunks(keys):
        wanted = update(table).where(table.c.key.in_(chunk), allowed).values(values)
        done = connection.execute(wanted.returning(table.c.key, table.c.person_id))
        moved += [(row.key, row.person_id) for row in done]
    history.append(
        connection,
        (
            Happened(event, person, at, actor, {"notice": key}, reason)
            for key, person in sorted(moved, key=itemgetter(0))
        ),
    )
    return len(moved)
