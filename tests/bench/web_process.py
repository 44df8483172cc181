"""A web server to measure, in a process of its own, on the very server and settings of `provisiond portal`.

python -m tests.bench.web_process portal CONFIG N      the portal in N processes; its limits are out of reach, and
                                                       are counted
python -m tests.bench.web_process bare PORT OCTETS     a bare Starlette page of that many octets at /; at /threaded
                                                       one whose view is a plain function, as the portal's"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from provisiond import bootstrap_portal, logs
from provisiond.adapters import web_server, web_workers
from provisiond.adapters.clock import SystemClock
from provisiond.listening import Place
from provisiond.portal.application import application
from provisiond.portal.site import PAGES
from provisiond.ports.short_memory import Attempted, Rate, Throttle
from provisiond.settings import PortalSettings, load_portal

_MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class Generous:
    """The portal's own throttle, with limits that nobody reaches."""

    throttle: Throttle

    def admit(self, wanted: Sequence[tuple[Rate, str]], at: datetime) -> timedelta | None:
        return self.throttle.admit(_many(wanted), at)

    def pause(self, key: str, at: datetime) -> timedelta:
        return self.throttle.pause(key, at)

    def failed(self, keys: Sequence[str], at: datetime) -> None:
        self.throttle.failed(keys, at)

    def attempt(
        self,
        key: str,
        wanted: Sequence[tuple[Rate, str]],
        watched: Sequence[tuple[Rate, str]],
        at: datetime,
    ) -> Attempted:
        return self.throttle.attempt(key, _many(wanted), _many(watched), at)

    def succeeded(self, keys: Sequence[str]) -> None:
        self.throttle.succeeded(keys)

    def purge(self, at: datetime) -> int:
        return self.throttle.purge(at)


def _many(wanted: Sequence[tuple[Rate, str]]) -> list[tuple[Rate, str]]:
    return [(_generous(rate), key) for rate, key in wanted]


@cache
def _generous(rate: Rate) -> Rate:
    return replace(rate, count=_MANY)


def portal(config: str, processes: str) -> None:
    settings = load_portal(Path(config))
    if processes == "1":
        web_server.serve(Measured(settings)(), settings.web.listen, ready)
    else:
        web_workers.serve(Measured(settings), int(processes), settings.web.listen, ready)


@dataclass(frozen=True, slots=True)
class Measured:
    """As behind a proxy, so that every client has an address of its own."""

    settings: PortalSettings

    def __call__(self) -> Any:
        logs.configure(verbose=True)
        stack = ExitStack()
        opened = stack.enter_context(bootstrap_portal.opened(self.settings, SystemClock()))
        desk = replace(opened.desk, throttle=Generous(opened.desk.throttle), trusts_proxy=True)
        desk.listings.departments()  # asked for once an hour
        return application(desk, PAGES, ended=stack.close)


def bare(port: str, octets: str) -> None:
    """A page in memory, sent as it is: a view that waits for nothing."""
    text = "x" * int(octets)

    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(text)

    def threaded(_request: Request) -> HTMLResponse:
        return HTMLResponse(text)

    views = {"/": page, "/threaded": threaded}
    app = Starlette(routes=[Route(path, view, methods=["GET", "POST"]) for path, view in views.items()])
    web_server.serve(app, Place.of(f"127.0.0.1:{port}"), ready)


def ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logs.configure(verbose=True)
    if sys.argv[1] == "portal":
        portal(*sys.argv[2:])
    else:
        bare(*sys.argv[2:])
