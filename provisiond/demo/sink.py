"""A mail server of the demo's own: takes every mail, keeps it in a folder and tells of it. None leaves the machine;
it knows no more of SMTP (RFC 5321) than our relay needs."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from io import BufferedIOBase
from pathlib import Path
from types import TracebackType
from typing import Self

Told = Callable[[EmailMessage], None]
_READY = {
    "EHLO": "250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 10000000",
    "DATA": "354 go on",
    "QUIT": "221 bye",
}


class Sink:
    """Listens on a free loopback port from `with` to its end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._server = _Server(("127.0.0.1", 0), _Conversation)
        self._server.take = self._take
        self._thread = threading.Thread(target=self._server.serve_forever, name="sink", daemon=True)
        self._one_at_a_time = threading.Lock()
        self.taken = 0
        self.told: Told = lambda _mail: None

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, content: bytes) -> None:
        mail = message_from_bytes(content, policy=SMTPUTF8)
        assert isinstance(mail, EmailMessage)
        with self._one_at_a_time:
            self.taken += 1
            (self._folder / f"{self.taken:05}.eml").write_bytes(content)
            self.told(mail)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    take: Callable[[bytes], None]


class _Conversation(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        self._say("220 sink")
        while line := self.rfile.readline(4096):
            verb = line.decode("ascii", "replace").split(" ")[0].strip().upper()
            self._say(_READY.get(verb, "250 ok"))
            if verb == "DATA":
                self.server.take(_content(self.rfile))
                self._say("250 taken")
            elif verb == "QUIT":
                return

    def _say(self, reply: str) -> None:
        self.wfile.write(reply.encode() + b"\r\n")


def _content(wire: BufferedIOBase) -> bytes:
    """Up to the lone dot; a dot that was doubled on the way is one again (4.5.2)."""
    lines = []
    while (line := wire.readline()) not in (b".\r\n", b""):
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)


def text_of(mail: EmailMessage) -> str:
    """What a mail program shows where it knows no HTML."""
    body = mail.get_body(("plain",))
    return "\n".join(str(body.get_content()).splitlines()) if body else ""
