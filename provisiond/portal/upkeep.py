"""What the portal does beside answering: it asks itself for a page as a student would, feeds the watchdog only when
the answer came, and forgets sessions and counts that are over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from provisiond.domain.errors import ProvisiondError

LOOK_EVERY = 10.0  # seconds
_LOOKS_BETWEEN_PURGES = 60

log = structlog.get_logger("provisiond.portal")


@dataclass
class Upkeep:
    """In a thread of its own from `start` to `stop`. `look`: whether our own page came; `alive` is told when
    it did."""

    look: Callable[[], bool]
    alive: Callable[[], None]
    purge: Callable[[], int]
    every: float = LOOK_EVERY
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="portal-upkeep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread:
            self._thread.join(self.every)

    def _run(self) -> None:
        looks = 0
        while not self._stopped.is_set():
            self._look()
            if looks % _LOOKS_BETWEEN_PURGES == 0:
                self._purge()
            looks += 1
            self._stopped.wait(self.every)

    def _look(self) -> None:
        if self.look():
            self.alive()
        elif not self._stopped.is_set():
            log.error("no answer to ourselves", reason="the watchdog is not fed until one comes")

    def _purge(self) -> None:
        try:
            self.purge()
        except ProvisiondError as error:
            log.warning("nothing forgotten", reason=str(error))
