"""Several processes behind one socket, under uvicorn's own supervisor: it starts them, asks each every half second
whether it lives, and puts another one in the place of one that died or hangs. They are told to stop as we are."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Thread
from types import FrameType
from typing import Any

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from provisiond.adapters import web_server
from provisiond.domain.errors import UnavailableError
from provisiond.listening import Place

CANNOT_START = STARTUP_FAILURE  # the status with which a process says that another one could not, either
_STARTS_WITHIN = 30.0  # seconds

log = structlog.get_logger("provisiond.portal")


def serve(made: Callable[[], Any], processes: int, place: Place, started: Callable[[], None]) -> None:
    """Until SIGTERM or SIGINT. `made` can be pickled; each process calls it. `started` runs when all of them answer.
    Raises UnavailableError where one cannot start."""
    with web_server.listener(place) as listener:
        config = web_server.config(made, factory=True, workers=processes, backlog=1)
        workers = _Workers(config, [listener], started)
        workers.run()
    if not workers.is_told:
        raise UnavailableError(
            "portal", "one of its processes cannot start; a line of the log before says why"
        )


def leave_with_parent() -> None:
    """In a process of `serve`: when who started it was killed, nobody would stop it any more."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "only in a process that `serve` started"

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="parent", daemon=True).start()


class _Workers(Multiprocess):
    """`is_told`: by a signal, to stop. That counts at once: the library looks at signals between its own waits."""

    def __init__(self, config: uvicorn.Config, sockets: list[object], started: Callable[[], None]) -> None:
        super().__init__(config, sockets)  # type: ignore[arg-type]
        self._when_started = started
        self.is_told = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def init_processes(self) -> None:
        super().init_processes()
        if self._all_answer(range(len(self.processes))):
            self._when_started()

    def keep_subprocess_alive(self) -> None:
        before = [one.pid for one in self.processes]
        super().keep_subprocess_alive()
        gone = {n: pid for n, pid in enumerate(before) if pid != self.processes[n].pid}
        for n, pid in gone.items():
            log.error("portal process replaced", gone=pid, now=self.processes[n].pid)
        self._all_answer(gone)

    def _all_answer(self, places: Iterable[int]) -> bool:
        """Waits for those that were just started: while they import, the library would take them for hung. False, and
        the end, where one cannot start."""
        self._settle(places)
        if not all(self.processes[n].wait_until_ready(_STARTS_WITHIN, self.should_exit) for n in places):
            self.should_exit.set()
            return False
        self._lengthen_the_queue()
        return True

    def _settle(self, places: Iterable[int]) -> None:
        """Each on a processor of its own: threads of one Python process take turns in any case, and a turn that comes
        from another processor finds nothing of what it needs near by (docs/decisions.md has the figures)."""
        processors = sorted(os.sched_getaffinity(0))
        if len(self.processes) > len(processors):
            return
        for n in places:
            with suppress(OSError):  # not allowed to, or it has ended: nothing that matters
                os.sched_setaffinity(self.processes[n].pid or 0, {processors[n]})

    def _lengthen_the_queue(self) -> None:
        """asyncio accepts as many connections in one go as it lets wait: one process would take all that come
        together, so each takes one. How many wait is the socket's, said by who speaks last."""
        for listener in self.sockets:
            listener.listen(web_server.BACKLOG)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.is_told = True
        self.should_exit.set()

    def handle_hup(self) -> None:
        web_server.not_reloaded()

    def handle_ttin(self) -> None:
        """How many there are is said in the configuration."""

    handle_ttou = handle_ttin
