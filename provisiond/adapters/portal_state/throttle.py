"""How often, and how soon again: rates counted by `limits`, and pauses that grow with failures. Which keys there are
and what is allowed under them is the portal's to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

from limits import RateLimitItemPerSecond
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import bindparam, case, delete, select

from provisiond.adapters.portal_state.counts import Counts
from provisiond.adapters.portal_state.store import Store
from provisiond.adapters.portal_state.tables import Instant, count, failure, microseconds
from provisiond.adapters.portal_state.upserts import Upsert, upsert
from provisiond.adapters.prepared import Asked
from provisiond.ports.short_memory import Attempted, Rate

FREE_FAILURES = 4
FORGOTTEN_AFTER = timedelta(days=1)
LONGEST = timedelta(minutes=15)
_AT_ONCE = timedelta(0)
# Made once: SQLAlchemy needs longer to make a statement than a database to carry it out.
_FAILURES = select(failure).where(failure.c.key == bindparam("name"))
_FORGET = delete(failure).where(failure.c.key == bindparam("name"))


class SqlThrottle:
    """ports.short_memory.Throttle. `longest`: the longest pause by kind of key, which is what stands before its first
    colon (`person:…`); of other kinds 15 minutes."""

    def __init__(self, store: Store, longest: Mapping[str, timedelta] | None = None) -> None:
        self._store, self._longest = store, dict(longest or {})

    def admit(self, wanted: Sequence[tuple[Rate, str]], at: datetime) -> timedelta | None:
        try:
            with self._store.changed() as memory:
                _none_refused(_counted(memory, wanted, at))
        except _RefusedError as refused:
            return refused.wait
        return None

    def pause(self, key: str, at: datetime) -> timedelta:
        """The first four failures cost nothing, the next ones 2, 4, 8 … seconds."""
        with self._store.asked() as memory:
            return self._pause(memory, key, at)

    def failed(self, keys: Sequence[str], at: datetime) -> None:
        with self._store.changed() as memory:
            for key in sorted(set(keys)):
                self._fail(memory, key, at)

    def attempt(
        self,
        key: str,
        wanted: Sequence[tuple[Rate, str]],
        watched: Sequence[tuple[Rate, str]],
        at: datetime,
    ) -> Attempted:
        """Counted before the pause is looked at: what counts a try locks the others out that count it as well, so
        that many at once are one after the other."""
        try:
            with self._store.changed() as memory:
                waits = _counted(memory, [*wanted, *watched], at)
                if pause := self._pause(memory, key, at):
                    raise _RefusedError(pause)
                _none_refused(waits[: len(wanted)])
                self._fail(memory, key, at)
        except _RefusedError as refused:
            return Attempted(refused.wait)
        return Attempted(None, beyond=any(waits[len(wanted) :]))

    def succeeded(self, keys: Sequence[str]) -> None:
        with self._store.changed() as memory:
            for key in sorted(set(keys)):
                memory.change(_FORGET, name=key)

    def purge(self, at: datetime) -> int:
        over = (count.c.until <= microseconds(at), failure.c.failed_at <= at - FORGOTTEN_AFTER)
        with self._store.write() as connection:
            return sum(
                connection.execute(delete(table).where(past)).rowcount
                for table, past in zip((count, failure), over, strict=True)
            )

    def _pause(self, memory: Asked, key: str, at: datetime) -> timedelta:
        row = memory.first(_FAILURES, name=key)
        if row is None or at >= row.failed_at + FORGOTTEN_AFTER:
            return _AT_ONCE
        wait = self._delay(key, row.failures)
        since: timedelta = at - row.failed_at
        # no longer than that, should the clock have been set back
        return min(wait, max(_AT_ONCE, wait - since))

    def _fail(self, memory: Asked, key: str, at: datetime) -> None:
        counting = _counting(self._store.dialect)
        memory.change(counting, name=key, now=at, day_before=at - FORGOTTEN_AFTER)

    def _delay(self, key: str, failures: int) -> timedelta:
        longest = self._longest.get(key.partition(":")[0], LONGEST)
        beyond = failures - FREE_FAILURES
        return min(longest, timedelta(seconds=2 ** min(beyond, 20))) if beyond > 0 else _AT_ONCE


class _RefusedError(Exception):
    """Leaves the transaction, so that nothing counts."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait


def _counted(memory: Asked, wanted: Sequence[tuple[Rate, str]], at: datetime) -> list[timedelta | None]:
    """Each of them, in the order of keys, so that no two transactions wait for each other. How long until a window
    ends, of those that are beyond their rate."""
    items = [(_item(rate), key) for rate, key in wanted]
    spans = {item.key_for(key): item.get_expiry() for item, key in items}
    now = microseconds(at)
    counts = Counts(memory, now, {key: spans[key] for key in sorted(spans)})
    hit = FixedWindowRateLimiter(counts).hit
    return [None if hit(item, key) else _until(counts, item.key_for(key), now) for item, key in items]


def _until(counts: Counts, key: str, now: int) -> timedelta:
    return timedelta(microseconds=counts.until(key) - now)


def _none_refused(waits: Sequence[timedelta | None]) -> None:
    if longest := max((wait for wait in waits if wait is not None), default=None):
        raise _RefusedError(longest)


class _Item(RateLimitItemPerSecond):
    """Counted under a short key: what a rate is called tells it from others."""

    __slots__ = ()

    def key_for(self, *identifiers: bytes | str | float) -> str:
        return f"{self.namespace}/{identifiers[0]!s}"


@cache
def _item(rate: Rate) -> _Item:
    return _Item(rate.count, int(rate.per.total_seconds()), namespace=rate.name)


@cache
def _counting(dialect: str) -> Upsert:
    now = bindparam("now", type_=Instant())
    made = upsert(dialect, failure).values(key=bindparam("name"), failures=1, failed_at=now)
    over = failure.c.failed_at <= bindparam("day_before", type_=Instant())
    failures = case((over, 1), else_=failure.c.failures + 1)
    return made.on_conflict_do_update(index_elements=["key"], set_={"failures": failures, "failed_at": now})
