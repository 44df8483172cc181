"""Acceptances of the acceptable use policy, and the activation that they belong to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from provisiond.adapters.ledger import factors, history, orders
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.portal_tables import acceptance as table
from provisiond.adapters.ledger.tables import account
from provisiond.domain.model import NoticeKind, Occurrence
from provisiond.ports.portal import CodeSet


def accept(connection: Connection, person_id: str, version: str, at: datetime) -> None:
    """Nothing where that version was the last one accepted: when it was first is what counts."""
    orders.require(connection, [person_id])
    before = latest(connection, person_id)
    if before is not None and before[0] == version:
        return
    connection.execute(insert(table).values(person_id=person_id, version=version, at=at))
    happened = Happened("policy-accepted", person_id, at, factors.STUDENT, {"version": version})
    history.append(connection, [happened])


def latest(connection: Connection, person_id: str) -> tuple[str, datetime] | None:
    wanted = select(table.c.version, table.c.at).where(table.c.person_id == person_id)
    row = connection.execute(wanted.order_by(table.c.id.desc()).limit(1)).one_or_none()
    return (row.version, row.at) if row else None


def complete_activation(
    connection: Connection,
    person_id: str,
    factor_id: int,
    step: int,
    codes: CodeSet,
    accepted: tuple[str, datetime],
    at: datetime,
) -> bool:
    """The person is called in any case: the daemon writes what a confirmed factor means. Whose account was active
    already is told of the second factor instead of an activation."""
    orders.require(connection, [person_id])
    before = connection.scalar(select(account.c.activated_at).where(account.c.person_id == person_id))
    if not factors.confirm(connection, person_id, factor_id, step, at):
        return False
    factors.keep_codes(connection, person_id, codes)
    accept(connection, person_id, *accepted)
    history.append(connection, [Happened("second-factor-enrolled", person_id, at, factors.STUDENT, {})])
    if before is None:
        orders.activate(connection, person_id, factors.STUDENT, at, None)
        orders.call(connection, [person_id], at)
    else:
        orders.tell(
            connection, person_id, Occurrence(NoticeKind.SECOND_FACTOR_CHANGED, at, "", factors.STUDENT)
        )
    return True
