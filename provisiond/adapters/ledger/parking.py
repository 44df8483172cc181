"""Persons who cannot be served now, with every reason, since when; gone when the cause is gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from provisiond.adapters.ledger import history, proofs
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.tables import parked as table
from provisiond.domain.plan import Parked, Unserved
from provisiond.ports.portal import Problem


def park(connection: Connection, parked: Sequence[Parked], at: datetime) -> None:
    """Told in the history only when a reason is new, since the same one comes with every cycle."""
    given = {(one.person_id, one.reason): one for one in parked}
    reasons = _reasons(connection, (one.person_id for one in parked))
    since = {person: min(times.values()) for person, times in reasons.items()}
    _delete(connection, (one.person_id for one in parked))
    rows = [
        {
            "person_id": one.person_id,
            "reason": one.reason,
            "student_id": one.student_id,
            "since": since.get(one.person_id, at),
        }
        for one in given.values()
    ]
    if rows:
        connection.execute(insert(table), rows)
    # what proved them before stays where their records did not come again
    unserved = [Unserved(p.person_id, p.student_id, p.proof) for p in parked if p.proof]
    proofs.keep(connection, unserved, Problem.PARKED)
    new = [one for one in given.values() if one.reason not in reasons.get(one.person_id, {})]
    history.append(connection, (_happened(one, at) for one in new))


def unpark(connection: Connection, person_ids: Iterable[str]) -> None:
    for chunk in chunks(person_ids):
        _delete(connection, chunk)
        proofs.forget(connection, chunk)


def all_parked(connection: Connection) -> list[Parked]:
    wanted = select(table).order_by(table.c.since, table.c.student_id, table.c.reason)
    return [Parked(row.person_id, row.student_id, row.reason) for row in connection.execute(wanted)]


def _delete(connection: Connection, person_ids: Iterable[str]) -> None:
    for chunk in chunks(person_ids):
        connection.execute(delete(table).where(table.c.person_id.in_(chunk)))


def _reasons(connection: Connection, person_ids: Iterable[str]) -> dict[str, dict[str, datetime]]:
    """Person ID → reason → since, as it stands."""
    found: dict[str, dict[str, datetime]] = {}
    for chunk in chunks(person_ids):
        for row in connection.execute(select(table).where(table.c.person_id.in_(chunk))):
            found.setdefault(row.person_id, {})[row.reason] = row.since
    return found


def _happened(one: Parked, at: datetime) -> Happened:
    return Happened("parked", one.person_id, at, "cycle", {"student_id": one.student_id}, one.reason)
