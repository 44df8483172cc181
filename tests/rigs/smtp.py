"""A mail server that says what a test wants it to say: SMTP (RFC 5321) over real sockets, STARTTLS and log-in where
asked for. What it took is in `mails`. A process of its own as well: python -m tests.rigs.smtp (prints its port)."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import BinaryIO

DROP = "drop"  # close the connection, say nothing
STALL = "stall"  # say nothing until the test is over
STAGES = ("greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "content", "final", "RSET", "QUIT")
ALWAYS = 10**6


def parsed(content: bytes) -> EmailMessage:
    """As a mail program reads it."""
    found = message_from_bytes(content, policy=SMTPUTF8)
    assert isinstance(found, EmailMessage)
    return found


@dataclass(frozen=True, slots=True)
class Mail:
    """What the server took over: it said 250, or wanted to."""

    sender: str
    to: str
    options: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return parsed(self.content)

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


@dataclass(slots=True)
class Fault:
    """`says`: a reply, DROP or STALL. `to`: only for this recipient. `times`: how often."""

    stage: str
    says: str
    to: str | None
    times: int


@dataclass(slots=True)
class _Session:
    stream: BinaryIO
    connection: socket.socket
    sender: str = ""
    options: str = ""
    to: str = ""
    content: bytes = b""
    encrypted: bool = False
    has_sender: bool = False
    has_recipient: bool = False


@dataclass(slots=True)
class SmtpRig:
    """Listens on loopback as long as it is entered. `counted`: connections, and commands that were read."""

    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    offers: tuple[str, ...] = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8")
    account: tuple[str, str] | None = None
    keeps: bool = True
    mails: list[Mail] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    faults: list[Fault] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        assert self._listener
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> SmtpRig:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._listener
        self._over.set()
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(10)

    def when(self, stage: str, says: str, *, to: str | None = None, times: int = ALWAYS) -> None:
        assert stage in STAGES
        self.faults.append(Fault(stage, says, to, times))

    def well(self) -> None:
        """From now on nothing is wrong."""
        self.faults.clear()

    def to(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails if mail.to == address]

    # -- inside ----------------------------------------------------------------------------------------
    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        assert self._listener
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._open.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError, _DroppedError):
            if self.implicit_tls:
                connection = self._encrypted(connection)
            session = _Session(connection.makefile("rb"), connection, encrypted=self.implicit_tls)
            self._say(session, "greeting", "220 rig ESMTP")
            while line := session.stream.readline():
                command = line.decode().rstrip("\r\n")
                self.commands.append(command)
                if not self._obey(session, command):
                    break
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def _encrypted(self, connection: socket.socket) -> socket.socket:
        assert self.tls
        wrapped = self.tls.wrap_socket(connection, server_side=True)
        self._open.append(wrapped)
        return wrapped

    def _say(self, session: _Session, stage: str, usual: str) -> bool:
        """Whether the reply was the usual one, or another that says yes."""
        said = self._fault(stage, session.to) or usual
        if said == STALL:
            self._over.wait(60)
        if said in (STALL, DROP):
            raise _DroppedError
        session.connection.sendall(said.encode() + b"\r\n")
        if said.startswith("421"):
            raise _DroppedError
        return said[:1] in "23"

    def _fault(self, stage: str, to: str) -> str | None:
        for fault in self.faults:
            if fault.stage == stage and fault.times and fault.to in (None, to):
                fault.times -= 1
                return fault.says
        return None

    def _obey(self, session: _Session, command: str) -> bool:
        """False: that was the end."""
        word = command.partition(" ")[0].upper()
        match word:
            case "EHLO" | "HELO":
                lines = ["rig", *self._offered(session)]
                signs = ["-"] * (len(lines) - 1) + [" "]
                self._say(
                    session, "EHLO", "\r\n".join(f"250{s}{t}" for s, t in zip(signs, lines, strict=True))
                )
            case "STARTTLS":
                if self._say(session, word, "220 go on"):
                    session.connection = self._encrypted(session.connection)
                    session.stream, session.encrypted = session.connection.makefile("rb"), True
            case "AUTH":
                self._authenticate(session, command)
            case "MAIL":
                session.sender, session.options = _path(command)
                session.to, session.has_recipient = "", False
                session.has_sender = self._say(session, word, "250 2.1.0 ok")
            case "RCPT":
                session.to, _ = _path(command)
                usual = "250 2.1.5 ok" if session.has_sender else "503 5.5.1 MAIL first"
                session.has_recipient = self._say(session, word, usual)
            case "DATA":
                if self._say(session, word, "354 go on" if session.has_recipient else "503 5.5.1 RCPT first"):
                    self._content(session)
            case "RSET" | "NOOP":
                self._say(session, "RSET", "250 2.0.0 ok")
                session.to = ""
            case "QUIT":
                session.to = ""
                self._say(session, word, "221 2.0.0 bye")
                return False
            case _:
                self._say(session, "EHLO", "500 5.5.1 what?")
        return True

    def _offered(self, session: _Session) -> Iterator[str]:
        yield from self.offers
        if self.tls and not session.encrypted:
            yield "STARTTLS"
        if self.account:
            yield "AUTH PLAIN"

    def _authenticate(self, session: _Session, command: str) -> None:
        assert self.account
        given = base64.b64decode(command.split(" ")[2]).decode()
        right = given == "\0{}\0{}".format(*self.account)
        self._say(session, "AUTH", "235 2.7.0 welcome" if right else "535 5.7.8 who are you?")

    def _content(self, session: _Session) -> None:
        lines: list[bytes] = []
        while (line := session.stream.readline()) not in (b".\r\n", b""):
            if self._fault("content", session.to):
                raise _DroppedError
            lines.append(line.removeprefix(b"."))
        if not line:
            raise _DroppedError
        mail = Mail(session.sender, session.to, session.options, b"".join(lines))
        fault = next(
            (f for f in self.faults if f.stage == "final" and f.times and f.to in (None, mail.to)), None
        )
        if self.keeps and (fault is None or fault.says[:1] not in "45"):
            self.mails.append(mail)
        self._say(session, "final", "250 2.0.0 ok: queued")


class _DroppedError(Exception):
    """The conversation ends here."""


def _path(command: str) -> tuple[str, str]:
    found = re.fullmatch(r"(?:MAIL FROM|RCPT TO):<([^<>\s]*)>(.*)", command)
    if found is None:
        raise ValueError(command)
    return found[1], found[2].strip()


if __name__ == "__main__":
    with SmtpRig(keeps=False) as rig:
        sys.stdout.write(f"{rig.port}\n")
        sys.stdout.flush()
        sys.stdin.read()  # until whoever started it is gone
