"""Where the library `limits` keeps its counts: in one transaction of ours, at an instant that we say."""

from __future__ import annotations

from datetime import datetime, timedelta

from limits.storage.base import Storage
from sqlalchemy import Connection, case, delete, or_, select
from sqlalchemy.exc import SQLAlchemyError

from provisiond.adapters.portal_state.tables import count as table
from provisiond.adapters.portal_state.upserts import upsert


class Counts(Storage):
    """Lives as long as the transaction. A window begins with its first hit."""

    STORAGE_SCHEME = None  # not made from a URI

    def __init__(self, connection: Connection, at: datetime) -> None:
        super().__init__()
        self._connection, self._at = connection, at

    @property
    def base_exceptions(self) -> type[Exception]:
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """One statement: it counts right however many do so at once. A window that ends later than one that began now
        was made by a clock that has been set back since, and is over as well."""
        made = upsert(self._connection, table).values(
            key=key, hits=amount, until=self._at + timedelta(seconds=expiry)
        )
        over = or_(table.c.until <= self._at, table.c.until > made.excluded.until)
        hits = case((over, amount), else_=table.c.hits + amount)
        until = case((over, made.excluded.until), else_=table.c.until)
        counted = made.on_conflict_do_update(index_elements=["key"], set_={"hits": hits, "until": until})
        return int(self._connection.execute(counted.returning(table.c.hits)).scalar_one())

    def get(self, key: str) -> int:
        hits = select(table.c.hits).where(table.c.key == key, table.c.until > self._at)
        return self._connection.scalar(hits) or 0

    def get_expiry(self, key: str) -> float:
        until = self._connection.scalar(select(table.c.until).where(table.c.key == key))
        return (until or self._at).timestamp()

    def check(self) -> bool:
        return self._connection.scalar(select(1)) == 1

    def reset(self) -> int:
        return self._connection.execute(delete(table)).rowcount

    def clear(self, key: str) -> None:
        self._connection.execute(delete(table).where(table.c.key == key))
