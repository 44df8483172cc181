"""The last good fetch of each source and the records refused in it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import Connection, delete, insert, select

from provisiond.adapters.ledger import absences, asides, blocks, history, outlines
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.tables import fetch as table
from provisiond.adapters.ledger.tables import rejection
from provisiond.domain.model import Fetch, Rejection, Stretch
from provisiond.ports import FetchMark


def mark(connection: Connection, fetch: Fetch, unsettled: Collection[str], at: datetime, today: date) -> None:
    """What it said is remembered; rows of `unsettled` students are remembered as that, and asked for again.
    How many rows there are is known from complete fetches only."""
    before = last(connection, fetch.source)
    row = {
        "source": fetch.source,
        "file": fetch.file,
        "digest": fetch.digest,
        "rows": fetch.rows if fetch.complete or before is None else before.rows,
        "at": at,
        "etag": fetch.etag,
        "watermark": fetch.watermark,
    }
    connection.execute(delete(table).where(table.c.source == fetch.source))
    connection.execute(insert(table), [{**row, "outline": outlines.packed(fetch.outline)}])
    blocks.replace(connection, fetch.source, fetch.kept, fetch.blocks, unsettled)
    if fetch.complete:
        absences.count(connection, fetch, today)
        asides.replace(connection, (), [(fetch.source, *key) for key in fetch.gone])
    _replace_rejections(connection, fetch)
    if before is None or before.digest != fetch.digest:
        detail = {**row, "at": at.isoformat(), "rejections": len(fetch.rejections)}
        history.append(connection, [Happened("fetch-accepted", None, at, "cycle", detail)])


def last(connection: Connection, source: str) -> FetchMark | None:
    marks = (table.c.digest, table.c.rows, table.c.at, table.c.etag, table.c.watermark)
    row = connection.execute(select(*marks).where(table.c.source == source)).one_or_none()
    return FetchMark(*row) if row else None


def outline(connection: Connection, source: str) -> tuple[Stretch, ...]:
    packed = connection.scalar(select(table.c.outline).where(table.c.source == source))
    return outlines.unpacked(packed) if packed else ()


def rejections(connection: Connection) -> list[Rejection]:
    """By source and line."""
    wanted = select(rejection).order_by(rejection.c.source, rejection.c.line, rejection.c.id)
    return [
        Rejection(row.source, row.file, row.line, row.student_id, tuple(row.reasons))
        for row in connection.execute(wanted)
    ]


def _replace_rejections(connection: Connection, fetch: Fetch) -> None:
    connection.execute(delete(rejection).where(rejection.c.source == fetch.source))
    rows = [
        {
            "source": fetch.source,
            "file": one.file,
            "line": one.line,
            "student_id": one.student_id,
            "reasons": list(one.reasons),
        }
        for one in fetch.rejections
    ]
    if rows:
        connection.execute(insert(rejection), rows)
