"""A forwarder in front of a server on loopback: with TLS of its own, or deaf to the server's answers, so that
certificates and lost replies can be tested wherever the server runs."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit


class Front:
    """Use as a context. `deaf`: requests go through, answers are lost; `asked`: bytes of requests. `source`: the
    address on loopback by which the server knows who comes this way."""

    def __init__(self, url: str, context: ssl.SSLContext | None = None, source: str = "127.0.0.1") -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 389)
        self._context = context
        self._source = source
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.deaf = False
        self.asked = 0

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Front:
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._listener)
        self._threads[0].join(timeout=5)  # from here on there are no new sockets
        for each in self._sockets:
            _close(each)
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._serve(self._listener.accept()[0])

    def _serve(self, client: socket.socket) -> None:
        self._sockets.append(client)
        try:
            inside = self._context.wrap_socket(client, server_side=True) if self._context else client
        except OSError:  # the client did not like our certificate
            client.close()
            return
        server = socket.create_connection(self._server, source_address=(self._source, 0))
        self._sockets += [inside, server]
        self._run(self._forward, inside, server, False)
        self._run(self._forward, server, inside, True)

    def _forward(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                self.asked += 0 if answers else len(part)
                if not (answers and self.deaf):
                    sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)

    def _run(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


def certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for `host` (its own CA), and a server's context that shows it."""
    cert, key = folder / f"{host}.pem", folder / f"{host}.key"
    subject = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context
