"""What the portal tells those who watch it: numbers for Prometheus, whether it lives, whether it is ready. Never
names, addresses or secrets. How they reach it is adapters/monitor.py's; what is worth an alarm, alerts.yml's."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from tempfile import TemporaryDirectory

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from provisiond import metrics
from provisiond.monitoring import Page
from provisiond.ports.tally import Tried

Counted = CollectorRegistry  # what can be read as a page
_COUNTED_IN = "PROMETHEUS_MULTIPROC_DIR"  # the library reads it when it is imported
_SECONDS = (0.01, 0.05, 0.2, 0.5, 1, 2, 5, 10)
_PURPOSES = ("identity", "activation code", "login", "confirm", "forgotten", "new-phone")
_SYSTEMS = ("ledger", "directory", "portal state")


class PortalMetrics:
    """A ports.tally.Tally. Routes are those of the list of pages, so that nobody makes more lines by asking."""

    def __init__(self) -> None:
        self.registry = on = CollectorRegistry()
        self._requests = Counter(
            "provisiond_portal_requests", "Answers by page and status", ("route", "status"), registry=on
        )
        self._seconds = Histogram(
            "provisiond_portal_seconds", "From request to answer", buckets=_SECONDS, registry=on
        )
        self._tries = Counter(
            "provisiond_portal_tries", "Attempts to prove something", ("purpose", "outcome"), registry=on
        )
        self._activated = Counter("provisiond_portal_activated", "Accounts activated", registry=on)
        self._away = Counter(
            "provisiond_portal_away", "Requests that met a system away", ("system",), registry=on
        )
        for purpose in _PURPOSES:  # a rate needs a beginning
            for outcome in Tried:
                self._tries.labels(_label(purpose), outcome.value)
        for system in _SYSTEMS:
            self._away.labels(_label(system))

    def answered(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, str(status)).inc()
        self._seconds.observe(seconds)

    def tried(self, purpose: str, outcome: Tried) -> None:
        self._tries.labels(_label(purpose), outcome.value).inc()

    def activated(self) -> None:
        self._activated.inc()

    def away(self, system: str) -> None:
        self._away.labels(_label(system)).inc()


@contextmanager
def of_all_processes() -> Iterator[Counted]:
    """What the processes that are started meanwhile count, together; prometheus_client does it by files."""
    with TemporaryDirectory(prefix="provisiond-portal-") as folder:
        os.environ[_COUNTED_IN] = folder
        try:
            yield _gathered(folder)
        finally:
            del os.environ[_COUNTED_IN]


def _gathered(folder: str) -> Counted:
    made = CollectorRegistry()
    MultiProcessCollector(made, folder)  # type: ignore[no-untyped-call]
    return made


def _of_this_process() -> Counted:
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    build = Info("provisiond_build", "Version that runs", registry=made)
    build.info({"version": version("provisiond"), "python": platform.python_version()})
    return made


def _label(words: str) -> str:
    return words.replace(" ", "-")


@dataclass(frozen=True, slots=True)
class PortalMonitoring:
    """`counted`: by one process or by all; `answers`: whether a page that it asks itself for comes; `unavailable`
    asks every system, and names those that do not answer as they must."""

    counted: Counted
    answers: Callable[[], bool]
    unavailable: Callable[[], list[str]]
    _own: Counted = field(default_factory=_of_this_process)

    def pages(self) -> dict[str, Callable[[], Page]]:
        return {"/metrics": self.metrics_page, "/healthz": self.healthz, "/readyz": self.readyz}

    def metrics_page(self) -> Page:
        return Page(200, metrics.TEXT, generate_latest(self.counted) + generate_latest(self._own))

    def healthz(self) -> Page:
        """A system that is away is no illness of ours."""
        alive = self.answers()
        return _told(200 if alive else 503, {"alive": alive})

    def readyz(self) -> Page:
        away = self.unavailable()
        return _told(503 if away else 200, {"ready": not away, "away": away})


def _told(status: int, content: dict[str, object]) -> Page:
    return Page(status, "application/json", json.dumps(content).encode() + b"\n")
