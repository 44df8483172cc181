"""Daemon and portal of the demo: the very processes of an installation, with their logs in the demo's folder."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from provisiond.demo.university import University
from provisiond.domain.errors import ProvisiondError

_READY_WITHIN = 60.0  # seconds
_LEAVES_WITHIN = 15.0
_PROGRAM = "from provisiond.cli.main import main; main()"  # as the command `provisiond`


class ServiceError(ProvisiondError):
    """One of them does not start; says where its log lies."""


@contextmanager
def running(university: University) -> Iterator[None]:
    """Both, until the block ends; the portal answers."""
    with ExitStack() as stack:
        stack.enter_context(_process(university, "run"))
        portal = stack.enter_context(_process(university, "portal"))
        _wait(portal, university)
        yield


@contextmanager
def _process(university: University, verb: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _PROGRAM, "-c", str(university.config), verb]
    with log_of(university, verb).open("wb") as log:
        # a group of its own: Ctrl-C in the terminal is for us, we stop it in order
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            _end(process)


def log_of(university: University, verb: str) -> Path:
    return university.folder / f"{verb}.log"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_LEAVES_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(portal: subprocess.Popen[bytes], university: University) -> None:
    give_up = time.monotonic() + _READY_WITHIN
    while time.monotonic() < give_up and portal.poll() is None:
        if _answers(university.portal_port):
            return
        time.sleep(0.1)
    raise ServiceError(f"the portal does not start: see {log_of(university, 'portal')}")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
