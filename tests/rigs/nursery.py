"""The process from which commands are forked (tests/rigs/forked.py): `provisiond` with all its verbs imported, and
waiting. A request brings descriptors: stdin, stdout, stderr, and one for what is told of the process. What is forked
leaves through the end of this module and runs the installed script: it ends as any other Python does."""

from __future__ import annotations

import gc
import json
import os
import resource
import runpy
import selectors
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer

from provisiond.cli.main import app

MOST_OCTETS = 1 << 17  # of a request; the environment is in it
AT_WORK = (  # what verbs import only where they need it
    "alembic.command",
    "provisiond.adapters.inbox.mailbox",
    "provisiond.adapters.mailer.relay",
    "provisiond.adapters.registry.http_json",
    "provisiond.adapters.templates",
    "provisiond.bootstrap",
    "psycopg",
)
NUMBER = struct.Struct("i")


@dataclass(frozen=True, slots=True)
class Request:
    argv: list[str]
    environment: dict[str, str]
    folder: str
    largest_file: tuple[int, int]  # what a test may have limited of itself (tests/rigs/small_disk.py)


def import_all() -> None:
    group: Any = typer.main.get_command(app)
    for name in group.commands:
        group.commands[name]
    for name in AT_WORK:
        import_module(name)
    gc.collect()
    gc.freeze()  # or each fork copies the pages that its garbage collector touches


def next_request(channel: socket.socket) -> Request | None:
    """In the forked process what it is to do; in this one, None when nobody is there any more."""
    told = dict[int, tuple[int, int]]()  # pidfd → process, where to tell its end
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not channel:
                    selector.unregister(key.fd)
                    _bury(key.fd, *told.pop(key.fd))
                    continue
                asked, descriptors, _, _ = socket.recv_fds(channel, MOST_OCTETS, 4)
                if not asked:
                    return None
                *streams, telling = descriptors
                if (pid := os.fork()) == 0:
                    _put_on(streams)
                    for descriptor in (*descriptors, *told, *(tells for _, tells in told.values())):
                        os.close(descriptor)
                    return Request(**json.loads(asked))
                for stream in streams:
                    os.close(stream)
                os.write(telling, NUMBER.pack(pid))
                watch = os.pidfd_open(pid)
                told[watch] = pid, telling
                selector.register(watch, selectors.EVENT_READ)


def _bury(watch: int, pid: int, telling: int) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        os.write(telling, NUMBER.pack(code))
    except BrokenPipeError:  # nobody wanted to know
        pass
    finally:
        os.close(telling)
        os.close(watch)


def _put_on(streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)


def become(request: Request) -> None:
    """All that a new process has of its own."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()
    os.chdir(request.folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, request.largest_file)
    sys.argv[:] = request.argv
    # what they were opened on decides whether one can seek in them, and how much is kept back
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end us
    import_all()
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        wanted = next_request(channel)
    if wanted:
        become(wanted)
        runpy.run_path(wanted.argv[0], run_name="__main__")
