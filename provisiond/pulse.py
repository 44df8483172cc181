"""What the daemon's jobs are doing, and how they fare: what the watchdog, `status` and the metrics read. Nothing is
decided here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from provisiond.ports import Clock


@dataclass(slots=True)
class Beat:
    """One job. `begun_at`: None while it is not at work; `error`: what is in its way (empty: nothing), for so many
    `failures` in a row; `next_at`: when it is tried again."""

    name: str
    doing: str = ""
    begun_at: datetime | None = None
    progressed_at: datetime | None = None
    succeeded_at: datetime | None = None
    error: str = ""
    failures: int = 0
    next_at: datetime | None = None


class Pulse:
    """Thread-safe. Whether somebody is stuck is judged by a clock that nobody sets."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._monotonic = clock, monotonic
        self._lock = threading.Lock()
        self._beats: dict[str, Beat] = {}
        self._moved: dict[str, float] = {}

    def begin(self, name: str, doing: str = "") -> None:
        now = self._clock.now()
        self._change(name, doing=doing, begun_at=now, progressed_at=now)

    def progress(self, name: str, doing: str) -> None:
        self._change(name, doing=doing, progressed_at=self._clock.now())

    def succeeded(self, name: str) -> None:
        now = self._clock.now()
        idle = {"doing": "", "begun_at": None, "error": "", "failures": 0, "next_at": None}
        self._change(name, progressed_at=now, succeeded_at=now, **idle)

    def failed(self, name: str, error: str, next_at: datetime | None) -> None:
        with self._lock:
            failures = self._beat(name).failures + 1
        idle = {"doing": "", "begun_at": None}
        self._change(name, error=error, failures=failures, next_at=next_at, **idle)

    def left(self, name: str) -> None:
        """It was interrupted on our own behalf: neither success nor failure."""
        self._change(name, doing="", begun_at=None)

    def beat(self, name: str) -> Beat:
        with self._lock:
            return replace(self._beat(name))

    def beats(self) -> list[Beat]:
        with self._lock:
            return [replace(beat) for beat in self._beats.values()]

    def stuck(self, after: timedelta) -> list[str]:
        """Jobs at work that made no progress for that long."""
        with self._lock:
            limit = self._monotonic() - after.total_seconds()
            return [name for name, beat in self._beats.items() if beat.begun_at and self._moved[name] < limit]

    def _beat(self, name: str) -> Beat:
        return self._beats.setdefault(name, Beat(name))

    def _change(self, name: str, **changes: object) -> None:
        with self._lock:
            self._beats[name] = replace(self._beat(name), **changes)  # type: ignore[arg-type]
            self._moved[name] = self._monotonic()
