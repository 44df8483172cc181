"""`portal`: the students' portal, a process of its own. Restarted, not reloaded, when its configuration changes."""

from __future__ import annotations

import json
import secrets
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import typer

from provisiond import bootstrap_portal, logs
from provisiond.adapters import monitor, web_server
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.service_manager import ServiceManager
from provisiond.bootstrap_portal import Opened
from provisiond.cli import screen
from provisiond.cli.session import errors, session
from provisiond.domain.errors import UnavailableError
from provisiond.portal.application import application
from provisiond.portal.gate import OWN_CHECK
from provisiond.portal.site import PAGES
from provisiond.portal.upkeep import Upkeep
from provisiond.settings import PortalSettings, load_portal

_JSON = "application/json"


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
        with bootstrap_portal.opened(settings, SystemClock()) as opened:
            if check:
                _check(opened)
            else:
                _serve(settings, opened)


def _check(opened: Opened) -> None:
    if away := opened.unavailable():
        raise UnavailableError("portal", "; ".join(away))
    if opened.read_factors():
        screen.say("Second factors can be read: the oldest and the newest one were opened.")
    screen.say("The portal can start: its configuration is sound and every system answers.")


def _serve(settings: PortalSettings, opened: Opened) -> None:
    manager, own = ServiceManager(), secrets.token_urlsafe(16)
    host = min(settings.web.hosts)
    headers = {OWN_CHECK.decode(): own}
    upkeep = Upkeep(
        look=lambda: web_server.asked(settings.web.listen, host, "/", headers) == HTTPStatus.OK,
        alive=manager.feed_watchdog,
        purge=opened.purge,
    )

    def started() -> None:
        manager.ready()
        manager.status(f"serving {host} on {settings.web.listen}")
        upkeep.start()
        opened.desk.listings.warm()

    with _watched(settings, opened):
        try:
            web_server.serve(application(opened.desk, PAGES, own), settings.web.listen, started)
        finally:
            manager.stopping()
            upkeep.stop()


def _watched(settings: PortalSettings, opened: Opened) -> AbstractContextManager[None]:
    if settings.web.monitor is None:
        return nullcontext()
    pages = {"/healthz": lambda: _Told(200, {"alive": True}), "/readyz": lambda: _readiness(opened)}
    return monitor.serving(settings.web.monitor, pages)


def _readiness(opened: Opened) -> _Told:
    away = opened.unavailable()
    return _Told(503 if away else 200, {"ready": not away, "away": away})


@dataclass(frozen=True, slots=True)
class _Told:
    """A page of adapters.monitor."""

    status: int
    content: dict[str, object]

    @property
    def kind(self) -> str:
        return _JSON

    @property
    def body(self) -> bytes:
        return json.dumps(self.content).encode() + b"\n"
