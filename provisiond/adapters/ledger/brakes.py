"""Plans a brake refused: told once, approved once, used once. What trips a brake is the core's to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from provisiond.adapters.ledger import history, outbox
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.tables import brake_weight
from provisiond.adapters.ledger.tables import held_plan as table
from provisiond.domain.model import Notice
from provisiond.ports import HeldPlan

_KEPT = timedelta(days=7)  # of weights, for who wants to look


def keep(
    connection: Connection, plan_hash: str, summary: str, notices: Sequence[Notice], at: datetime
) -> bool:
    """A plan that comes again after it was spent is told, and must be approved, anew."""
    if _unspent(connection, plan_hash) is not None:
        return False
    connection.execute(delete(table).where(table.c.hash == plan_hash))
    connection.execute(insert(table), [{"hash": plan_hash, "summary": summary, "told_at": at}])
    outbox.add(connection, notices, at)
    detail = {"plan": plan_hash, "summary": summary}
    history.append(connection, [Happened("plan-held", None, at, "cycle", detail)])
    return True


def unspent(connection: Connection) -> list[HeldPlan]:
    wanted = select(table).where(table.c.spent_at.is_(None)).order_by(table.c.told_at.desc(), table.c.hash)
    return [_held(row) for row in connection.execute(wanted)]


def approve(connection: Connection, plan_hash: str, actor: str, at: datetime) -> HeldPlan | None:
    """A further approval renews one that was not used."""
    open_ = (table.c.hash == plan_hash) & table.c.spent_at.is_(None)
    if connection.execute(update(table).where(open_).values(approved_by=actor, approved_at=at)).rowcount:
        happened = Happened("plan-approved", None, at, actor, {"plan": plan_hash})
        history.append(connection, [happened])
    return _unspent(connection, plan_hash)


def spend(connection: Connection, plan_hash: str, at: datetime) -> bool:
    usable = (table.c.hash == plan_hash) & table.c.approved_by.is_not(None) & table.c.spent_at.is_(None)
    if not connection.execute(update(table).where(usable).values(spent_at=at)).rowcount:
        return False
    history.append(connection, [Happened("plan-spent", None, at, "cycle", {"plan": plan_hash})])
    return True


def latest(connection: Connection, plan_hash: str) -> HeldPlan | None:
    row = connection.execute(select(table).where(table.c.hash == plan_hash)).one_or_none()
    return _held(row) if row else None


def purge(connection: Connection, before: datetime) -> int:
    """The history keeps that they were held, approved and used."""
    used = connection.execute(delete(table).where(table.c.spent_at < before)).rowcount
    return used + connection.execute(delete(brake_weight).where(brake_weight.c.at < before)).rowcount


def weigh(connection: Connection, weights: Mapping[str, int], at: datetime) -> None:
    """What is older than the brakes look back is forgotten."""
    connection.execute(delete(brake_weight).where(brake_weight.c.at < at - _KEPT))
    rows = [{"at": at, "brake": brake, "weight": weight} for brake, weight in weights.items()]
    connection.execute(insert(brake_weight), rows)


def recent(connection: Connection, since: datetime) -> dict[str, int]:
    total = func.sum(brake_weight.c.weight)
    wanted = (
        select(brake_weight.c.brake, total).where(brake_weight.c.at > since).group_by(brake_weight.c.brake)
    )
    return {brake: int(weight) for brake, weight in connection.execute(wanted)}


def _unspent(connection: Connection, plan_hash: str) -> HeldPlan | None:
    wanted = select(table).where(table.c.hash == plan_hash, table.c.spent_at.is_(None))
    row = connection.execute(wanted).one_or_none()
    return _held(row) if row else None


def _held(row: Row[tuple[object, ...]]) -> HeldPlan:
    return HeldPlan(row.hash, row.summary, row.told_at, row.approved_by, row.approved_at, row.spent_at)
