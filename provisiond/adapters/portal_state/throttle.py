"""How often, and how soon again: rates counted by `limits`, and pauses that grow with failures. Which keys there are
and what is allowed under them is the portal's to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from limits import RateLimitItemPerSecond
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import Connection, case, delete, select

from provisiond.adapters.portal_state.counts import Counts
from provisiond.adapters.portal_state.store import Store
from provisiond.adapters.portal_state.tables import count, failure
from provisiond.adapters.portal_state.upserts import upsert
from provisiond.ports.portal import Rate

FREE_FAILURES = 4
FORGOTTEN_AFTER = timedelta(days=1)
LONGEST = timedelta(minutes=15)
_AT_ONCE = timedelta(0)


class SqlThrottle:
    """ports.portal.Throttle. `longest`: the longest pause by kind of key, which is what stands before its first colon
    (`person:…`); of other kinds 15 minutes."""

    def __init__(self, store: Store, longest: Mapping[str, timedelta] | None = None) -> None:
        self._store, self._longest = store, dict(longest or {})

    def admit(self, wanted: Sequence[tuple[Rate, str]], at: datetime) -> timedelta | None:
        """In the order of names and keys, so that no two transactions wait for each other."""
        try:
            with self._store.write() as connection:
                limiter = FixedWindowRateLimiter(Counts(connection, at))
                waits = [
                    _until(limiter, rate, key, at)
                    for rate, key in sorted(wanted, key=lambda one: (one[0].name, one[1]))
                    if not limiter.hit(_item(rate), key)
                ]
                if waits:
                    raise _RefusedError(max(waits))
        except _RefusedError as refused:
            return refused.wait
        return None

    def pause(self, key: str, at: datetime) -> timedelta:
        """The first four failures cost nothing, the next ones 2, 4, 8 … seconds."""
        with self._store.read() as connection:
            row = connection.execute(select(failure).where(failure.c.key == key)).one_or_none()
        if row is None or at >= row.failed_at + FORGOTTEN_AFTER:
            return _AT_ONCE
        wait = self._delay(key, row.failures)
        since: timedelta = at - row.failed_at
        # no longer than that, should the clock have been set back
        return min(wait, max(_AT_ONCE, wait - since))

    def failed(self, keys: Sequence[str], at: datetime) -> None:
        with self._store.write() as connection:
            for key in sorted(set(keys)):
                _count_failure(connection, key, at)

    def succeeded(self, keys: Sequence[str]) -> None:
        with self._store.write() as connection:
            for key in sorted(set(keys)):
                connection.execute(delete(failure).where(failure.c.key == key))

    def purge(self, at: datetime) -> int:
        over = (count.c.until <= at, failure.c.failed_at <= at - FORGOTTEN_AFTER)
        with self._store.write() as connection:
            return sum(
                connection.execute(delete(table).where(past)).rowcount
                for table, past in zip((count, failure), over, strict=True)
            )

    def _delay(self, key: str, failures: int) -> timedelta:
        longest = self._longest.get(key.partition(":")[0], LONGEST)
        beyond = failures - FREE_FAILURES
        return min(longest, timedelta(seconds=2 ** min(beyond, 20))) if beyond > 0 else _AT_ONCE


class _RefusedError(Exception):
    """Leaves the transaction, so that nothing counts."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait


def _item(rate: Rate) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(rate.count, int(rate.per.total_seconds()), namespace=rate.name)


def _until(limiter: FixedWindowRateLimiter, rate: Rate, key: str, at: datetime) -> timedelta:
    ends = limiter.storage.get_expiry(_item(rate).key_for(key))
    return datetime.fromtimestamp(ends, UTC) - at


def _count_failure(connection: Connection, key: str, at: datetime) -> None:
    made = upsert(connection, failure).values(key=key, failures=1, failed_at=at)
    over = failure.c.failed_at <= at - FORGOTTEN_AFTER
    failures = case((over, 1), else_=failure.c.failures + 1)
    connection.execute(
        made.on_conflict_do_update(index_elements=["key"], set_={"failures": failures, "failed_at": at})
    )
