"""What the daemon does when it is asked to: a cycle, a cycle of just those somebody gave an order about, an audit, a
purge, an errand of outbox or inbox. Each opens what it needs under the configuration of that moment and says what
trouble remains. When, and how often after a failure, is decided by timetable and lane."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import structlog

from provisiond import audit as auditing
from provisiond.bootstrap import Parts
from provisiond.cycle import Cycle, Progress
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import Fetch
from provisiond.pauses import Leaving, Pauses
from provisiond.ports import FetchMemory, Registry
from provisiond.pulse import Pulse
from provisiond.result import WHAT_IS_DUE, Result, Work
from provisiond.settings import Settings
from provisiond.timetable import begun_last

log = structlog.get_logger("provisiond.daemon")

KEPT_FOR = timedelta(days=90)  # held plans after their use; the history keeps them for ever

Opening = Callable[[bool], AbstractContextManager[Parts]]
"""Opens the parts; True: to work on the ledger alone, as a cycle does."""

Errand = Callable[[Parts, Progress, Callable[[], bool]], object]
"""Something beside cycles, in a thread of its own: deliver the outbox, read the inbox. The last one says whether to
leave the rest to another time."""


@dataclass(slots=True)
class Turns:
    """Who waits while a cycle is at work: somebody who ordered something, or the process that is to end."""

    is_leaving: Callable[[], bool]
    waits: Callable[[], bool] = lambda: False
    serve: Callable[[], frozenset[str]] = lambda: frozenset()

    def wanted(self) -> bool:
        return self.is_leaving() or self.waits()

    def take(self) -> frozenset[str]:
        if self.is_leaving():
            raise Leaving
        return self.serve()


@dataclass(slots=True)
class Duties:
    """`attempt`: does the orders in a pause of a longer piece of work, with their own account of trouble;
    `ask`: for another job; `after_cycle`: told of each result; `due_next`: of the day on which anybody falls due next
    (None: nobody)."""

    opening: Opening
    pulse: Pulse
    turns: Turns
    attempt: Callable[[str, Callable[[], str]], None]
    ask: Callable[[str], None] = lambda job: None
    after_cycle: Callable[[Result], None] = lambda result: None
    due_next: Callable[[date | None], None] = lambda day: None
    _served: set[str] = field(default_factory=set)

    def poll(self) -> str:
        with self._cycle("poll") as (cycle, parts):
            return self._done(cycle.run(WHAT_IS_DUE), parts)

    def orders(self) -> str:
        with self.opening(True) as parts:
            return self._serve(parts)

    def audit(self) -> str:
        with self._cycle("audit") as (cycle, parts):
            found = auditing.audit(cycle, fix=cycle.policy.directory.repair_drift, actor="daemon")
            for stranger in found.strangers:
                log.warning("an entry carries a mark of ours", dn=stranger.dn, why=stranger.why)
            log.info("audited", entries=found.entries, looked_at=found.looked_at, well=found.is_well)
            return self._done(found.result, parts) if found.result else ""

    def missed(self) -> str:
        """After a start: what was to be done while nobody was there, once. Where there is nobody yet nothing was."""
        with self.opening(False) as parts:
            at = begun_last(parts.clock.now(), parts.settings.daemon.audit_at, parts.settings.zone)
            last = parts.ledger.last_audit()
            if last < at if last else parts.ledger.population() > 0:
                log.info("an audit was missed", last=last.isoformat() if last else None)
                self.ask("audit")
            return ""

    def purge(self) -> str:
        with self.opening(True) as parts:
            gone = parts.ledger.purge(parts.clock.now() - KEPT_FOR)
            log.info("purged", rows=gone)
            return ""

    def errand(self, name: str, run: Errand) -> str:
        def progress(what: str, done: int, total: int) -> None:
            self.pulse.progress(name, _told(what, done, total))

        with self.opening(False) as parts:
            run(parts, progress, self.turns.is_leaving)
            return ""

    # -- inside ------------------------------------------------------------------------------------------
    @contextmanager
    def _cycle(self, name: str) -> Iterator[tuple[Cycle, Parts]]:
        with self.opening(True) as parts:
            turns = replace(self.turns, serve=lambda: self._in_between(parts))

            def progress(what: str, done: int, total: int) -> None:
                self.pulse.progress(name, _told(what, done, total))

            cycle = parts.cycle(progress)
            sources = [Patient(registry, turns) for registry in cycle.registries]
            yield replace(cycle, registries=sources, pauses=turns), parts

    def _in_between(self, parts: Parts) -> frozenset[str]:
        self._served.clear()
        self.attempt("orders", lambda: self._serve(parts))
        return frozenset(self._served)

    def _serve(self, parts: Parts) -> str:
        today = parts.clock.now().astimezone(parts.settings.zone).date()
        called = parts.ledger.open_orders(today)
        if not called:
            return ""
        self._served.update(called)  # also where it fails half-way
        return self._done(parts.cycle().run(Work(tuple(sorted(called)))), parts)

    def _done(self, result: Result, parts: Parts) -> str:
        today = result.at.astimezone(parts.settings.zone).date()
        self.due_next(parts.ledger.next_due(today))
        self.after_cycle(result)
        log.info(
            "cycle done",
            looked_at=result.looked_at,
            applied=result.applied,
            held=result.plan.held_count,
            failed=len(result.failed),
        )
        return trouble(result)


@dataclass(slots=True)
class Lookout:
    """Looks each second whether anybody ordered or approved something. Its ledger stays open in between."""

    opening: Opening
    call: Callable[[str], None]
    settings: Callable[[], Settings]
    _seen: frozenset[tuple[str, datetime]] = frozenset()
    _parts: Parts | None = None
    _closing: AbstractContextManager[Parts] | None = None

    def look(self) -> str:
        try:
            parts = self._opened()
            today = parts.clock.now().astimezone(parts.settings.zone).date()
            orders = frozenset(parts.ledger.open_orders(today).items())
            held = parts.ledger.held_plans()
        except Exception:
            self.close()
            raise
        approvals = frozenset((p.hash, p.approved_at) for p in held if p.approved_at)
        if orders - self._seen:
            self.call("orders")
        if approvals - self._seen:
            self.call("poll")
        self._seen = orders | approvals
        return ""

    def close(self) -> None:
        closing, self._closing, self._parts = self._closing, None, None
        if closing:
            closing.__exit__(None, None, None)

    def _opened(self) -> Parts:
        if self._parts and self._parts.settings is not self.settings():
            self.close()
        if self._parts is None:
            self._closing = self.opening(False)
            self._parts = self._closing.__enter__()
        return self._parts


@dataclass(frozen=True, slots=True)
class Patient:
    """A registry that may take its time: whoever waits has their turn meanwhile, and a process that is to end does
    not wait for it."""

    inner: Registry
    pauses: Pauses

    @property
    def name(self) -> str:
        return self.inner.name

    def fetch(self, today: date, memory: FetchMemory) -> Fetch:
        answer: Future[Fetch] = Future()
        over = threading.Event()

        def ask() -> None:
            try:
                answer.set_result(self.inner.fetch(today, memory))
            except BaseException as error:
                answer.set_exception(error)
            over.set()

        threading.Thread(target=ask, name=f"registry {self.name}", daemon=True).start()
        while not over.wait(0.2):
            if self.pauses.wanted():
                self.pauses.take()
        return answer.result()


def trouble(result: Result) -> str:
    """What is to be tried again before long."""
    away = [str(refused) for refused in result.refused if isinstance(refused.error, UnavailableError)]
    if result.unknown:
        away.append(f"directory: it is not known what became of {result.unknown} persons' changes")
    return "; ".join(away)


def _told(what: str, done: int, total: int) -> str:
    of = f" of {total}" if total else ""
    return f"{what} {done}{of}" if done or total else what
