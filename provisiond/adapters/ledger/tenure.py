"""One time of leading, as the leader itself knows it: how long it may write, by a clock that nobody sets. Others
take over when the lease has run out, by a clock of theirs; the margin lies between. Who leads is decided beside
(leader_file, leader_row)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from provisiond.adapters.ledger.alarm import Alarm
from provisiond.domain.errors import UnavailableError

# Seconds. Others take over when nothing was heard of the leader for the lease; the leader renews it that often,
# and writes nothing more in the last part of it.
LEASE_FOR, MARGIN_FOR = 10.0, 3.0
RENEW_EVERY, TRY_EVERY = 2.0, 1.0
SEND_FOR = 2.0  # that one send may take at most: less than the margin


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
    """Ends once, and never begins again: who leads anew has another one. `until`: when the lease runs out; without an
    alarm there is no lease."""

    epoch: int
    until: float = math.inf
    now: Callable[[], float] = uptime
    alarm: Alarm | None = None
    ended: bool = False

    def holds(self) -> bool:
        return not self.ended and self.now() < self.until - MARGIN_FOR

    def extend(self, until: float) -> None:
        self.until = until
        self._look_again()

    def end(self) -> None:
        self.ended = True
        self._look_again()

    @contextmanager
    def sending(self) -> Iterator[float | None]:
        """Around one short send (ports.Guard). Raises UnavailableError where we lead no more."""
        end = self.now() + MARGIN_FOR
        with self._woken_by(lambda: end):
            yield SEND_FOR if self.alarm else None

    @contextmanager
    def lasting(self) -> Iterator[float | None]:
        """Around a send that may outlast a lease, as of a mail (ports.Guard): as long as this process is awake the
        alarm moves on with each renewal, and one that leads no more finishes what it has in hand."""
        with self._woken_by(lambda: math.inf if self.ended else self.until):
            yield None

    @contextmanager
    def _woken_by(self, moment: Callable[[], float]) -> Iterator[None]:
        with self.alarm.at(moment) if self.alarm else nullcontext():
            if not self.holds():
                raise lost(self.epoch)
            yield

    def _look_again(self) -> None:
        if self.alarm:
            self.alarm.look_again()


def lost(epoch: int) -> UnavailableError:
    return UnavailableError(
        "leadership",
        f"lost (epoch {epoch}): the ledger did not hear of this process for {LEASE_FOR - MARGIN_FOR:.0f} seconds, or"
        " another one took over; nothing more is written, whoever leads goes on",
    )
