"""uvicorn: serves one ASGI application on a Unix socket or a loopback port until told to stop, and asks it a page as
a client would. Signals are ours, so that what was opened is closed in the end."""

from __future__ import annotations

import http.client
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import structlog
import uvicorn

from provisiond.adapters.monitor import SECONDS, listening_socket
from provisiond.domain.errors import UnavailableError
from provisiond.listening import Place

GRACE_SECONDS = 8  # for requests that are under way; systemd and docs say ten
_KEPT_ALIVE = 65  # longer than nginx keeps a connection, so that it never meets one that we are closing
BACKLOG = 512
_LONGEST_HEAD = 32 * 1024  # of what comes in pieces

log = structlog.get_logger("provisiond.portal")


def serve(app: Any, place: Place, started: Callable[[], None]) -> None:
    """Until SIGTERM or SIGINT. `started` runs when the first request can be answered."""
    with listener(place) as at:
        server = _Server(config(app), started)
        with server.told_by_signals():
            server.run(sockets=[at])


@contextmanager
def listener(place: Place) -> Iterator[socket.socket]:
    """Gone in the end. Raises UnavailableError."""
    made = _listening(place)
    try:
        yield made
    finally:
        made.close()
        if place.path:
            place.path.unlink(missing_ok=True)


def _listening(place: Place) -> socket.socket:
    try:
        if place.path:
            return listening_socket(place.path, BACKLOG)
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        made = socket.create_server((place.host, place.port), family=family, backlog=BACKLOG)
        # asyncio does not do it for sockets that others made; without, the end of each answer waits for 40 ms
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    except OSError as error:
        why = f"cannot listen on {place}: {error.strerror or error}; see portal.listen"
        raise UnavailableError("portal", why) from error


def config(app: Any, *, factory: bool = False, workers: int = 1, backlog: int = BACKLOG) -> uvicorn.Config:
    """`factory`: `app` makes it. `backlog`: connections that one process accepts in one go."""
    return uvicorn.Config(
        app,
        factory=factory,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,  # the application judges whom to believe
        lifespan="on",
        ws="none",
        http="h11",
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        backlog=backlog,
        timeout_keep_alive=_KEPT_ALIVE,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._when_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would raise the signal again in the end, and with it end the process at once."""
        yield

    @contextmanager
    def told_by_signals(self) -> Iterator[None]:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self.should_exit = True

        def reload(_number: int, _frame: FrameType | None) -> None:
            not_reloaded()

        handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reload}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def not_reloaded() -> None:
    log.warning("not reloaded", reason="restart the portal to take a new configuration over")


def asked(
    place: Place, host: str, path: str, headers: dict[str, str], seconds: float = SECONDS
) -> int | None:
    """The status of that page; None where nobody answers in time."""
    connection = _Connection(place, seconds)
    try:
        connection.request("GET", path, headers={"Host": host, **headers})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    def __init__(self, place: Place, seconds: float) -> None:
        super().__init__(place.host or "localhost", place.port or None, timeout=seconds)
        self._path = place.path

    def connect(self) -> None:
        if not self._path:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
