"""A throttle in memory that writes down which of its methods were called, in which order, under which keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provisiond.ports.short_memory import Attempted, Rate

_LONGEST = timedelta(minutes=15)


@dataclass
class PlainThrottle:
    """`grows`: whether failures pause."""

    grows: bool = True
    calls: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    _acts: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)
    _failures: Counter[str] = field(default_factory=Counter)
    _until: dict[str, datetime] = field(default_factory=dict)

    def admit(self, wanted: Sequence[tuple[Rate, str]], at: datetime) -> timedelta | None:
        self.calls.append("admit")
        waits = []
        for rate, key in wanted:
            self.keys.add(key)
            acts = [act for act in self._acts.get((rate.name, key), []) if act > at - rate.per]
            self._acts[rate.name, key] = acts
            if len(acts) >= rate.count:
                waits.append(acts[0] + rate.per - at)
        if waits:
            return max(waits)
        for rate, key in wanted:
            self._acts[rate.name, key].append(at)
        return None

    def pause(self, key: str, at: datetime) -> timedelta:
        self.calls.append("pause")
        self.keys.add(key)
        return max(self._until.get(key, at) - at, timedelta())

    def failed(self, keys: Sequence[str], at: datetime) -> None:
        self.calls.append("failed")
        for key in keys:
            self._failures[key] += 1
            if self.grows and self._failures[key] > 4:
                self._until[key] = at + min(_LONGEST, timedelta(seconds=2 ** (self._failures[key] - 4)))

    def attempt(
        self,
        key: str,
        wanted: Sequence[tuple[Rate, str]],
        watched: Sequence[tuple[Rate, str]],
        at: datetime,
    ) -> Attempted:
        before, self.calls = self.calls, []
        wait = self.pause(key, at) or self.admit(wanted, at)
        over = [] if wait else [one for one in watched if self.admit([one], at) is not None]
        if not wait:
            self.failed([key], at)
        self.calls = [*before, "attempt"]
        return Attempted(wait or None, bool(over))

    def succeeded(self, keys: Sequence[str]) -> None:
        self.calls.append("succeeded")
        for key in keys:
            self._failures.pop(key, None)
            self._until.pop(key, None)

    def purge(self, at: datetime) -> int:
        return 0


class OpenThrottle(PlainThrottle):
    """For tests of something else: nobody ever waits."""

    def admit(self, wanted: Sequence[tuple[Rate, str]], at: datetime) -> timedelta | None:
        return None
