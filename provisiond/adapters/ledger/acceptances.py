"""Acceptances of the acceptable use policy, and the activation that they belong to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from provisiond.adapters.ledger import factors, history, orders
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.portal_tables import acceptance as table
from provisiond.adapters.ledger.tables import account
from provisiond.adapters.prepared import Asked
from provisiond.domain.model import NoticeKind, Occurrence
from provisiond.ports.portal import CodeSet

# Made once: SQLAlchemy needs longer to make a statement than a database to carry it out.
_PERSON = bindparam("person", type_=account.c.person_id.type)
_ACCOUNT = select(account.c.person_id).where(account.c.person_id == _PERSON)
_LATEST = (
    select(table.c.version, table.c.at)
    .where(table.c.person_id == _PERSON)
    .order_by(table.c.id.desc())
    .limit(1)
)
_ACCEPTED = insert(table).values({f: bindparam(f) for f in ("person_id", "version", "at")})


def accept(ledger: Asked, person_id: str, version: str, at: datetime) -> None:
    """Nothing where that version was the last one accepted: when it was first is what counts."""
    if ledger.first(_ACCOUNT, person=person_id) is None:
        raise orders.nobody(person_id)
    before = ledger.first(_LATEST, person=person_id)
    if before is not None and before.version == version:
        return
    ledger.change(_ACCEPTED, person_id=person_id, version=version, at=at)
    happened = Happened("policy-accepted", person_id, at, factors.STUDENT, {"version": version})
    history.append_one(ledger, happened)


def latest(connection: Connection, person_id: str) -> tuple[str, datetime] | None:
    row = connection.execute(_LATEST, {"person": person_id}).one_or_none()
    return (row.version, row.at) if row else None


def complete_activation(
    connection: Connection,
    ledger: Asked,
    person_id: str,
    factor_id: int,
    step: int,
    codes: CodeSet,
    accepted: tuple[str, datetime],
    at: datetime,
) -> bool:
    """`ledger`: the same transaction. The person is called in any case: the daemon writes what a confirmed factor
    means. Whose account was active already is told of the second factor instead of an activation."""
    orders.require(connection, [person_id])
    before = connection.scalar(select(account.c.activated_at).where(account.c.person_id == person_id))
    if not factors.confirm(connection, person_id, factor_id, step, at):
        return False
    factors.keep_codes(connection, person_id, codes)
    accept(ledger, person_id, *accepted)
    history.append(connection, [Happened("second-factor-enrolled", person_id, at, factors.STUDENT, {})])
    if before is None:
        orders.activate(connection, person_id, factors.STUDENT, at, None)
        orders.call(connection, [person_id], at)
    else:
        orders.tell(
            connection, person_id, Occurrence(NoticeKind.SECOND_FACTOR_CHANGED, at, "", factors.STUDENT)
        )
    return True
