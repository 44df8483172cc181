"""A real cycle in a process of its own that kills itself (SIGKILL) when it comes to a named point for the n-th
time, or is killed from outside: nothing is tidied up, as after a power cut of the process."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from provisiond import bootstrap, logs
from provisiond.adapters.clock import SystemClock
from provisiond.domain.changes import Change
from provisiond.domain.model import Fetch
from provisiond.ports import Directory, FetchMemory, Outcome, Registry
from provisiond.settings import load

# FIELD-NOTES, Appendix C, as far as there is such work: around each transaction of the ledger, and within what one
# person needs in the directory.
LEDGER_CALLS = ("reserve", "commit", "park", "hold_plan", "spend", "mark_fetch", "set_watermark", "sight")
POINTS = (
    "after fetch",
    *(f"{when} {call}" for call in LEDGER_CALLS for when in ("before", "after")),
    "before send",
    "between account and listing",
    "between listing and group",
    "after reply",
)

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.rigs.killing"])


def cycle_process(config: Path, point: str = "", nth: int = 1) -> BaseProcess:
    """Started; ends by itself, or is dead at that point."""
    started = processes.Process(target=_cycle, args=(config, point, nth))
    started.start()
    return started


def _cycle(config: Path, point: str, nth: int) -> None:
    logs.configure(verbose=False)
    settings, fuse = load(config), Fuse(point, nth)
    with bootstrap.parts(settings, SystemClock(), writes=True) as parts:
        cycle = parts.cycle()
        replace(
            cycle,
            registries=[FusedRegistry(registry, fuse) for registry in cycle.registries],
            directory=FusedDirectory(cycle.directory, fuse),
            ledger=FusedLedger(cycle.ledger, fuse),
        ).run()


@dataclass(slots=True)
class Fuse:
    point: str
    nth: int

    def reach(self, point: str) -> None:
        if point != self.point:
            return
        self.nth -= 1
        if self.nth == 0:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(slots=True)
class FusedRegistry:
    inner: Registry
    fuse: Fuse

    @property
    def name(self) -> str:
        return self.inner.name

    def fetch(self, today: date, memory: FetchMemory) -> Fetch:
        fetch = self.inner.fetch(today, memory)
        self.fuse.reach("after fetch")
        return fetch


@dataclass(slots=True)
class FusedLedger:
    inner: Any
    fuse: Fuse

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.inner, name)
        return self._around(name, call) if name in LEDGER_CALLS else call

    def _around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **more: Any) -> Any:
            self.fuse.reach(f"before {name}")
            answer = call(*arguments, **more)
            self.fuse.reach(f"after {name}")
            return answer

        return called


@dataclass(slots=True)
class FusedDirectory:
    inner: Directory
    fuse: Fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        self.fuse.reach("before send")
        for point, count in (("between account and listing", 1), ("between listing and group", 2)):
            if self.fuse.point == point:
                self.inner.apply([batch[:count] for batch in batches])
                self.fuse.reach(point)
        outcomes = self.inner.apply(batches)
        self.fuse.reach("after reply")
        return outcomes
