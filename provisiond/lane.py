"""One thread's worth of jobs: each is asked for as often as one likes and done once, the most urgent first, one at a
time. What fails is tried again after a pause that grows; nothing that a job raises ends the lane. When jobs are asked
for is decided by others."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import structlog

from provisiond.domain.errors import ProvisiondError
from provisiond.pauses import Leaving
from provisiond.ports import Clock
from provisiond.pulse import Pulse

log = structlog.get_logger("provisiond.daemon")

Job = Callable[[], str]
"""Does it, and says what trouble remains although it was done (empty: none)."""

FIRST_PAUSE = 2.0  # seconds


def pause_after(failures: int, at_most: timedelta, chance: float) -> float:
    """Seconds: doubles with each failure up to the cap, of which `chance` (0 to 1) takes away up to a quarter, so
    that those who failed together do not come back together."""
    whole = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 30), at_most.total_seconds())
    return whole * (1 - chance / 4)


@dataclass(slots=True)
class Lane:
    """`jobs` by name, most urgent first. `may`: whether anything may be begun now."""

    name: str
    jobs: Mapping[str, Job]
    pulse: Pulse
    clock: Clock
    at_most: Callable[[], timedelta]
    may: Callable[[], bool] = lambda: True
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    _wanted: set[str] = field(default_factory=set)
    _not_before: dict[str, float] = field(default_factory=dict)
    _called: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False
    _thread: threading.Thread | None = None

    def want(self, *names: str) -> None:
        """Jobs of other lanes are theirs."""
        with self._called:
            self._wanted.update(name for name in names if name in self.jobs)
            self._called.notify_all()

    def wants(self, name: str) -> bool:
        """Whether that job is asked for and may be tried now."""
        with self._called:
            return name in self._wanted and self._not_before.get(name, 0) <= self.monotonic()

    def step(self) -> bool:
        """Do one job that is asked for; whether there was one."""
        if not self.may():
            return False
        name = next((name for name in self.jobs if self.wants(name)), None)
        if name:
            self.attempt(name, self.jobs[name])
        return name is not None

    def attempt(self, name: str, job: Job) -> None:
        """Asked for while it is at work, a job is done once more afterwards."""
        with self._called:
            self._wanted.discard(name)
        self.pulse.begin(name)
        try:
            self._settle(name, job())
        except Leaving:
            self.pulse.left(name)
            self.want(name)
        except Exception as error:  # a cycle in trouble never ends the process
            self._settle(name, sentence(error))

    def _settle(self, name: str, trouble: str) -> None:
        before = self.pulse.beat(name)
        if not trouble:
            self._not_before.pop(name, None)
            self.pulse.succeeded(name)
            if before.error:
                log.info("well again", job=name, was=before.error, failures=before.failures)
            return
        pause = pause_after(before.failures + 1, self.at_most(), self.chance())
        self._not_before[name] = self.monotonic() + pause
        self.pulse.failed(name, trouble, self.clock.now() + timedelta(seconds=pause))
        self.want(name)
        if trouble != before.error:  # once for each change, not for each try
            log.warning("in trouble", job=name, reason=trouble, next_try_for=round(pause, 1))

    # -- the thread --------------------------------------------------------------------------------------
    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        with self._called:
            self._ended = True
            self._called.notify_all()

    def join(self, seconds: float) -> bool:
        """Whether it ended in that time."""
        if self._thread:
            self._thread.join(max(0.0, seconds))
        return not (self._thread and self._thread.is_alive())

    def _run(self) -> None:
        while not self._ended:
            if not self.step():
                with self._called:
                    self._called.wait(0.2)


def sentence(error: Exception) -> str:
    """What may be told of it. Of an unexpected one not its words: they could quote anything."""
    if isinstance(error, ProvisiondError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}" + (f": {error.filename}" if error.filename else "")
    if isinstance(error, sqlite3.Error):
        return f"temporary files: {error}; make room, or set TMPDIR to another folder"
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-3:]))
    return f"unexpected {type(error).__name__} ({places}): a fault of provisiond, report it"
