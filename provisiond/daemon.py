"""`provisiond run`: leads (or stands by), keeps timetable and lanes going, hears signals, tells the service manager.
What a job does is in duties; a cycle in trouble is the lane's business and never ends the process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from datetime import time as time_of_day

import structlog

from provisiond import bootstrap, condition
from provisiond.adapters.bell import Bell
from provisiond.adapters.ledger.leadership import TRY_EVERY
from provisiond.bootstrap import Parts
from provisiond.bootstrap_ledger import ledger_leader, ledger_place
from provisiond.condition import Configuration
from provisiond.domain.errors import UnavailableError
from provisiond.duties import Duties, Lookout, Turns
from provisiond.lane import Job, Lane
from provisiond.means import Means
from provisiond.monitoring import Role, Standing
from provisiond.pulse import Pulse
from provisiond.result import Result
from provisiond.settings import Settings
from provisiond.timetable import begins_at

log = structlog.get_logger("provisiond.daemon")

LEAVE_WITHIN = 8.0  # seconds for the step in hand; systemd and the operator wait for ten
JUMP = 5.0  # seconds by which the clock was set, at least, to be worth a word
TICKS_WITHIN = 30.0  # seconds: a timetable that is silent for so long is stuck


class Daemon:
    def __init__(self, means: Means) -> None:
        self._means = means
        self.configuration = Configuration(means.load(), means.clock.now())
        self.leadership = means.leadership(self.settings)
        self.pulse = Pulse(means.clock, means.monotonic)
        self.timetable = means.timetable()
        self.started_at = means.clock.now()
        self.due_next: date | None = None
        self.leads_since: datetime | None = None
        self._ends = self._reloads = self._led = False
        self._stuck: list[str] = []
        self._ticked = means.monotonic()
        self._clocks = (means.clock.now(), means.monotonic())
        self._lookout = Lookout(self._parts, self.ask, lambda: self.settings)
        self.cycles = self._cycles()
        self.lanes = [self.cycles, *self._others()]

    @property
    def settings(self) -> Settings:
        return self.configuration.settings

    # -- life --------------------------------------------------------------------------------------------
    def run(self) -> None:
        """Until a signal asks for the end. Raises UnavailableError where another daemon works on a SQLite ledger."""
        self._claim()
        bell = Bell()
        bell.on((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), self.hear)
        log.info("started", version=bootstrap.VERSION, configuration=str(self.settings.path))
        self.begin()
        self.timetable.start()
        for lane in self.lanes:
            lane.start()
        self._means.manager.ready()
        while not self._ends:
            self.turn()
            bell.wait(1)
        self._leave()

    def begin(self) -> None:
        self.arm()
        self.ask("lead")  # which asks for all the rest

    def turn(self) -> None:
        """One round of the main loop, each second."""
        if self._reloads:
            self._reloads = False
            self.reload()
        self._look_at_clock()
        self._means.manager.status(self.doing())
        if self.is_well():
            self._means.manager.feed_watchdog()

    def is_well(self) -> bool:
        """Whether everything at work makes progress, and the timetable lives."""
        stuck = self.pulse.stuck(self.settings.daemon.stuck_after)
        if self._means.monotonic() - self._ticked > TICKS_WITHIN:
            stuck.append("timetable")
        if stuck != self._stuck:
            log.error("stuck, the watchdog is fed no more" if stuck else "not stuck any more", jobs=stuck)
        self._stuck = stuck
        return not stuck

    def reload(self) -> None:
        """The new configuration counts from the next piece of work on; a bad one changes nothing."""
        self._means.manager.reloading()
        self.configuration = self.configuration.again(self._means.load, self._means.clock.now())
        if self.configuration.faults:
            log.error("configuration refused, the old one stays", faults=self.configuration.faults)
        else:
            log.info("configuration reloaded", configuration=str(self.settings.path))
            self.arm()
            self.ask("poll")
        self._means.manager.status(self.doing())
        self._means.manager.ready()

    def hear(self, number: int) -> None:
        """A signal: flags only."""
        if number == signal.SIGHUP:
            self._reloads = True
        elif self._ends:
            os._exit(128 + number)  # asked twice: what is left is the next run's
        else:
            self._ends = True

    def _leave(self) -> None:
        self._means.manager.stopping()
        self._means.manager.status("leaving: finishes the step in hand")
        deadline = time.monotonic() + LEAVE_WITHIN
        self.timetable.stop()
        for lane in self.lanes:
            lane.end()
        late = [lane.name for lane in self.lanes if not lane.join(deadline - time.monotonic())]
        if late:
            log.warning("left in the middle, the next run finishes it", lanes=late, doing=self.doing())
            os._exit(0)  # as any crash: nothing is lost or doubled
        self.leadership.release()
        log.info("stopped")

    # -- leading -----------------------------------------------------------------------------------------
    def _claim(self) -> None:
        where = ledger_place(self.settings)
        if where.path and not self.leadership.acquire():
            who = ledger_leader(self.settings) or "one that has just ended"
            raise UnavailableError("ledger", f"another daemon works on {where}: {who}; stop it first")

    def lead(self) -> str:
        """Say that we are there, or try to take over."""
        leads = self.leadership.renew() if self.leadership.holds() else self.leadership.acquire()
        if leads is not self._led:
            log.info("leads" if leads else "stands by", epoch=self.leadership.epoch)
            self._led, self.leads_since = leads, self._means.clock.now() if leads else None
            self.ask("missed", "poll", "outbox", "inbox")
        return ""

    def is_leaving(self) -> bool:
        """Whether the piece of work in hand is to be left to others."""
        return self._ends or not self.leadership.holds()

    # -- what happens when -------------------------------------------------------------------------------
    def arm(self) -> None:
        when, zone, table = self.settings.daemon, self.settings.zone, self.timetable
        table.every("lead", timedelta(seconds=TRY_EVERY), lambda: self.tick("lead"))
        table.every("lookout", timedelta(seconds=1), lambda: self.tick("lookout"))
        table.every("poll", when.poll_every, lambda: self.tick("poll"))
        table.every("outbox", when.outbox_every, lambda: self.tick("outbox"))
        table.every("inbox", when.inbox_every, lambda: self.tick("inbox"))
        table.daily("audit", when.audit_at, zone, lambda: self.tick("audit"))
        table.daily("purge", when.purge_at, zone, lambda: self.tick("purge"))
        self.next_milestone(self.due_next)

    def tick(self, job: str) -> None:
        self._ticked = self._means.monotonic()
        self.ask(job)

    def ask(self, *jobs: str) -> None:
        """Whichever lane does that."""
        for lane in self.lanes:
            lane.want(*jobs)

    def next_milestone(self, day: date | None) -> None:
        self.due_next = day
        at = begins_at(day, time_of_day(), self.settings.zone) if day else None
        self.timetable.once("milestone", at, lambda: self.tick("poll"))

    def _look_at_clock(self) -> None:
        now, ran = self._means.clock.now(), self._means.monotonic()
        jumped = (now - self._clocks[0]).total_seconds() - (ran - self._clocks[1])
        self._clocks = (now, ran)
        if abs(jumped) > JUMP:
            log.warning("the clock was set", by_seconds=round(jumped))
            self.timetable.rearm()
            self.ask("poll")

    # -- lanes -------------------------------------------------------------------------------------------
    def _cycles(self) -> Lane:
        """One cycle at a time. The most urgent first."""
        duties = self._duties()
        jobs = {
            "orders": duties.orders,
            "missed": duties.missed,  # before a first poll makes accounts
            "poll": duties.poll,
            "audit": duties.audit,
            "purge": duties.purge,
        }
        return self._lane("cycles", jobs)

    def _others(self) -> list[Lane]:
        duties = self._duties()
        errands = [
            self._lane(name, {name: lambda name=name, run=run: duties.errand(name, run)})  # type: ignore[misc]
            for name, run in self._means.errands.items()
        ]
        lookout = self._lane("lookout", {"lookout": self._lookout.look}, timedelta(seconds=5))
        lead = self._lane("lead", {"lead": self.lead}, timedelta(seconds=TRY_EVERY), may=lambda: True)
        return [*errands, lookout, lead]

    def _duties(self) -> Duties:
        return Duties(
            opening=self._parts,
            pulse=self.pulse,
            turns=Turns(self.is_leaving, lambda: self.cycles.wants("orders")),
            ask=self.ask,
            attempt=lambda name, job: self.cycles.attempt(name, job),
            after_cycle=self._after_cycle,
            due_next=self.next_milestone,
        )

    def _lane(
        self,
        name: str,
        jobs: Mapping[str, Job],
        at_most: timedelta | None = None,
        may: Callable[[], bool] | None = None,
    ) -> Lane:
        return Lane(
            name=name,
            jobs=jobs,
            pulse=self.pulse,
            clock=self._means.clock,
            at_most=lambda: at_most or self.settings.daemon.retry_at_most,
            may=may or self.leadership.holds,
            monotonic=self._means.monotonic,
        )

    def _after_cycle(self, result: Result) -> None:
        self.ask("outbox")  # notices were decided
        self._means.after_cycle(result)

    def _parts(self, works: bool) -> AbstractContextManager[Parts]:
        return self._means.open(self.settings, works, self.leadership)

    # -- what is told ------------------------------------------------------------------------------------
    def doing(self) -> str:
        at = self.timetable.next_at("poll")
        idle = condition.outlook(at.astimezone(self.settings.zone) if at else None, self.due_next)
        if not self.leadership.holds():
            idle = "stands by, another daemon leads"
        return condition.in_one_line(self.pulse.beats(), self.configuration, idle)

    def standing(self) -> Standing:
        """What is told to those who watch."""
        leads, found = self.leadership.holds(), self.configuration
        return Standing(
            role=Role.LEADER if leads else Role.STANDBY,
            configuration=found.settings.path,
            loaded_at=found.loaded_at,
            leader=f"this one, since {self.leads_since:%Y-%m-%d %H:%M:%S} UTC"
            if leads and self.leads_since
            else "",
            epoch=self.leadership.epoch,
            refused="; ".join(found.faults),
        )
