"""A mailbox server that does what a test wants: says no, rubbish, nothing, or a byte now and then."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from dataclasses import dataclass, field

DROP, STALL, DRIP = "drop", "stall", "drip"


@dataclass(slots=True)
class ScriptedImap:
    """One mail (UID 5) in INBOX. `says`: instead of its usual reply to a command ("greeting", "LOGIN", "FETCH" …) the
    server says this, with the tag for `%t`. `commands`: what it was asked."""

    says: dict[str, str] = field(default_factory=dict)
    offers: str = "IMAP4rev1 UIDPLUS"
    commands: list[str] = field(default_factory=list)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> ScriptedImap:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), client, client.makefile("rb") as lines:
            self._say(client, "greeting", "", "* OK ready")
            for line in lines:
                command = line.decode().rstrip("\r\n")
                self.commands.append(command.partition(" ")[2])
                tag, word = re.findall(r"\S+", command.replace("UID ", ""))[:2]
                self._say(client, word, tag, self._usual(word))

    def _usual(self, word: str) -> str:
        told = {
            "CAPABILITY": f"* CAPABILITY {self.offers}\r\n",
            "SELECT": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n",
            "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n",
            "SEARCH": "* SEARCH 5\r\n",
            "FETCH": "* 1 FETCH (UID 5 BODY[]<0> {4}\r\nabcd)\r\n",
            "LOGOUT": "* BYE\r\n",
        }
        return f"{told.get(word, '')}%t OK done"

    def _say(self, client: socket.socket, word: str, tag: str, usual: str) -> None:
        said = self.says.get(word, usual)
        if said == STALL:
            self._over.wait(60)
        while said == DRIP and not self._over.wait(0.05):
            client.sendall(b"x")
        if said in (STALL, DRIP, DROP):
            raise ValueError(said)
        client.sendall(said.replace("%t", tag).encode() + b"\r\n")
