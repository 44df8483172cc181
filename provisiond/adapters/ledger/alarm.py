"""The kernel's alarm (SIGALRM, which nobody catches) ends a process that would wake up too late: one that was stopped
between its look at the clock and a send would send for the one that leads by then. What is too late is decided by
tenure.py. A process has one alarm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf


class Alarm:
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._set: dict[object, Callable[[], float]] = {}
        self._one = threading.Lock()

    @contextmanager
    def at(self, moment: Callable[[], float]) -> Iterator[None]:
        """For what is done within; a moment that moves is to be told by `look_again`."""
        key = object()
        with self._one:
            self._set[key] = moment
            self._arm()
        try:
            yield
        finally:
            with self._one:
                del self._set[key]
                self._arm()

    def look_again(self) -> None:
        with self._one:
            self._arm()

    def _arm(self) -> None:
        first = min((moment() for moment in self._set.values()), default=inf)
        signal.setitimer(signal.ITIMER_REAL, 0 if first == inf else max(first - self._now(), 0.001))
