"""A small HTTP server for those who watch: GET of a few pages on a loopback address or a Unix socket, and the client
for it. What a page says is decided elsewhere. Bounded: requests at once, their length, their time."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from threading import BoundedSemaphore, Thread
from typing import Any, Protocol

import structlog

from provisiond.domain.errors import UnavailableError
from provisiond.listening import Place

AT_ONCE = 8
LONGEST_REQUEST = 8192
SECONDS = 5.0
_LONGEST_ANSWER = 16 * 2**20

log = structlog.get_logger("provisiond.monitor")


class Page(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> bytes: ...


class Monitor:
    """Serves from `start` to `close`, in threads of its own."""

    def __init__(
        self, place: Place, pages: Mapping[str, Callable[[], Page]], seconds: float = SECONDS
    ) -> None:
        """`seconds`: how long one may take to ask, and to take the answer."""
        self._pages = pages
        self._seconds = seconds
        self._free = BoundedSemaphore(AT_ONCE)
        self._socket, self.place = _listening(place)
        self._thread = Thread(target=self._serve, name="monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Answers that are under way are finished by their threads."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._socket.close()
        if self._thread.is_alive():
            self._thread.join(SECONDS)
        if self.place.path:
            self.place.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError as error:
                if self._socket.fileno() < 0 or error.errno is None or error.errno in _CLOSED:
                    return
                time.sleep(0.1)  # out of descriptors, or a client that left
                continue
            if not self._free.acquire(blocking=False):
                client.close()
                continue
            Thread(target=self._answer, args=(client,), name="monitor-answer", daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, suppress(OSError):  # who asks is gone, or too slow
            try:
                answer = self._answered(_request(client, self._seconds))
                client.settimeout(self._seconds)
                client.sendall(answer)
                client.shutdown(socket.SHUT_WR)
            finally:
                self._free.release()

    def _answered(self, line: bytes) -> bytes:
        words = line.split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST)
        if words[0] not in (b"GET", b"HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED)
        page = self._pages.get(words[1].partition(b"?")[0].decode("latin-1"))
        if page is None:
            return _response(HTTPStatus.NOT_FOUND)
        try:
            told = page()
        except Exception:  # of the page's making: the daemon's work goes on
            log.exception("page failed", page=words[1].decode("latin-1"))
            return _response(HTTPStatus.INTERNAL_SERVER_ERROR)
        answer = _response(HTTPStatus(told.status), told.kind, told.body)
        return answer if words[0] == b"GET" else answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


_CLOSED = (9, 22)  # EBADF, EINVAL: by `close`


def _request(client: socket.socket, seconds: float) -> bytes:
    """The first line, once the whole head is there. Raises OSError for one too long or too slow."""
    deadline, head = time.monotonic() + seconds, b""
    while b"\r\n\r\n" not in head and b"\n\n" not in head:
        client.settimeout(max(0.001, deadline - time.monotonic()))
        more = client.recv(LONGEST_REQUEST)
        head += more
        if not more or len(head) > LONGEST_REQUEST or time.monotonic() > deadline:
            raise ConnectionAbortedError
    return head.partition(b"\n")[0].rstrip(b"\r")


def _response(status: HTTPStatus, kind: str = "text/plain", body: bytes | None = None) -> bytes:
    body = f"{status.phrase}\n".encode() if body is None else body
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def serving(place: Place, pages: Mapping[str, Callable[[], Page]]) -> Iterator[None]:
    """Whoever cannot be watched works on, and says so."""
    try:
        monitor = Monitor(place, pages)
    except UnavailableError as error:
        log.error("not watched", reason=error.reason)
        yield
        return
    monitor.start()
    try:
        yield
    finally:
        monitor.close()


def _listening(place: Place) -> tuple[socket.socket, Place]:
    """The place as it came to be (port 0: any)."""
    try:
        if place.path:
            return listening_socket(place.path), place
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        server = socket.create_server((place.host, place.port), family=family)
        return server, Place(place.host, server.getsockname()[1])
    except OSError as error:
        why = f"cannot listen on {place}: {error.strerror or error}; see monitoring.listen"
        raise UnavailableError("monitoring", why) from error


def listening_socket(path: Path, backlog: int = AT_ONCE) -> socket.socket:
    """One that nobody answers any more is taken over. Owner and group may ask."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if _is_dead(path):
            path.unlink(missing_ok=True)
        before = os.umask(0o117)
        try:
            server.bind(str(path))
        finally:
            os.umask(before)
        server.listen(backlog)
    except BaseException:
        server.close()
        raise
    return server


def _is_dead(path: Path) -> bool:
    if not path.is_socket():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1)
        return trial.connect_ex(str(path)) != 0


def asked(place: Place, page: str) -> tuple[int, bytes] | None:
    """HTTP status and body of that page; None where nobody answers."""
    try:
        with _connected(place) as connection:
            connection.settimeout(SECONDS)
            connection.sendall(
                f"GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
            )
            said = b""
            while (more := connection.recv(65536)) and len(said) < _LONGEST_ANSWER:
                said += more
    except OSError:
        return None
    head, _, body = said.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]), body) if len(words) > 1 and words[1].isdigit() else None


def status_of(place: Place) -> dict[str, Any] | None:
    """What the daemon that listens there says of itself; None where none does."""
    said = asked(place, "/status")
    if said is None or said[0] != HTTPStatus.OK:
        return None
    try:
        told = json.loads(said[1])
    except ValueError:  # somebody else listens there
        return None
    return told if isinstance(told, dict) and "jobs" in told else None


def portal_said(place: Place) -> str:
    """How the portal is that listens there, as a sentence."""
    said = asked(place, "/readyz")
    try:
        told = json.loads(said[1]) if said else None
        away = told["away"] if told else None
    except (ValueError, KeyError, TypeError):  # somebody else listens there
        away = None
    if away is None:
        return f"nobody answers at {place}: `systemctl status provisiond-portal`"
    return f"serves, but {'; '.join(away)}" if away else "serves, every system answers"


def _connected(place: Place) -> socket.socket:
    if not place.path:
        return socket.create_connection((place.host, place.port), timeout=SECONDS)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(SECONDS)
        connection.connect(str(place.path))
    except BaseException:
        connection.close()
        raise
    return connection
