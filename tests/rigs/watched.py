"""A daemon as it shows itself, without a daemon: everything that can be told is told once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from provisiond.adapters.directory.watched import WatchedDirectory
from provisiond.domain.errors import UnavailableError
from provisiond.fetches import RefusedFetch
from provisiond.metrics import Metrics
from provisiond.monitoring import Monitoring, Role, Standing
from provisiond.ports import LedgerFacts
from provisiond.pulse import Pulse
from provisiond.result import Absent, Result
from tests.rigs.lives import a_person
from tests.rigs.world import World


@dataclass(slots=True)
class Watched:
    """`world` works, `monitoring` tells of it; `seconds` is the clock that nobody sets."""

    world: World = field(default_factory=World)
    role: Role = Role.LEADER
    refused: str = ""
    seconds: float = 0
    ledger_is_away: bool = False
    metrics: Metrics = field(init=False)
    pulse: Pulse = field(init=False)
    monitoring: Monitoring = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.world.clock)
        self.pulse = Pulse(self.world.clock, lambda: self.seconds)
        self.monitoring = Monitoring(self.pulse, self.metrics, self._facts, self._standing, self.world.clock)

    def cycle(self) -> Result:
        self.pulse.begin("poll")
        cycle = self.world._cycle()
        watched = WatchedDirectory(self.world.directory, self.metrics)
        result = type(cycle)(
            cycle.registries, watched, cycle.ledger, cycle.clock, cycle.policy, cycle.zone
        ).run()
        self.pulse.succeeded("poll")
        self.metrics.after_cycle(result)
        return result

    def page(self, name: str) -> tuple[int, str]:
        found = self.monitoring.pages()[name]()
        return found.status, found.body.decode()

    def later(self, **time: int) -> None:
        self.world.clock.at += timedelta(**time)
        self.seconds += timedelta(**time).total_seconds()

    def _facts(self) -> LedgerFacts:
        if self.ledger_is_away:
            raise UnavailableError("ledger", "away")
        return self.world.ledger.facts()

    def _standing(self) -> Standing:
        at = self.world.clock.now()
        return Standing(
            self.role, Path("/etc/provisiond/provisiond.toml"), at, "node-a (pid 7)", 3, self.refused
        )


def everything() -> Watched:
    """With at least one value of every metric."""
    watched = Watched()
    watched.world.registry.put(a_person())
    result = watched.cycle()
    person = watched.world.account("20000001").person_id
    watched.world.ledger.activate(person, "alice", result.at)  # due from now on
    away = RefusedFetch("staff", UnavailableError("registry", "away"), "fetch-1")
    absent = Absent("students", ("1",))
    watched.metrics.after_cycle(
        Result(result.at, result.plan, (away,), (), (absent,), looked_at=1, applied=1)
    )
    watched.metrics.after_delivery({"accepted": 1})
    watched.pulse.failed("outbox", "mail: away", watched.world.clock.now())
    return watched
