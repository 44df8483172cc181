"""`provisiond run` (or `portal`) in a process of its own, with what it tells its service manager and its log."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.integration.conftest import Site
from tests.rigs.forked import DEVNULL, Forked


class DaemonProcess:
    """`told`: messages to the service manager, `said`: lines of the log, as they come."""

    def __init__(self, site: Site, *, settings: str = "", verb: str = "run") -> None:
        self.site = site
        config = site.university.config
        if settings:
            config.write_text(config.read_text() + settings)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = site.university.folder / "notify"
        Path(address).unlink(missing_ok=True)
        self._notify.bind(str(address))
        self._notify.settimeout(0.2)
        self.told: list[str] = []
        self.said: list[str] = []
        environment = {**os.environ, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "5000000"}
        self.process = Forked(
            ["-c", str(config), verb], environment={**environment, "NO_COLOR": "1"}, stdout=DEVNULL
        )
        assert self.process.stderr
        self._threads = [
            threading.Thread(target=self._hear, daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code; more than fifteen seconds are a failure (it has ten)."""
        self.process.send_signal(number)
        return self.process.wait(15)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)
        for thread in self._threads:
            thread.join(5)
        self._notify.close()
        if self.process.stderr:
            self.process.stderr.close()

    def log(self) -> str:
        return "".join(self.said)

    def pings(self) -> int:
        return self.told.count("WATCHDOG=1")

    def _hear(self) -> None:
        while self.process.poll() is None:
            try:
                self.told.append(self._notify.recv(65536).decode())
            except TimeoutError:
                continue

    def _read(self, log: IO[str]) -> None:
        self.said.extend(iter(log.readline, ""))


@contextmanager
def running(site: Site, *, settings: str = "", verb: str = "run") -> Iterator[DaemonProcess]:
    """Ready; ended in the end, however."""
    daemon = DaemonProcess(site, settings=settings, verb=verb)
    try:
        eventually(lambda: "READY=1" in daemon.told, "it is ready", daemon)
        yield daemon
    finally:
        daemon.close()


def eventually(
    is_so: Callable[[], object], what: str, daemon: DaemonProcess | None = None, seconds: float = 60
) -> None:
    """A bounded wait: what comes later than that does not come."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert daemon is None or daemon.process.poll() is None, f"it ended\n{daemon.log()}"
        assert time.monotonic() < deadline, f"never: {what}\n{daemon.log()[-4000:] if daemon else ''}"
        time.sleep(0.05)
