"""Mails that came back, and what they change: the notice goes to the other address or counts as refused, its address
is marked. What to believe, and which other address there is, is decided by provisiond/bounces.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from provisiond.adapters.ledger import history, orders, sending
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.tables import bad_address, inbox_mark, returned_mail
from provisiond.adapters.ledger.tables import outbox as table
from provisiond.domain.model import NoticeStatus
from provisiond.ports import BadAddress, Bounce, Looked, ReturnedMail

# A mail whose answer was lost was taken all the same: else it could not come back.
_DELIVERED = [s.value for s in (NoticeStatus.ACCEPTED, NoticeStatus.UNKNOWN, NoticeStatus.GIVEN_UP)]


def looked(connection: Connection, folder: str) -> Looked | None:
    row = connection.execute(select(inbox_mark).where(inbox_mark.c.folder == folder)).one_or_none()
    return Looked(row.uid_validity, row.uid) if row else None


def look_on(connection: Connection, folder: str, until: Looked) -> None:
    connection.execute(delete(inbox_mark).where(inbox_mark.c.folder == folder))
    row = {"folder": folder, "uid_validity": until.uid_validity, "uid": until.uid}
    connection.execute(insert(inbox_mark), row)


def take(connection: Connection, mail: ReturnedMail, bounces: Sequence[Bounce], at: datetime) -> int:
    place = _at(mail.folder, mail.uid_validity) & (returned_mail.c.uid == mail.uid)
    if connection.execute(select(returned_mail.c.uid).where(place)).first():
        return 0
    is_known = mail.message_id is not None and _is_known(connection, mail.message_id)
    row = {
        "folder": mail.folder,
        "uid_validity": mail.uid_validity,
        "uid": mail.uid,
        "message_id": mail.message_id,
        "taken_at": at,
    }
    connection.execute(insert(returned_mail), row)
    return 0 if is_known else sum(_returned(connection, bounce, at) for bounce in bounces)


def unfiled(connection: Connection, folder: str, uid_validity: int) -> list[int]:
    mine = _at(folder, uid_validity), returned_mail.c.filed_at.is_(None)
    return list(connection.scalars(select(returned_mail.c.uid).where(*mine).order_by(returned_mail.c.uid)))


def file(connection: Connection, folder: str, uid_validity: int, uids: Iterable[int], at: datetime) -> None:
    for chunk in chunks(uids):
        these = _at(folder, uid_validity), returned_mail.c.uid.in_(chunk)
        connection.execute(update(returned_mail).where(*these).values(filed_at=at))


def bad_addresses(connection: Connection, since: datetime | None) -> list[BadAddress]:
    wanted = select(bad_address).order_by(bad_address.c.at.desc(), bad_address.c.folded)
    if since is not None:
        wanted = wanted.where(bad_address.c.at > since)
    return [
        BadAddress(row.address, row.reply, row.at, row.notice, row.person_id)
        for row in connection.execute(wanted)
    ]


def bad_among(connection: Connection, addresses: Iterable[str], since: datetime) -> frozenset[str]:
    folded = _folded(addresses)
    bad: set[str] = set()
    for chunk in chunks(folded):
        marked = bad_address.c.folded.in_(chunk), bad_address.c.at > since
        bad.update(connection.scalars(select(bad_address.c.folded).where(*marked)))
    return frozenset(address for one in bad for address in folded[one])


def trust(connection: Connection, addresses: Iterable[str], actor: str, reason: str, at: datetime) -> int:
    happened: list[Happened] = []
    for chunk in chunks(_folded(addresses)):
        gone = delete(bad_address).where(bad_address.c.folded.in_(chunk)).returning(bad_address)
        for row in connection.execute(gone):
            detail = {"address": row.address, "notice": row.notice}
            happened.append(Happened("address-trusted", row.person_id, at, actor, detail, reason))
    history.append(connection, happened)
    return len(happened)


def purge(connection: Connection, before: datetime) -> int:
    """What was put away long ago does not come a second time."""
    return connection.execute(delete(returned_mail).where(returned_mail.c.filed_at < before)).rowcount


# -- inside ----------------------------------------------------------------------------------------------
def _at(folder: str, uid_validity: int) -> ColumnElement[bool]:
    return (returned_mail.c.folder == folder) & (returned_mail.c.uid_validity == uid_validity)


def _is_known(connection: Connection, message_id: str) -> bool:
    found = select(returned_mail.c.uid).where(returned_mail.c.message_id == message_id)
    return connection.execute(found.limit(1)).first() is not None


def _returned(connection: Connection, bounce: Bounce, at: datetime) -> int:
    sending.tell(connection, at, table.c.key == bounce.key)
    goes_on = bounce.goes_to is not None
    now = {
        "status": (NoticeStatus.DUE if goes_on else NoticeStatus.REFUSED).value,
        "sent_to": bounce.goes_to or bounce.sent_to,
        "reply": f"came back: {bounce.reply}",
        "settled_at": None if goes_on else at,
        "next_try_at": None,
        "attempts": 0,
        "doubts": 0,
    }
    first = table.c.sent_to.is_(None) & (table.c.to == bounce.sent_to)
    counts = table.c.status.in_(_DELIVERED) & or_(table.c.sent_to == bounce.sent_to, first)
    mine = update(table).where(table.c.key == bounce.key, counts).values(now)
    row = connection.execute(mine.returning(table.c.person_id)).first()
    if row is None:
        return 0
    _tell(connection, bounce, row.person_id, at)
    if bounce.is_lasting:
        _mark(connection, bounce, row.person_id, at)
    return 1


def _tell(connection: Connection, bounce: Bounce, person_id: str | None, at: datetime) -> None:
    if person_id is not None:
        orders.call(connection, [person_id], at)
    detail = {
        "notice": bounce.key,
        "from": bounce.sent_to,
        "reply": bounce.reply,
        "goes_to": bounce.goes_to,
        "marked": bounce.is_lasting,
    }
    history.append(connection, [Happened("notice-returned", person_id, at, "inbox", detail)])


def _mark(connection: Connection, bounce: Bounce, person_id: str | None, at: datetime) -> None:
    folded = bounce.sent_to.casefold()
    connection.execute(delete(bad_address).where(bad_address.c.folded == folded))
    row = {
        "folded": folded,
        "address": bounce.sent_to,
        "reply": bounce.reply,
        "at": at,
        "notice": bounce.key,
        "person_id": person_id,
    }
    connection.execute(insert(bad_address), row)


def _folded(addresses: Iterable[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for address in addresses:
        found.setdefault(address.casefold(), []).append(address)
    return found
