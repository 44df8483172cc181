"""The portal as an ASGI application: pages by path, each for those who have come that far. Views are plain functions
`(visit) -> Response`, run in a pool of threads: one hop a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from provisiond.domain.errors import UnavailableError
from provisiond.portal import asking, refusals
from provisiond.portal.desk import Desk
from provisiond.portal.gate import Gate
from provisiond.portal.sealed import UnreadableError
from provisiond.portal.trouble import Trouble, unavailable, unreadable
from provisiond.portal.visit import Stage, Visit

View = Callable[[Visit], Response]
LOG_IN = "/login"

log = structlog.get_logger("provisiond.portal")


@dataclass(frozen=True, slots=True)
class Page:
    """`path` as Starlette writes it (`/directory/{name}`). `stage`: exactly this one (VISITOR: everybody);
    others are sent to the log-in, or to the start of activation. `get`, `post` None: it takes no such request."""

    path: str
    stage: Stage
    get: View | None = None
    post: View | None = None

    def view(self, method: str) -> View | None:
        return self.post if method == "POST" else self.get if method in ("GET", "HEAD") else None

    @property
    def methods(self) -> str:
        return ", ".join(("GET, HEAD",) * bool(self.get) + ("POST",) * bool(self.post))


def _nothing() -> None:
    pass


def application(
    desk: Desk, pages: Sequence[Page], unlogged: str | None = None, ended: Callable[[], None] = _nothing
) -> ASGIApp:
    """`unlogged`: whoever brings this secret in the header X-Own-Check leaves no line in the log. `ended` runs when
    the last answer was given."""
    pool = ThreadPoolExecutor(desk.threads, thread_name_prefix="portal")
    routes = [Route(page.path, _Endpoint(desk, page, pool)) for page in pages]
    routes.append(Route("/static/{name}", _StaticFiles(desk)))
    nothing = _Endpoint(desk, Page("-", Stage.VISITOR), pool)
    inside = Router(routes, redirect_slashes=False, default=nothing)

    def closing() -> None:
        pool.shutdown(wait=True)
        ended()

    return Gate(inside, desk, closing, unlogged)


class _StaticFiles:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._nothing = Response("Not found\n", 404, media_type="text/plain")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["page"] = "/static"
        found = self._desk.static.named(scope["path_params"]["name"])
        await (found or self._nothing)(scope, receive, send)


class _Endpoint:
    """One page."""

    def __init__(self, desk: Desk, page: Page, pool: ThreadPoolExecutor) -> None:
        self._desk, self._page, self._pool = desk, page, pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["page"] = self._page.path
        body = await asking.body(scope, receive)
        if body is None:
            return  # whoever asked has gone
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(self._pool, self._answer, scope, body)
        await response(scope, receive, send)

    def _answer(self, scope: Scope, body: bytes) -> Response:
        visit = asking.visit(self._desk, scope, self._page.path)
        try:
            asking.read_form(visit, body)
            return self._seen(visit)
        except Trouble as trouble:
            return refusals.refused(visit, trouble, self._page.methods)
        except UnavailableError as error:
            self._desk.tally.away(error.system)
            log.warning("unavailable", system=error.system, reason=error.reason, request=visit.request_id)
            return refusals.refused(visit, unavailable())
        except UnreadableError:
            return refusals.refused(visit, unreadable())
        except Exception:
            log.exception("page failed", route=visit.route, request=visit.request_id)
            return refusals.refused(visit, Trouble(500))

    def _seen(self, visit: Visit) -> Response:
        if self._page.path == "-":
            raise Trouble(404)
        view = self._page.view(visit.method)
        if view is None:
            raise Trouble(405)
        if visit.is_post and not (asking.is_from_us(visit) and visit.has_csrf_token()):
            log.warning("form refused", route=visit.route, **visit.traces("-"), request=visit.request_id)
            raise Trouble(403)
        if self._page.stage not in (Stage.VISITOR, visit.stage):
            return visit.redirect("/" if self._page.stage is Stage.PROVEN else LOG_IN)
        return view(visit)
