"""What a daemon is made of: given by the command that runs it, or by a test."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from provisiond.adapters.ledger.leadership import Leadership
from provisiond.adapters.service_manager import ServiceManager
from provisiond.bootstrap import Parts
from provisiond.duties import Errand
from provisiond.ports import Clock
from provisiond.result import Result
from provisiond.settings import Settings
from provisiond.timetable import Timetable


def _nothing(_result: Result) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Means:
    """`load` reads and judges the whole configuration; `open`: the parts under it (True: alone on the ledger, as a
    cycle works); `errands`: what is done beside cycles, by the name of their lane ("outbox", "inbox")."""

    load: Callable[[], Settings]
    leadership: Callable[[Settings], Leadership]
    clock: Clock
    manager: ServiceManager
    open: Callable[[Settings, bool, Leadership], AbstractContextManager[Parts]]
    errands: Mapping[str, Errand] = field(default_factory=dict)
    after_cycle: Callable[[Result], None] = _nothing
    monotonic: Callable[[], float] = time.monotonic
    timetable: Callable[[], Timetable] = Timetable
