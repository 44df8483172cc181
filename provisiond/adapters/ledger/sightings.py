"""Which entries of the directory were seen, whose they are, and in which state they were known to be right: so
that a comparison of everything need look only at those that changed since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, delete, insert, select

from provisiond.adapters.ledger.connection import CHUNK, chunks, streamed
from provisiond.adapters.ledger.tables import account, drift_mark, sighting
from provisiond.domain.changes import DeleteEntry
from provisiond.domain.plan import Step
from provisiond.ports import Kind, Sighting


def watermark(connection: Connection) -> str | None:
    """Where the next look for drift begins."""
    return connection.scalar(select(drift_mark.c.watermark))


def set_watermark(connection: Connection, mark: str) -> None:
    connection.execute(delete(drift_mark))
    connection.execute(insert(drift_mark), [{"id": 1, "watermark": mark}])


def keep(connection: Connection, seen: Iterable[Sighting], gone: Iterable[bytes]) -> None:
    """In place of what was known of the same entries."""
    for some in chunks(gone):
        connection.execute(delete(sighting).where(sighting.c.entry_id.in_(some)))
    rest = iter(seen)
    while part := {each.entry_id: each for each in islice(rest, CHUNK)}:
        connection.execute(delete(sighting).where(sighting.c.entry_id.in_(part)))
        connection.execute(insert(sighting), [_row(each) for each in part.values()])


def forget_removed(connection: Connection, steps: Sequence[Step]) -> None:
    """Entries that we deleted ourselves are not missed."""
    removed = [(s.person_id, c.what) for s in steps for c in s.changes if isinstance(c, DeleteEntry)]
    for person_id, what in removed:
        mine = (sighting.c.person_id == person_id) & (sighting.c.kind == what)
        connection.execute(delete(sighting).where(mine))


def every(connection: Connection) -> Iterator[Sighting]:
    wanted = select(sighting.c.entry_id, sighting.c.person_id, sighting.c.kind, sighting.c.state)
    wanted = wanted.add_columns(sighting.c.checked)
    for entry_id, person_id, kind, *known in streamed(connection, wanted):
        yield Sighting(entry_id, person_id, Kind(kind), *known)


def owners(connection: Connection, entry_ids: Iterable[bytes]) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for chunk in chunks(entry_ids):
        wanted = select(sighting.c.entry_id, sighting.c.person_id).where(sighting.c.entry_id.in_(chunk))
        found.update((entry_id, person_id) for entry_id, person_id in connection.execute(wanted))
    return found


def students(connection: Connection) -> Iterator[tuple[str, str]]:
    wanted = select(account.c.person_id, account.c.student_id)
    yield from streamed(connection, wanted)


def _row(seen: Sighting) -> dict[str, object]:
    return {
        "entry_id": seen.entry_id,
        "person_id": seen.person_id,
        "kind": seen.kind.value,
        "state": seen.state,
        "checked": seen.checked,
    }
