"""A forwarder between us and a directory that understands where LDAP messages begin and end, and does harm to the
replies to writes: each request has reached the server by then, and it did what was asked."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

WRITE_REPLIES = (0x67, 0x69, 0x6B)  # modify, add, delete
EXTENDED_REPLIES = (0x78,)
BIND, EXTENDED = 0x60, 0x77


@dataclass(frozen=True, slots=True)
class Harm:
    """How often, as a share of the replies to writes: swallowed, connection closed instead, cut in the middle
    and closed, delayed."""

    swallow: float = 0.0
    close: float = 0.0
    cut: float = 0.0
    delay: float = 0.0


class Proxy:
    """Use as a context. `counted`: binds, connections, and each kind of harm that was done."""

    def __init__(
        self, url: str, harm: Harm = Harm(), seed: int = 1, harmed: tuple[int, ...] = WRITE_REPLIES
    ) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 389)
        self.harm = harm
        self.shots: int | None = None  # that many more replies are harmed; None: no end
        self._harmed = harmed
        self._dice = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.counted: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Proxy:
        _in_background(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._listener)
        self.cut_all()

    def cut_all(self) -> None:
        """Every connection ends now."""
        for pair in self._pairs:
            for each in pair:
                _close(each)
        self._pairs.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._server)
        except OSError:  # not there: as if nobody listened here either
            _close(client)
            return
        self.counted["connections"] += 1
        self._pairs.append((client, server))
        _in_background(self._requests, client, server)
        _in_background(self._replies, server, client)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for message in _messages(client):
                self.counted["binds"] += _operation(message) == BIND
                self.counted["extended"] += _operation(message) == EXTENDED
                server.sendall(message)
        _close(server)

    def _replies(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for message in _messages(server):
                kind = self._chosen() if _operation(message) in self._harmed else ""
                self.counted[kind] += 1
                if kind == "delay":
                    time.sleep(0.02)
                if kind == "cut":
                    client.sendall(message[: len(message) // 2])
                if kind in ("close", "cut"):
                    break
                if kind != "swallow":
                    client.sendall(message)
        _close(client)
        _close(server)

    def _chosen(self) -> str:
        if self.shots == 0:
            return ""
        kind = self._thrown()
        if kind and self.shots is not None:
            self.shots -= 1
        return kind

    def _thrown(self) -> str:
        roll = self._dice.random()
        for kind in ("swallow", "close", "cut", "delay"):
            roll -= getattr(self.harm, kind)
            if roll < 0:
                return kind
        return ""


def _messages(source: socket.socket) -> Iterator[bytes]:
    data = b""
    while more := source.recv(65536):
        data += more
        while (size := _size(data)) and len(data) >= size:
            yield data[:size]
            data = data[size:]


def _size(data: bytes) -> int:
    """Of the message that `data` begins with; 0 while that cannot be known."""
    if len(data) < 2 or (data[1] & 0x80 and len(data) < 2 + (data[1] & 0x7F)):
        return 0
    if data[1] & 0x80:
        more = data[1] & 0x7F
        return 2 + more + int.from_bytes(data[2 : 2 + more], "big")
    return 2 + data[1]


def _operation(message: bytes) -> int:
    """The tag after the message's number."""
    at = 2 + (message[1] & 0x7F if message[1] & 0x80 else 0)
    return message[at + 2 + message[at + 1]]


def _in_background(target: object, *arguments: object) -> None:
    threading.Thread(target=target, args=arguments, daemon=True).start()  # type: ignore[arg-type]


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
