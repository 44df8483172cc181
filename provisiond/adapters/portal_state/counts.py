"""Where the library `limits` keeps its counts: in one transaction of ours, at an instant that we say. What is going
to be counted is counted together beforehand: a statement for each key would be most of what a page costs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from limits.storage.base import Storage
from sqlalchemy import BigInteger, Integer, String, TextualSelect, bindparam, delete, select, text
from sqlalchemy.exc import SQLAlchemyError

from provisiond.adapters.portal_state.tables import count as table
from provisiond.adapters.prepared import Asked

_ONE = select(table.c.hits, table.c.until).where(table.c.key == bindparam("name"))
_CLEAR, _ALL = delete(table).where(table.c.key == bindparam("name")), delete(table)
_SECOND = 1_000_000


class Window(NamedTuple):
    """What was counted under a key, and when that ends (microseconds since 1970)."""

    hits: int
    until: int


class Counts(Storage):
    """Lives as long as the transaction. A window begins with its first hit. `now`: microseconds since 1970; `wanted`:
    key → seconds of its window, in the order in which they are locked; each is hit once."""

    STORAGE_SCHEME = None  # not made from a URI

    def __init__(self, memory: Asked, now: int, wanted: Mapping[str, int]) -> None:
        super().__init__()
        self._memory, self._now = memory, now
        self._hit = self._count(wanted, 1)
        self._told: set[str] = set()

    @property
    def base_exceptions(self) -> type[Exception]:
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        if amount != 1 or key not in self._hit or key in self._told:
            self._hit |= self._count({key: expiry}, amount)
        self._told.add(key)
        return self._hit[key].hits

    def get(self, key: str) -> int:
        found = self._memory.first(_ONE, name=key)
        return found.hits if found and found.until > self._now else 0

    def until(self, key: str) -> int:
        """When its window ends; now where there is none."""
        found = self._hit.get(key) or self._memory.first(_ONE, name=key)
        return found.until if found else self._now

    def get_expiry(self, key: str) -> float:
        return self.until(key) / _SECOND

    def check(self) -> bool:
        return not self._memory.rows(_ONE, name="")

    def reset(self) -> int:
        return self._memory.change(_ALL)

    def clear(self, key: str) -> None:
        self._memory.change(_CLEAR, name=key)
        self._hit.pop(key, None)

    def _count(self, wanted: Mapping[str, int], amount: int) -> dict[str, Window]:
        if not wanted:
            return {}
        given: dict[str, object] = {"now": self._now, "amount": amount}
        for place, (key, seconds) in enumerate(wanted.items()):
            given[f"key{place}"], given[f"end{place}"] = key, self._now + seconds * _SECOND
        rows = self._memory.rows(_counting(len(wanted)), **given)
        return {row.key: Window(row.hits, row.until) for row in rows}


# A window that ends later than one that began now was made by a clock that has been set back since: it is over, too.
_OVER = "portal_count.until <= :now OR portal_count.until > excluded.until"


@cache
def _counting(keys: int) -> TextualSelect:
    """One statement for all keys, the same on both databases; it counts right however many do so at once."""
    rows = ", ".join(f"(:key{n}, :amount, :end{n})" for n in range(keys))
    whole = [bindparam(name, type_=BigInteger()) for name in ("now", *(f"end{n}" for n in range(keys)))]
    return (
        text(
            f"INSERT INTO portal_count (key, hits, until) VALUES {rows} ON CONFLICT (key) DO UPDATE SET"  # noqa: S608
            f" hits = CASE WHEN {_OVER} THEN :amount ELSE portal_count.hits + :amount END,"
            f" until = CASE WHEN {_OVER} THEN excluded.until ELSE portal_count.until END"
            " RETURNING key, hits, until"
        )
        .bindparams(bindparam("amount", type_=Integer()), *whole)
        .columns(key=String(), hits=Integer(), until=BigInteger())
    )
