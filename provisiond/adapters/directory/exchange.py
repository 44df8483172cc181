"""Requests and replies over the socket of one connection, many in flight; what is in flight when the
connection breaks has no reply. Who may send it again is decided by pipeline.py and writing.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisiond.adapters.directory.messages import ENTRY, REFERENCE, Reply, Request, messages, result
from provisiond.adapters.directory.wire import Found, found

_RECEIVED_AT_ONCE = 65536
_ENDED = "the server ended the session"  # RFC 4511 §4.4


class Exchange:
    """Whatever goes wrong is an OSError or a ValueError: the connection can serve no more then."""

    def __init__(self, connection: Any) -> None:
        self._socket = connection.socket
        self._next_id = connection.server.next_message_id
        self._data = b""
        self._parts: dict[int, list[Found | None]] = {}  # of a search that goes on; None: a reference

    def numbered(self, requests: Iterable[Request]) -> list[tuple[int, bytes]]:
        """Messages under the numbers by which their replies will be known."""
        numbers = ((self._next_id(), request) for request in requests)
        return [(number, request.message(number)) for number, request in numbers]

    def send(self, sent: Iterable[bytes], seconds: float | None = None) -> None:
        """`seconds`: that it may take, less than the server is waited for otherwise."""
        if seconds is None:
            self._socket.sendall(b"".join(sent))
            return
        usual = self._socket.gettimeout()
        self._socket.settimeout(seconds)
        self._socket.sendall(b"".join(sent))
        self._socket.settimeout(usual)

    def receive(self) -> list[tuple[int, Reply]]:
        """At least one reply, in the order in which they came."""
        replies: list[tuple[int, Reply]] = []
        while not replies:
            more = self._socket.recv(_RECEIVED_AT_ONCE)
            if not more:
                raise ConnectionResetError("the server closed the connection")
            self._data += more
            end = 0
            for number, body, end in messages(self._data):  # noqa: B007 - the last end is needed
                replies += self._replies(number, body)
            self._data = self._data[end:]
        return replies

    def _replies(self, number: int, body: bytes) -> list[tuple[int, Reply]]:
        if number == 0:
            raise ConnectionResetError(_ENDED)
        if body[0] in (ENTRY, REFERENCE):
            part = found(body) if body[0] == ENTRY else None
            self._parts.setdefault(number, []).append(part)
            return []
        parts, said = self._parts.pop(number, []), result(body)
        entries = tuple(part for part in parts if part is not None)
        return [(number, Reply(said.code, said.text, entries, None in parts, said.controls))]
