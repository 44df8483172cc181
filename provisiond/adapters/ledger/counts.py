"""How much of what the ledger knows, for who watches from outside: counted on indexes, nobody is loaded."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, Table, func, select

from provisiond.adapters.ledger.tables import account, fetch, held_plan, outbox, parked, rejection
from provisiond.domain.model import NoticeStatus, State
from provisiond.fetches import COMPLAINT
from provisiond.ports import WAITING, LedgerFacts


def facts(connection: Connection) -> LedgerFacts:
    waiting = outbox.c.status.in_([status.value for status in WAITING])
    undecided = held_plan.c.spent_at.is_(None) & held_plan.c.approved_at.is_(None)
    is_plan = ~held_plan.c.hash.startswith(COMPLAINT, autoescape=True)
    oldest: datetime | None = connection.scalar(select(func.min(outbox.c.decided_at)).where(waiting))
    return LedgerFacts(
        accounts={State(word): n for word, n in _numbers(connection, account, account.c.state).items()},
        next_on=connection.scalar(select(func.min(account.c.next_on))),
        parked=connection.scalar(select(func.count(parked.c.person_id.distinct()))) or 0,
        rejections=connection.scalar(select(func.count()).select_from(rejection)) or 0,
        held_plans=connection.scalar(select(func.count()).where(undecided, is_plan)) or 0,
        notices={NoticeStatus(word): n for word, n in _numbers(connection, outbox, outbox.c.status).items()},
        oldest_waiting_at=oldest,
        fetched_at={row.source: row.at for row in connection.execute(select(fetch.c.source, fetch.c.at))},
    )


def _numbers(connection: Connection, table: Table, column: Column[str]) -> dict[str, int]:
    wanted = select(column, func.count()).select_from(table).group_by(column)
    return {row[0]: row[1] for row in connection.execute(wanted)}
