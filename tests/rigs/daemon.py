"""A daemon over the fakes, whose clock, timetable and outages a test makes: its jobs are the real ones, the passing
of time is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from provisiond.adapters.service_manager import ServiceManager
from provisiond.bootstrap import Parts
from provisiond.cycle import Cycle, Progress
from provisiond.daemon import Daemon
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import NoticeStatus
from provisiond.means import Means
from provisiond.settings import Settings, load
from provisiond.timetable import Timetable
from tests.rigs.world import World
from tests.unit.settings_file import write_settings


class SimulatedTimetable(Timetable):
    """The very triggers, on a clock that is set. Like APScheduler it goes by the wall clock only."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._plan = {}
        self._due: dict[str, tuple[Any, datetime | None]] = {}

    def next_at(self, name: str) -> datetime | None:
        return self._due[name][1] if name in self._due else None

    def run_due(self) -> None:
        now = self._now()
        for name, (trigger, at) in list(self._due.items()):
            if at is None or at > now:
                continue
            following = trigger.get_next_fire_time(at, now)
            if following is not None and following <= now:  # many at once: coalesced
                following = trigger.get_next_fire_time(None, now)
            self._due[name] = (trigger, following)
            self._plan[name][1]()

    def _arm(self, name: str) -> None:
        trigger = self._plan[name][0]()
        self._due[name] = (trigger, trigger.get_next_fire_time(None, self._now()))

    def _disarm(self, name: str) -> None:
        self._due.pop(name, None)


@dataclass
class AlwaysLeads:
    tenure: None = None
    epoch: int = 1
    leads: bool = True

    def acquire(self) -> bool:
        return self.leads

    def renew(self) -> bool:
        return self.leads

    def holds(self) -> bool:
        return self.leads

    def release(self) -> None:
        self.leads = False


class KeptManager(ServiceManager):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__({"WATCHDOG_USEC": "30000000"})
        self.told: list[str] = []

    def _tell(self, text: str) -> None:
        self.told.append(text)


@dataclass(frozen=True, slots=True)
class WorldParts(Parts):
    world: World = field(kw_only=True)

    def cycle(self, progress: Progress = lambda what, done, total: None) -> Cycle:
        world, zone = self.world, self.settings.zone
        return Cycle([world.registry], self.directory, self.ledger, self.clock, world.policy, zone, progress)


class _Away:
    """A directory that does not answer."""

    def __getattr__(self, name: str) -> Any:
        def asked(*_: object, **__: object) -> Any:
            raise UnavailableError("directory", "no server answers")

        return asked


@dataclass
class Simulated:
    """`live` lets time pass as it does; `jump` sets the wall clock alone. `away`: systems that do not answer;
    `mails`: (when, key) of each mail accepted."""

    folder: Path
    zone: str = "Asia/Hong_Kong"
    world: World = field(default_factory=World)
    away: set[str] = field(default_factory=set)
    mails: list[tuple[datetime, str]] = field(default_factory=list)
    polls: list[datetime] = field(default_factory=list)
    ran: float = 0.0
    faults: str = ""

    def __post_init__(self) -> None:
        self.path = write_settings(self.folder, ("Asia/Hong_Kong", self.zone))
        self.leadership, self.manager = AlwaysLeads(), KeptManager()
        self.start()

    @property
    def now(self) -> datetime:
        return self.world.clock.at

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def start(self) -> None:
        """A new process: nothing is left of the one before but the ledger."""
        self.timetable = SimulatedTimetable(self.world.clock.now)
        self.daemon = Daemon(
            Means(
                load=lambda: load(self.path),
                leadership=lambda _settings: self.leadership,
                clock=self.world.clock,
                manager=self.manager,
                open=self._open,
                errands={"outbox": self._deliver},
                after_cycle=lambda result: self.polls.append(result.at),
                monotonic=lambda: self.ran,
                timetable=lambda: self.timetable,
            )
        )
        self.daemon.begin()
        self.work()

    def live(self, duration: timedelta, step: timedelta = timedelta(minutes=10)) -> None:
        end = self.now + duration
        while self.now < end:
            self.pass_by(min(step, end - self.now))

    def pass_by(self, step: timedelta) -> None:
        """So much time, and then all that became due in it."""
        self.world.clock.at += step
        self.ran += step.total_seconds()
        self.timetable.run_due()
        self.daemon.turn()
        self.work()

    def jump(self, by: timedelta) -> None:
        self.world.clock.at += by

    def work(self) -> None:
        """What the threads would do."""
        for _ in range(100):
            busy = [lane.step() for lane in self.daemon.lanes]
            if not any(busy):
                return
        raise AssertionError("the lanes never come to rest")

    def beat(self, name: str) -> Any:
        return self.daemon.pulse.beat(name)

    @contextmanager
    def _open(self, settings: Settings, works: bool, _leadership: object) -> Iterator[Parts]:
        if "ledger" in self.away:
            raise UnavailableError("ledger", "the database refused: disk I/O error")
        if self.faults:
            raise ValueError(self.faults)
        self.world.registry.refuses = (
            UnavailableError("registry", "there is no file") if "registry" in self.away else None
        )
        directory: Any = _Away() if "directory" in self.away else self.world.directory
        yield WorldParts(settings, self.world.clock, self.world.ledger, directory, world=self.world)

    def _deliver(self, parts: Parts, _progress: Progress, _stopping: object) -> None:
        due = parts.ledger.outbox(NoticeStatus.DUE)
        if due and "mail" in self.away:
            raise UnavailableError("mail", "no server answers")
        for item in due:
            self.mails.append((parts.clock.now(), item.notice.key))
            parts.ledger.settle([item.notice.key], NoticeStatus.ACCEPTED, "250", "mail", parts.clock.now())
