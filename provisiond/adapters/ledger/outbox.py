"""Notices that are due and what a mail server answered. Each key is decided once; nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, Select, insert, select, update

from provisiond.adapters.ledger import history, orders
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.tables import outbox as table
from provisiond.domain.model import Notice, NoticeKind, NoticeStatus, OutboxItem

_IN_ORDER = (table.c.decided_at, table.c.due_on, table.c.key)


def add(connection: Connection, notices: Iterable[Notice], at: datetime) -> None:
    """Put in what is not there yet; a key that exists is left as it is, sent or not."""
    _add(connection, notices, {"status": NoticeStatus.DUE.value, "decided_at": at})


def add_told(connection: Connection, notices: Iterable[Notice], reply: str, at: datetime) -> None:
    """The same of notices that were accepted long ago, as far as we know."""
    told = {"status": NoticeStatus.ACCEPTED.value, "decided_at": at, "settled_at": at, "reply": reply}
    _add(connection, notices, told)


def items(connection: Connection, status: NoticeStatus | None) -> list[OutboxItem]:
    wanted = select(table).order_by(*_IN_ORDER)
    return _items(connection, wanted if status is None else wanted.where(table.c.status == status.value))


def of_people(connection: Connection, person_ids: Sequence[str]) -> dict[str, list[OutboxItem]]:
    wanted = select(table).where(table.c.person_id.in_(person_ids)).order_by(*_IN_ORDER)
    found: dict[str, list[OutboxItem]] = {}
    for item in _items(connection, wanted):
        found.setdefault(item.notice.person_id or "", []).append(item)
    return found


def settle(
    connection: Connection, keys: Iterable[str], status: NoticeStatus, reply: str, actor: str, at: datetime
) -> int:
    happened: list[Happened] = []
    for chunk in chunks(keys):
        due = table.c.key.in_(chunk), table.c.status == NoticeStatus.DUE.value
        for row in connection.execute(
            select(table.c.key, table.c.person_id).where(*due).order_by(*_IN_ORDER)
        ):
            detail = {"notice": row.key, "status": status.value, "reply": reply}
            happened.append(Happened("notice-settled", row.person_id, at, actor, detail))
        connection.execute(update(table).where(*due).values(status=status.value, settled_at=at, reply=reply))
    orders.call(connection, {one.person_id for one in happened if one.person_id is not None}, at)
    history.append(connection, happened)
    return len(happened)


def _items(connection: Connection, wanted: Select[tuple[object, ...]]) -> list[OutboxItem]:
    return [_item(row) for row in connection.execute(wanted)]


def _add(connection: Connection, notices: Iterable[Notice], standing: Mapping[str, object]) -> None:
    by_key = {notice.key: notice for notice in notices}
    for keys in chunks(by_key):
        known = set(connection.scalars(select(table.c.key).where(table.c.key.in_(keys))))
        rows = [{**_row(by_key[key]), **standing} for key in keys if key not in known]
        if rows:
            connection.execute(insert(table), rows)


def _row(notice: Notice) -> dict[str, object]:
    return {
        "key": notice.key,
        "person_id": notice.person_id,
        "kind": notice.kind.value,
        "to": notice.to,
        "due_on": notice.due_on,
        "about_on": notice.about_on,
    }


def _item(row: Row[tuple[object, ...]]) -> OutboxItem:
    notice = Notice(row.key, row.person_id, NoticeKind(row.kind), row.to, row.due_on, row.about_on)
    return OutboxItem(notice, NoticeStatus(row.status), row.decided_at, row.settled_at, row.reply)
