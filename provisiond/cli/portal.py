"""`portal`: the students' portal, in processes of its own. Restarted, not reloaded, for another configuration."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from http import HTTPStatus
from typing import Annotated

import typer

from provisiond import bootstrap_portal, logs
from provisiond.adapters import monitor, web_server, web_workers
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.service_manager import ServiceManager
from provisiond.bootstrap_portal import Opened
from provisiond.cli import screen
from provisiond.cli.portal_notes import portal_notes
from provisiond.cli.session import errors, session
from provisiond.domain.errors import ConfigError, UnavailableError
from provisiond.listening import Place
from provisiond.portal.application import application
from provisiond.portal.gate import OWN_CHECK
from provisiond.portal.site import PAGES
from provisiond.portal.upkeep import Upkeep
from provisiond.portal_monitoring import Counted, PortalMetrics, PortalMonitoring, of_all_processes
from provisiond.portal_process import PortalProcess
from provisiond.settings import PortalSettings, load_portal


def portal(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Only read the configuration and ask every system, then leave.")
    ] = False,
) -> None:
    """Serve the students' portal until told to stop: SIGTERM ends within ten seconds. Exit 75: a system is away."""
    logs.configure(verbose=not check)
    with errors():
        settings = load_portal(session(context).config)
        metrics, own = PortalMetrics(), secrets.token_urlsafe(16)
        with bootstrap_portal.opened(settings, SystemClock(), metrics) as opened:
            if check:
                _check(settings, opened)
            elif settings.web.processes == 1:
                app = application(opened.desk, PAGES, own)
                _serve(settings, opened, metrics.registry, own, partial(web_server.serve, app))
            else:
                with of_all_processes() as counted:
                    made = PortalProcess(settings, own)
                    several = partial(web_workers.serve, made, settings.web.processes)
                    _serve(settings, opened, counted, own, several)


def _check(settings: PortalSettings, opened: Opened) -> None:
    for note in portal_notes(settings.rules, settings.ledger, sends_mail=settings.sends_mail):
        screen.say(f"note portal: {note}")
    if faults := opened.faults():
        told = [str(fault) for fault in faults]
        mendable = any(fault.lasts for fault in faults)
        raise (
            ConfigError(told) if mendable else UnavailableError("portal", "; ".join(f.reason for f in faults))
        )
    if opened.read_factors():
        screen.say("Second factors can be read: the oldest and the newest one were opened.")
    screen.say("The portal can start: its configuration is sound and every system answers.")
    screen.say("`provisiond check` tells the rest: the daemon's secrets, registries, mail.")


def _serve(
    settings: PortalSettings,
    opened: Opened,
    counted: Counted,
    own: str,
    serve: Callable[[Place, Callable[[], None]], None],
) -> None:
    """`own`: by which our own looks are known."""
    manager = ServiceManager()
    host = min(settings.web.hosts)
    headers = {OWN_CHECK.decode(): own}

    def answers() -> bool:
        return web_server.asked(settings.web.listen, host, "/", headers) == HTTPStatus.OK

    upkeep = Upkeep(look=answers, alive=manager.feed_watchdog, purge=opened.purge)

    def started() -> None:
        manager.ready()
        manager.status(f"serving {host} on {settings.web.listen}")
        upkeep.start()
        opened.desk.listings.warm()

    with _watched(settings, PortalMonitoring(counted, answers, opened.unavailable)):
        try:
            serve(settings.web.listen, started)
        finally:
            manager.stopping()
            upkeep.stop()


def _watched(settings: PortalSettings, monitoring: PortalMonitoring) -> AbstractContextManager[None]:
    where = settings.web.monitor
    return monitor.serving(where, monitoring.pages()) if where else nullcontext()
