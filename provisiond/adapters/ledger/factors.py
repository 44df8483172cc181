"""Second factors and recovery codes: what counts once, counts once. Every method runs under the write lock, and
what decides between two requests is still a conditional update."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, TextClause, delete, func, insert, select, update

from provisiond.adapters.ledger import history, orders
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.portal_tables import CONFIRMED, PENDING, recovery_code, recovery_set
from provisiond.adapters.ledger.portal_tables import second_factor as table
from provisiond.domain.model import Occurrence
from provisiond.ports.portal import CodeSet, Factor

STUDENT = "student"  # who acted, where a person acted for themselves


def begin(connection: Connection, person_id: str, sealed: bytes, at: datetime) -> Factor:
    orders.require(connection, [person_id])
    _retire(connection, person_id, PENDING, at)
    row = {"person_id": person_id, "sealed": sealed, "begun_at": at, "last_step": 0}
    connection.execute(insert(table).values(row))
    begun = pending(connection, person_id)
    assert begun is not None
    return begun


def pending(connection: Connection, person_id: str) -> Factor | None:
    return _factor(connection, person_id, PENDING)


def confirmed(connection: Connection, person_id: str) -> Factor | None:
    return _factor(connection, person_id, CONFIRMED)


def confirmed_since(connection: Connection, person_ids: Sequence[str]) -> dict[str, datetime]:
    wanted = select(table.c.person_id, table.c.confirmed_at).where(
        table.c.person_id.in_(person_ids), CONFIRMED
    )
    return {row.person_id: row.confirmed_at for row in connection.execute(wanted)}


def samples(connection: Connection) -> tuple[Factor, ...]:
    """By number, which is in the order in which they were begun."""
    ends = (connection.scalar(select(end(table.c.id)).where(CONFIRMED)) for end in (func.min, func.max))
    wanted = select(table).where(table.c.id.in_({one for one in ends if one is not None}))
    return tuple(map(_read, connection.execute(wanted.order_by(table.c.id))))


def confirm(connection: Connection, person_id: str, factor_id: int, step: int, at: datetime) -> bool:
    """False where it is not pending any more, or another one is confirmed."""
    if confirmed(connection, person_id) is not None:
        return False
    mine = (table.c.id == factor_id) & (table.c.person_id == person_id)
    done = update(table).where(mine, PENDING).values(confirmed_at=at, last_step=step)
    return connection.execute(done).rowcount == 1


def replace(
    connection: Connection,
    person_id: str,
    factor_id: int,
    step: int,
    codes: CodeSet,
    occurrence: Occurrence,
    at: datetime,
) -> bool:
    found = pending(connection, person_id)
    if found is None or found.id != factor_id:
        return False
    _retire(connection, person_id, CONFIRMED, at)
    if not confirm(connection, person_id, factor_id, step, at):
        return False
    keep_codes(connection, person_id, codes)
    orders.tell(connection, person_id, occurrence)
    return True


def use_step(connection: Connection, person_id: str, step: int) -> bool:
    later = (table.c.person_id == person_id) & (table.c.last_step < step)
    return connection.execute(update(table).where(later, CONFIRMED).values(last_step=step)).rowcount == 1


# -- recovery codes --------------------------------------------------------------------------------------
def codes_of(connection: Connection, person_id: str) -> CodeSet | None:
    """As much is asked where there are none."""
    row = connection.execute(select(recovery_set).where(recovery_set.c.person_id == person_id)).one_or_none()
    left = select(recovery_code.c.digest).where(recovery_code.c.person_id == person_id)
    digests = frozenset(connection.scalars(left))
    return CodeSet(row.salt, digests, row.made_at) if row else None


def keep_codes(connection: Connection, person_id: str, codes: CodeSet) -> None:
    for of in (recovery_code, recovery_set):
        connection.execute(delete(of).where(of.c.person_id == person_id))
    row = {"person_id": person_id, "salt": codes.salt, "made_at": codes.made_at}
    connection.execute(insert(recovery_set).values(row))
    rows = [{"person_id": person_id, "digest": digest} for digest in sorted(codes.digests)]
    if rows:
        connection.execute(insert(recovery_code), rows)


def use_code(connection: Connection, person_id: str, digest: bytes, at: datetime) -> bool:
    mine = (recovery_code.c.person_id == person_id) & (recovery_code.c.digest == digest)
    if connection.execute(delete(recovery_code).where(mine)).rowcount != 1:
        return False
    left = codes_of(connection, person_id)
    detail = {"left": len(left.digests) if left else 0}
    history.append(connection, [Happened("recovery-code-used", person_id, at, STUDENT, detail)])
    return True


# -- inside ----------------------------------------------------------------------------------------------
def _factor(connection: Connection, person_id: str, which: TextClause) -> Factor | None:
    row = connection.execute(select(table).where(table.c.person_id == person_id, which)).one_or_none()
    return _read(row) if row is not None else None


def _read(row: Row[Any]) -> Factor:
    return Factor(row.id, row.person_id, row.sealed, row.begun_at, row.confirmed_at, row.last_step)


def _retire(connection: Connection, person_id: str, which: TextClause, at: datetime) -> None:
    """Its number stays, its secret goes."""
    mine = table.c.person_id == person_id
    connection.execute(update(table).where(mine, which).values(retired_at=at, sealed=b""))
