"""Commits what a cycle carried out, all in one transaction: facts, transition, notices, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Date, bindparam, case, update

from provisiond.adapters.ledger import (
    asides,
    brakes,
    history,
    orders,
    outbox,
    parking,
    records,
    sightings,
    takeovers,
)
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.tables import account
from provisiond.domain.model import RegistryRecord
from provisiond.domain.plan import Step


def commit(
    connection: Connection,
    steps: Sequence[Step],
    known: Mapping[str, Sequence[RegistryRecord]],
    at: datetime,
    weights: Mapping[str, int],
) -> None:
    orders.require(connection, [*(step.person_id for step in steps), *known])
    _update_accounts(connection, steps, at)
    records.replace(connection, known)
    asides.end(connection, {record.student_id for given in known.values() for record in given})
    sightings.forget_removed(connection, steps)
    takeovers.end_adoption(connection, steps, at)
    outbox.add(connection, (notice for step in steps for notice in step.notices), at)
    parking.unpark(connection, (step.person_id for step in steps))
    history.append(connection, (_happened(step, at) for step in steps if step.is_due))
    if weights:
        brakes.weigh(connection, weights, at)


def _update_accounts(connection: Connection, steps: Sequence[Step], at: datetime) -> None:
    if not steps:
        return
    # An order that came after this cycle began was not seen by it: its call must stand.
    next_on = case(
        (account.c.ordered_at > at, account.c.next_on), else_=bindparam("step_next_on", type_=Date())
    )
    connection.execute(
        update(account)
        .where(account.c.person_id == bindparam("step_person"))
        .values(state=bindparam("step_state"), next_on=next_on, applied=True, unfinished=False),
        [
            {"step_person": s.person_id, "step_state": s.to_state.value, "step_next_on": s.next_on}
            for s in steps
        ],
    )


def _happened(step: Step, at: datetime) -> Happened:
    detail = {
        "from": step.from_state.value if step.from_state else None,
        "to": step.to_state.value,
        "changes": [change.sentence for change in step.changes],
        "notices": [notice.key for notice in step.notices],
    }
    return Happened(event_of(step), step.person_id, at, "cycle", detail, " ".join(step.reasons))


def event_of(step: Step) -> str:
    """The word of the history for a step that is due."""
    if step.transition:
        return "state-changed"
    return "entries-changed" if step.changes else "notices-decided"
