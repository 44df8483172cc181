"""What the daemon tells those who watch it: metrics, whether it lives, whether it is ready, its status. Never names,
addresses or secrets. How they reach it is adapters/monitor.py's; what progress is, pulse.py's."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

from provisiond import metrics
from provisiond.discretion import scrubbed
from provisiond.domain.errors import ProvisiondError
from provisiond.metrics import Metrics
from provisiond.ports import Clock, LedgerFacts
from provisiond.pulse import Beat, Pulse

NEEDED = ("ledger", "directory")  # mail may wait
_FRESH_FOR = timedelta(
    seconds=5
)  # facts: however often somebody asks, the ledger is asked this often at most


class Role(StrEnum):
    STARTING = "starting"
    LEADER = "leader"
    STANDBY = "standby"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the daemon knows of itself. `leader`: who leads, as a sentence, where it is known; `refused`: why the file
    as it is now is not in use, "" when it is."""

    role: Role
    configuration: Path
    loaded_at: datetime
    leader: str = ""
    epoch: int | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: HTTP status, content type, body."""

    status: int
    kind: str
    body: bytes


@dataclass(slots=True)
class Monitoring:
    """Thread-safe. `facts` asks the ledger, raises UnavailableError where it does not answer; `stuck_after`: without
    progress for that long a job counts as stuck; `zone`: the university's."""

    pulse: Pulse
    metrics: Metrics
    facts: Callable[[], LedgerFacts]
    standing: Callable[[], Standing]
    clock: Clock
    zone: Callable[[], tzinfo] = lambda: UTC
    stuck_after: Callable[[], timedelta] = lambda: timedelta(minutes=15)
    _known: LedgerFacts | None = None
    _known_at: datetime | None = None
    _lock: Lock = field(default_factory=Lock)

    def pages(self) -> dict[str, Callable[[], Page]]:
        return {
            "/metrics": self.metrics_page,
            "/healthz": self.healthz,
            "/readyz": self.readyz,
            "/status": self.status,
        }

    def metrics_page(self) -> Page:
        facts, beats, standing = self._facts(), self.pulse.beats(), self.standing()
        seen = [metrics.of_ledger(facts, self.zone())] if facts else []
        body = self.metrics.text(
            *seen,
            metrics.of_jobs(beats, self._stuck()),
            metrics.of_daemon(
                leads=standing.role is Role.LEADER,
                epoch=standing.epoch,
                refused=bool(standing.refused),
                systems=self.metrics.systems(),
            ),
        )
        return Page(200, metrics.TEXT, body)

    def healthz(self) -> Page:
        """200 while every job that is at work makes progress. A system that is away is no illness of ours."""
        stuck = self._stuck()
        return _plain([f"no progress: {name}" for name in stuck])

    def readyz(self) -> Page:
        """200 for a leader, and for one that stands by, whose ledger and directory answered when last asked."""
        standing = self.standing()
        self._facts()
        reasons = ["starting"] if standing.role is Role.STARTING else []
        systems = self.metrics.systems()
        reasons += [f"{system} did not answer" for system in NEEDED if systems.get(system) is False]
        if standing.role is Role.LEADER and "directory" not in systems:
            reasons.append("the directory was not asked yet")
        return _plain(reasons)

    def status(self) -> Page:
        """For `provisiond status` and scripts."""
        facts, beats, standing = self._facts(), self.pulse.beats(), self.standing()
        told: dict[str, Any] = {
            "version": version("provisiond"),
            "now": self.clock.now(),
            "role": standing.role,
            "leader": standing.leader,
            "epoch": standing.epoch,
            "configuration": {
                "path": standing.configuration,
                "loaded_at": standing.loaded_at,
                "refused": scrubbed(standing.refused),
            },
            "jobs": [asdict(beat) | _words(beat) for beat in beats],
            "stuck": self._stuck(),
            "systems": self.metrics.systems(),
            "ledger": (asdict(facts) | {"waiting": facts.waiting}) if facts else None,
        }
        return Page(200, "application/json", json.dumps(told, default=_jsonable, indent=1).encode() + b"\n")

    def _stuck(self) -> list[str]:
        return self.pulse.stuck(self.stuck_after())

    def _facts(self) -> LedgerFacts | None:
        """Of a few seconds ago at most; None where the ledger does not answer."""
        with self._lock:
            now = self.clock.now()
            fresh = self._known_at is not None and timedelta() <= now - self._known_at < _FRESH_FOR
            if not fresh:
                self._known, self._known_at = self._asked(), now
            return self._known

    def _asked(self) -> LedgerFacts | None:
        try:
            found = self.facts()
        except ProvisiondError:
            self.metrics.looked("ledger", reachable=False)
            return None
        self.metrics.looked("ledger", reachable=True)
        return found


def _words(beat: Beat) -> dict[str, str]:
    return {"doing": scrubbed(beat.doing), "error": scrubbed(beat.error)}


def _plain(reasons: Sequence[str]) -> Page:
    text = "\n".join(reasons) or "ok"
    return Page(503 if reasons else 200, "text/plain; charset=utf-8", f"{text}\n".encode())


def _jsonable(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
