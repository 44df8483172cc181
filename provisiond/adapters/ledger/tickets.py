"""Single-use codes that were given out: one of a kind for a person, good once and between two times."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from provisiond.adapters.ledger import history, orders
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.portal_tables import ticket as table
from provisiond.domain.model import Occurrence
from provisiond.ports.portal import Ticket, TicketKind

PORTAL = "portal"  # who acted, where nobody vouched


def issue(connection: Connection, ticket: Ticket, at: datetime, notice: Occurrence | None) -> None:
    orders.require(connection, [ticket.person_id])
    connection.execute(
        delete(table).where(table.c.person_id == ticket.person_id, table.c.kind == ticket.kind.value)
    )
    row = {
        "person_id": ticket.person_id,
        "kind": ticket.kind.value,
        "digest": ticket.digest,
        "issued_at": at,
        "from_at": ticket.from_at,
        "until_at": ticket.until_at,
        "issued_by": list(ticket.issued_by),
    }
    connection.execute(insert(table).values(row))
    actor = ticket.issued_by[-1] if ticket.issued_by else PORTAL
    detail = {"kind": ticket.kind.value, "issued_by": list(ticket.issued_by)}
    history.append(connection, [Happened("code-issued", ticket.person_id, at, actor, detail)])
    if notice is not None:
        orders.tell(connection, ticket.person_id, notice)


def unused(connection: Connection, person_id: str, kind: TicketKind) -> Ticket | None:
    mine = (table.c.person_id == person_id, table.c.kind == kind.value, table.c.used_at.is_(None))
    row = connection.execute(select(table).where(*mine)).one_or_none()
    if row is None:
        return None
    return Ticket(kind, person_id, row.digest, row.from_at, row.until_at, tuple(row.issued_by))


def use(connection: Connection, person_id: str, kind: TicketKind, digest: str, at: datetime) -> bool:
    """The digest is compared in the database: it is keyed, so that how long that takes tells nothing."""
    good = (
        table.c.person_id == person_id,
        table.c.kind == kind.value,
        table.c.digest == digest,
        table.c.used_at.is_(None),
        table.c.from_at <= at,
        table.c.until_at > at,
    )
    if connection.execute(update(table).where(*good).values(used_at=at)).rowcount != 1:
        return False
    history.append(connection, [Happened("code-used", person_id, at, "student", {"kind": kind.value})])
    return True


def withdraw(
    connection: Connection, person_id: str, kind: TicketKind, actor: str, reason: str, at: datetime
) -> bool:
    mine = (table.c.person_id == person_id, table.c.kind == kind.value, table.c.used_at.is_(None))
    if connection.execute(delete(table).where(*mine)).rowcount != 1:
        return False
    happened = Happened("code-withdrawn", person_id, at, actor, {"kind": kind.value}, reason)
    history.append(connection, [happened])
    return True
