"""`run`: the daemon. The one command that logs even without --verbose."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import typer

from provisiond import bootstrap, logs
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.ledger.leadership import Leadership
from provisiond.adapters.service_manager import ServiceManager
from provisiond.bootstrap import Parts
from provisiond.bootstrap_ledger import ledger_facts, ledger_leadership
from provisiond.cli.session import errors, session
from provisiond.cycle import Progress
from provisiond.daemon import Daemon
from provisiond.domain.errors import UnavailableError
from provisiond.means import Means
from provisiond.metrics import Metrics
from provisiond.monitoring import Monitoring
from provisiond.ports import Clock
from provisiond.settings import Settings


def run(context: typer.Context) -> None:
    """Work until told to stop: SIGTERM ends, SIGHUP reloads the configuration. Exit 75: another daemon is at work."""
    logs.configure(verbose=True)
    with errors():
        daemon, monitoring = put_together(session(context).settings, SystemClock())
        with bootstrap.monitored(daemon.settings, monitoring):
            daemon.run()


def put_together(load: Callable[[], Settings], clock: Clock) -> tuple[Daemon, Monitoring]:
    metrics = Metrics(clock)
    means = Means(
        load=load,
        leadership=ledger_leadership,
        clock=clock,
        manager=ServiceManager(),
        open=_Opening(clock, metrics),
        errands={"outbox": _Delivery(metrics), "inbox": _read_inbox},
        after_cycle=metrics.after_cycle,
    )
    daemon = Daemon(means)
    monitoring = Monitoring(
        pulse=daemon.pulse,
        metrics=metrics,
        facts=lambda: ledger_facts(daemon.settings),
        standing=daemon.standing,
        clock=clock,
        zone=lambda: daemon.settings.zone,
        stuck_after=lambda: daemon.settings.daemon.stuck_after,
    )
    return daemon, monitoring


@dataclass(frozen=True, slots=True)
class _Opening:
    clock: Clock
    metrics: Metrics

    def __call__(
        self, settings: Settings, works: bool, leadership: Leadership
    ) -> AbstractContextManager[Parts]:
        return bootstrap.parts(settings, self.clock, writes=works, leadership=leadership, watch=self.metrics)


def _read_inbox(parts: Parts, progress: Progress, _stopping: Callable[[], bool]) -> None:
    if parts.settings.inbox is not None:
        parts.bounces(progress).read()


@dataclass(frozen=True, slots=True)
class _Delivery:
    metrics: Metrics

    def __call__(self, parts: Parts, progress: Progress, stopping: Callable[[], bool]) -> None:
        if parts.settings.mail is None:
            return  # `check` says so
        try:
            delivered = parts.outbox(progress, stopping).deliver()
        except UnavailableError as error:
            if error.system == "mail":
                self.metrics.looked("mail", reachable=False)
            raise
        self.metrics.after_delivery(delivered.counts())
