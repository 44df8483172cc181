"""Wakes the main thread for signals. A handler may take no lock that the thread it interrupts could hold, so it rings
by a byte through a socket (signal.set_wakeup_fd)."""

from __future__ import annotations

import select
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress


class Bell:
    def __init__(self) -> None:
        self._hears, self._rings = socket.socketpair()
        for side in (self._hears, self._rings):
            side.setblocking(False)

    def on(self, numbers: Sequence[signal.Signals], hear: Callable[[int], None]) -> None:
        """Main thread only. `hear` sets flags and no more."""
        signal.set_wakeup_fd(self._rings.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, lambda found, _frame: hear(found))

    def wait(self, seconds: float) -> None:
        """Until it rings, or for that long."""
        if select.select([self._hears], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                self._hears.recv(4096)
