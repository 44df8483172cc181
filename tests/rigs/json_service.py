"""An HTTP service on loopback that answers as a test tells it: whole, wrong, cut short, or not at all."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """`promised`: the Content-Length, where it is not the true one. `reset`: the connection breaks after the body.
    `hangs`: nothing comes after the body until the service ends. `drips`: so many blanks come after it, slowly."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None
    reset: bool = False
    hangs: bool = False
    drips: int = 0


def as_json(document: Any, **more: Any) -> Answer:
    """Headers by keyword, `_` for `-`."""
    headers = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in more.items()}
    return Answer(json.dumps(document, ensure_ascii=False).encode(), headers=headers)


@dataclass(slots=True)
class Asked:
    """One request, as it came."""

    query: Query
    headers: Mapping[str, str]


class JsonService:
    """`answers` is called for every request; `asked` keeps them."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answer: Callable[[Query], Answer] = lambda query: as_json([])
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self.dripped = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https" if context else "http"

    @property
    def url(self) -> str:
        return f"{self._scheme}://localhost:{self._server.server_port}/students"

    def gives(self, answer: Answer) -> None:
        self.answer = lambda query: answer

    def gives_in_turn(self, *answers: Answer) -> None:
        """The last one for ever."""
        left = list(answers)
        self.answer = lambda query: left.pop(0) if len(left) > 1 else left[0]

    def gives_pages(self, records: Sequence[Any], size: int, **more: Any) -> None:
        """By `?page=`, linked by the Link header."""

        def answer(query: Query) -> Answer:
            at = int(query.get("page", "0"))
            link = (
                {"Link": f'<{self.url}?page={at + 1}>; rel="next"'} if (at + 1) * size < len(records) else {}
            )
            return as_json(records[at * size : (at + 1) * size], **link, **more)

        self.answer = answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                query = dict(parse_qsl(urlsplit(self.path).query))
                service.asked.append(Asked(query, dict(self.headers.items())))
                answer = service.answer(query)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.status != 304:
                    length = len(answer.body) if answer.promised is None else answer.promised
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(answer.body)
                if answer.hangs:
                    self.wfile.flush()
                    service.over.wait(60)
                with contextlib.suppress(OSError):  # hung up
                    for _ in range(answer.drips):
                        service.over.wait(0.1)
                        self.wfile.write(b" ")
                        service.dripped += 1
                if answer.reset or answer.promised is not None:
                    self.close_connection = True
                if answer.reset:  # no farewell: what is under way is lost
                    self.wfile.flush()
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler


@contextlib.contextmanager
def running_service(context: ssl.SSLContext | None = None) -> Iterator[JsonService]:
    service = JsonService(context)
    thread = threading.Thread(
        target=service._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield service
    finally:
        service.over.set()
        service._server.shutdown()
        service._server.server_close()
        thread.join(timeout=5)
