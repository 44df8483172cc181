"""What every request passes on its way in and every answer on its way out: the host's name, the size of what is sent,
security headers, the line in the log. Pure ASGI; it waits for nothing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provisiond.portal import asking, refusals
from provisiond.portal.desk import Desk
from provisiond.portal.trouble import Trouble

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",  # for browsers that know no frame-ancestors
    # not no-referrer: with it browsers send `Origin: null` with our own forms (Fetch, 3.2.5)
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_FIXED = [(key.encode(), value.encode()) for key, value in HEADERS.items()]
OWN_CHECK = b"x-own-check"
_NO_STORE = (b"cache-control", b"no-store")

log = structlog.get_logger("provisiond.portal")


class Gate:
    """`closing`: when the server has finished; `unlogged`: by which our own checks are known."""

    def __init__(
        self, inside: ASGIApp, desk: Desk, closing: Callable[[], None], unlogged: str | None = None
    ) -> None:
        self._inside, self._desk, self._closing = inside, desk, closing
        self._own_check = (OWN_CHECK, unlogged.encode()) if unlogged else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["request_id"] = secrets.token_hex(6)
        begun, status = time.perf_counter(), 0

        async def out(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _dressed(message["headers"])
            await send(message)

        trouble = self._fault(scope)
        if trouble:
            visit = asking.visit(self._desk, scope, "-")
            await refusals.refused(visit, trouble)(scope, receive, out)
        else:
            await self._inside(scope, receive, out)
        if self._own_check is not None and self._own_check in scope["headers"]:
            return
        route, seconds = scope.get("page", "-"), time.perf_counter() - begun
        self._desk.tally.answered(route, status, seconds)
        log.info(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            request=scope["request_id"],
        )

    def _fault(self, scope: Scope) -> Trouble | None:
        """Seen from the head of the request alone."""
        length, host = b"0", b""
        size = len(scope["path"]) + len(scope["query_string"])
        for key, value in scope["headers"]:
            size += len(key) + len(value)
            if key == b"host":
                host = value
            elif key == b"content-length":
                length = value
        if size > asking.LONGEST_HEAD:
            return Trouble(413)
        if not host:
            return Trouble(400)
        if _name(host.decode("latin-1")) not in self._desk.hosts:
            return Trouble(421)
        if not length.isdigit() or int(length[:12]) > asking.LONGEST_BODY:
            return Trouble(413)
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                self._closing()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _name(host: str) -> str:
    """Without port."""
    return host.lower().rpartition(":")[0] if _has_port(host) else host.lower()


def _has_port(host: str) -> bool:
    return ":" in host and not host.endswith("]")


def _dressed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    kept = any(key.lower() == b"cache-control" for key, _ in headers)
    return [*headers, *_FIXED] if kept else [*headers, *_FIXED, _NO_STORE]
