"""`run`: the daemon. The one command that logs even without --verbose."""

from __future__ import annotations

from contextlib import AbstractContextManager

import typer

from provisiond import bootstrap, logs
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.service_manager import ServiceManager
from provisiond.bootstrap import Parts
from provisiond.cli.session import errors, session
from provisiond.daemon import Daemon, World
from provisiond.settings import Settings


def run(context: typer.Context) -> None:
    """Work until told to stop: SIGTERM ends, SIGHUP reloads the configuration. Exit 75: another daemon is at work."""
    logs.configure(verbose=True)
    here, clock = session(context), SystemClock()

    def opening(settings: Settings, works: bool) -> AbstractContextManager[Parts]:
        return bootstrap.parts(settings, clock, writes=works)

    with errors():
        world = World(
            load=here.settings,
            leadership=bootstrap.ledger_leadership,
            clock=clock,
            manager=ServiceManager(),
            open=opening,
        )
        Daemon(world).run()
