"""An open SMTP connection as commands out and replies in; several commands may go out before the first reply came
(RFC 2920), which aiosmtplib cannot. It opens, encrypts and logs in; then the connection is taken over here."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass

LONGEST_REPLY = 400
_LINE = re.compile(rb"([2-5]\d\d)([ -]?)(.*)")
_MOST = 2**16  # octets of one reply


@dataclass(frozen=True, slots=True)
class Reply:
    """Of a server, in one line."""

    code: int
    text: str

    @property
    def is_yes(self) -> bool:
        return self.code // 100 in (2, 3)

    def __str__(self) -> str:
        return one_line(f"{self.code} {self.text}")


class WireError(Exception):
    """No reply: the connection was lost, nothing came in time, or what came is none. It cannot be used any more."""


class Wire(asyncio.Protocol):
    """Whoever says n commands asks for n replies. A reply that nobody asked for ends the connection: the next one
    would be taken for the answer to something else."""

    def __init__(self, transport: asyncio.Transport, extensions: frozenset[str]) -> None:
        self.extensions = extensions
        self._transport = transport
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._replies: deque[Reply] = deque()
        self._owed = 0
        self._waiter: asyncio.Future[None] | None = None
        self._fault: str | None = None
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return self._fault is None and not self._transport.is_closing()

    def say(self, *commands: str) -> None:
        """One reply each is owed."""
        self.send("".join(f"{command}\r\n" for command in commands).encode(), len(commands))

    def send(self, octets: bytes, replies: int = 1) -> None:
        self._owed += replies
        if self.is_open:
            self._transport.write(octets)

    async def reply(self, timeout: float) -> Reply:
        """The next one. Raises WireError."""
        if not self._replies and self._fault is None:
            await self._wait(timeout)
        if not self._replies:
            raise WireError(self._fault)
        return self._replies.popleft()

    def end(self, why: str = "the connection was closed") -> None:
        self._fault = self._fault or why
        self._transport.abort()
        self._wake()

    # -- called by asyncio -----------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > _MOST:
            self.end("a reply without an end")
        while self._fault is None and (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._take(line.rstrip(b"\r"))

    def eof_received(self) -> bool:
        self.end("the connection was lost")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.end("the connection was lost")

    # -- inside ----------------------------------------------------------------------------------------
    def _take(self, line: bytes) -> None:
        found = _LINE.fullmatch(line)
        if found is None or len(self._parts) > 100:
            self.end(f"a reply that is none ({one_line(line.decode('utf-8', 'replace'))})")
            return
        self._parts.append(found[3])
        if found[2] == b"-":
            return
        text = b" ".join(self._parts).decode("utf-8", "replace")
        self._parts.clear()
        if not self._owed:
            self.end("a reply to nothing")
            return
        self._owed -= 1
        self._replies.append(Reply(int(found[1]), text))
        self._wake()

    async def _wait(self, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        alarm = loop.call_later(timeout, self.end, "no reply in time")
        try:
            await self._waiter
        finally:
            alarm.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


def one_line(text: str) -> str:
    """Without control characters; a server may say anything."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(plain.split())[:LONGEST_REPLY]
