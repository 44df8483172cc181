"""One time of leading, as the leader itself knows it: how long it may write, by a clock that nobody sets. Others
take over when the lease has run out, by a clock of theirs; the margin lies between. Who leads is decided beside
(leader_file, leader_row)."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from provisiond.domain.errors import UnavailableError

# Seconds. Others take over when nothing was heard of the leader for the lease; the leader renews it that often,
# and writes nothing more in the last part of it.
LEASE_FOR, MARGIN_FOR = 10.0, 3.0
RENEW_EVERY, TRY_EVERY = 2.0, 1.0
SEND_FOR = 2.0  # that one send may take at most: less than the margin

_alarm = threading.Lock()  # a process has one alarm


def uptime() -> float:
    """Seconds, also those in which the machine slept. CLOCK_MONOTONIC leaves them out."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads. `renewed_at`: when it was last heard of, by the clock of the ledger's server."""

    node: str
    pid: int
    epoch: int
    since: datetime
    renewed_at: datetime

    def __str__(self) -> str:
        return f"provisiond (pid {self.pid} on {self.node}), since {self.since:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(slots=True)
class Tenure:
    """Ends once, and never begins again: who leads anew has another one. `until`: when the lease runs out."""

    epoch: int
    until: float = math.inf
    now: Callable[[], float] = uptime
    ended: bool = False

    def holds(self) -> bool:
        return not self.ended and self.now() < self.until - MARGIN_FOR

    @contextmanager
    def sending(self) -> Iterator[float]:
        """For one send to others, within the seconds that are given. Raises UnavailableError where we lead no more.
        A process that is stopped between the look at the clock and the send would send when it wakes up, perhaps
        long after another took over: the alarm (SIGALRM, which nobody catches) ends it before it does."""
        if math.isinf(self.until):
            self._require()
            yield SEND_FOR
            return
        with _alarm:
            signal.setitimer(signal.ITIMER_REAL, MARGIN_FOR)
            try:
                self._require()
                yield SEND_FOR
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)

    def _require(self) -> None:
        if not self.holds():
            raise lost(self.epoch)


def lost(epoch: int) -> UnavailableError:
    return UnavailableError(
        "leadership",
        f"lost (epoch {epoch}): the ledger did not hear of this process for {LEASE_FOR - MARGIN_FOR:.0f} seconds, or"
        " another one took over; nothing more is written, whoever leads goes on",
    )
