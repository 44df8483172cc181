"""Sessions of browsers, kept under the SHA-256 of the token that the cookie holds: who reads the database cannot use
what is there. Which stage may do what is the portal's to decide."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, update

from provisiond.adapters.portal_state.store import Store
from provisiond.adapters.portal_state.tables import Instant
from provisiond.adapters.portal_state.tables import session as table
from provisiond.adapters.portal_state.upserts import Upsert, upsert
from provisiond.adapters.prepared import Asked
from provisiond.ports.short_memory import LoggedIn, WebSession

# Made once: SQLAlchemy needs longer to make a statement than a database to carry it out.
_OF = table.c.digest == bindparam("of")
_RUNNING = select(table).where(_OF, table.c.ended.is_(False))
_ANY = select(table.c.digest).where(_OF)
_END = update(table).where(_OF, table.c.ended.is_(False)).values(ended=True, content="{}")
_SEEN = (
    update(table)
    .where(_OF, table.c.seen_at < bindparam("now", type_=Instant()))
    .values(seen_at=bindparam("now", type_=Instant()))
)
_OF_A_LOG_IN = ("digest", "begun_at", "seen_at", "entered_at", "device")
_LOGGED_IN = (
    select(*(table.c[name] for name in _OF_A_LOG_IN))
    .where(table.c.person_id == bindparam("whose"), table.c.entered_at.is_not(None), table.c.ended.is_(False))
    .order_by(table.c.seen_at.desc(), table.c.entered_at.desc())
)
_END_MARKED = _END.where(table.c.person_id == bindparam("whose"))
_FIELDS = ("person_id", "stage", "content", "begun_at", "seen_at", "proved_at", "entered_at", "device")
_NOTED_EVERY = timedelta(minutes=1)  # that a session is used is not worth a write at every page


class SqlSessions:
    """ports.short_memory.Sessions. `idle_after`: without a request; `lasts_for`: in all, whatever is done."""

    def __init__(self, store: Store, *, idle_after: timedelta, lasts_for: timedelta) -> None:
        self._store, self._idle_after, self._lasts_for = store, idle_after, lasts_for

    def load(self, token: str, at: datetime) -> WebSession | None:
        """That it was asked for keeps it from being idle."""
        with self._store.asked() as memory:
            row = memory.first(_RUNNING, of=_digest(token))
        if row is None or self._is_over(row, at):
            return None
        if at < row.seen_at + min(_NOTED_EVERY, self._idle_after / 4):
            return _session(row, row.seen_at)
        with self._store.changed() as memory:
            memory.change(_SEEN, of=row.digest, now=at)
        return _session(row, at)

    def keep(self, token: str, session: WebSession, replaces: str | None = None) -> None:
        """A session that was ended meanwhile stays so, whatever a request that was under way makes of it; and its
        token is replaced once."""
        with self._store.changed() as memory:
            if replaces is None or _end_for(memory, replaces):
                memory.change(_writing(self._store.dialect), **_fields(token, session))

    def end(self, token: str) -> None:
        with self._store.changed() as memory:
            _end_for(memory, token)

    def end_all(self, person_id: str, but: str | None = None) -> int:
        theirs = (table.c.person_id == person_id) & table.c.ended.is_(False)
        if but is not None:
            theirs &= table.c.digest != _digest(but)
        with self._store.write() as connection:
            return connection.execute(update(table).where(theirs).values(ended=True, content="{}")).rowcount

    def logged_in(self, person_id: str, token: str, at: datetime) -> list[LoggedIn]:
        with self._store.asked() as memory:
            rows = memory.rows(_LOGGED_IN, whose=person_id)
        this = _digest(token)
        found = [_logged_in(row, row.digest == this) for row in rows if not self._is_over(row, at)]
        return sorted(found, key=lambda one: not one.is_this)

    def end_marked(self, person_id: str, mark: str) -> bool:
        with self._store.changed() as memory:
            return bool(memory.change(_END_MARKED, of=bytes.fromhex(mark), whose=person_id))

    def purge(self, at: datetime) -> int:
        """Those that were ended stay as long as they could have lasted."""
        idle = table.c.ended.is_(False) & (table.c.seen_at <= at - self._idle_after)
        over = or_(table.c.begun_at <= at - self._lasts_for, idle)
        with self._store.write() as connection:
            return connection.execute(delete(table).where(over)).rowcount

    def _is_over(self, row: Any, at: datetime) -> bool:
        return bool(at >= row.begun_at + self._lasts_for or at >= row.seen_at + self._idle_after)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _fields(token: str, session: WebSession) -> dict[str, object]:
    return {
        "digest": _digest(token),
        "person_id": session.person_id,
        "stage": session.stage,
        "content": json.dumps(session.content, ensure_ascii=False),
        "begun_at": session.begun_at,
        "seen_at": session.seen_at,
        "proved_at": session.proved_at,
        "entered_at": session.entered_at,
        "device": session.device,
    }


@cache
def _writing(dialect: str) -> Upsert:
    given = {name: bindparam(name, type_=table.c[name].type) for name in ("digest", *_FIELDS)}
    made = upsert(dialect, table).values(ended=False, **given)
    new = {name: made.excluded[name] for name in _FIELDS}
    return made.on_conflict_do_update(index_elements=["digest"], set_=new, where=table.c.ended.is_(False))


def _end_for(memory: Asked, token: str) -> bool:
    """False where it was ended before. One that was never kept cannot have been."""
    digest = _digest(token)
    return bool(memory.change(_END, of=digest)) or memory.first(_ANY, of=digest) is None


def _session(row: Any, seen_at: datetime) -> WebSession:
    return WebSession(
        person_id=row.person_id,
        stage=row.stage,
        content=json.loads(row.content),
        begun_at=row.begun_at,
        seen_at=seen_at,
        proved_at=row.proved_at,
        entered_at=row.entered_at,
        device=row.device,
    )


def _logged_in(row: Any, is_this: bool) -> LoggedIn:
    return LoggedIn(bytes(row.digest).hex(), row.entered_at, row.seen_at, row.device or "", is_this)
