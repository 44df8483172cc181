"""`portal`: the students' portal, a process of its own. Restarted, not reloaded, when its configuration changes."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from typing import Annotated

import typer

from provisiond import bootstrap_portal, logs
from provisiond.adapters import monitor, web_server
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.service_manager import ServiceManager
from provisiond.bootstrap_portal import Opened
from provisiond.cli import screen
from provisiond.cli.portal_notes import portal_notes
from provisiond.cli.session import errors, session
from provisiond.domain.errors import ConfigError, UnavailableError
from provisiond.portal.application import application
from provisiond.portal.gate import OWN_CHECK
from provisiond.portal.site import PAGES
from provisiond.portal.upkeep import Upkeep
from provisiond.portal_monitoring import PortalMetrics, PortalMonitoring
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
        metrics = PortalMetrics()
        with bootstrap_portal.opened(settings, SystemClock(), metrics) as opened:
            if check:
                _check(settings, opened)
            else:
                _serve(settings, opened, metrics)


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


def _serve(settings: PortalSettings, opened: Opened, metrics: PortalMetrics) -> None:
    manager, own = ServiceManager(), secrets.token_urlsafe(16)
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

    with _watched(settings, PortalMonitoring(metrics, answers, opened.unavailable)):
        try:
            web_server.serve(application(opened.desk, PAGES, own), settings.web.listen, started)
        finally:
            manager.stopping()
            upkeep.stop()


def _watched(settings: PortalSettings, monitoring: PortalMonitoring) -> AbstractContextManager[None]:
    where = settings.web.monitor
    return monitor.serving(where, monitoring.pages()) if where else nullcontext()
