"""`provisiond` as a process of its own that need not import everything again: it is forked from one that has
(nursery.py), which each process of pytest starts once. Used as `subprocess.Popen` is. Tests of a terminal, of another
locale or of the start itself start the command: what Python and rich read of the environment at their start is the
nursery's."""

from __future__ import annotations

import atexit
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TextIO

from tests.rigs.nursery import NUMBER

COMMAND = Path(sys.executable).parent / "provisiond"
PIPE, DEVNULL = subprocess.PIPE, subprocess.DEVNULL


@cache
def _nursery() -> socket.socket:
    """It ends when this process does: its other end of the channel is then closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(  # nobody waits for it
            [sys.executable, "-m", "tests.rigs.nursery", str(theirs.fileno())],
            stdin=DEVNULL,
            stdout=DEVNULL,
            env={**os.environ, "NO_COLOR": "1"},
            cwd=Path(__file__).parents[2],
            pass_fds=[theirs.fileno()],
        ).returncode = 0
    atexit.register(ours.close)
    return ours


class Forked:
    """One command. `stdout`, `stderr`: PIPE, DEVNULL or a descriptor."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        environment: Mapping[str, str],
        stdout: int = PIPE,
        stderr: int = PIPE,
        folder: str | Path = ".",
    ) -> None:
        self.args = [str(COMMAND), *words]
        self.returncode: int | None = None
        asked = {
            "argv": self.args,
            "environment": dict(environment),
            "folder": str(Path(folder).absolute()),
            "largest_file": resource.getrlimit(resource.RLIMIT_FSIZE),
        }
        telling, theirs = os.pipe()
        self._told = os.fdopen(telling, "rb", buffering=0)
        self.stdout, output = _stream(stdout)
        self.stderr, errors = _stream(stderr)
        nothing = os.open(os.devnull, os.O_RDONLY)
        socket.send_fds(_nursery(), [json.dumps(asked).encode()], [nothing, output, errors, theirs])
        for descriptor in (nothing, output, errors, theirs):
            os.close(descriptor)
        self.pid = self._number()

    def poll(self) -> int | None:
        if self.returncode is None and _readable(self._told.fileno(), 0):
            self.returncode = self._number()
            self._told.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not _readable(self._told.fileno(), timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What comes on stdout and stderr until both end, and the process."""
        give_up = None if timeout is None else time.monotonic() + timeout
        said: dict[TextIO, bytearray] = {stream: bytearray() for stream in self._streams()}
        with selectors.DefaultSelector() as selector:
            for stream in said:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                left = None if give_up is None else give_up - time.monotonic()
                if not (ready := selector.select(left)):
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
                for key, _ in ready:
                    if octets := os.read(key.fd, 1 << 16):
                        said[key.fileobj].extend(octets)  # type: ignore[index]
                    else:
                        selector.unregister(key.fileobj)
        self.wait(None if give_up is None else max(0.0, give_up - time.monotonic()))
        texts = {stream: octets.decode() for stream, octets in said.items()}
        self._close()
        return tuple(texts.get(stream, "") if stream else "" for stream in (self.stdout, self.stderr))  # type: ignore[return-value]

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Forked:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        self._close()
        self.wait()

    def _streams(self) -> list[TextIO]:
        return [stream for stream in (self.stdout, self.stderr) if stream and not stream.closed]

    def _close(self) -> None:
        for stream in self._streams():
            stream.close()

    def _number(self) -> int:
        octets = self._told.read(NUMBER.size)
        assert octets, "the nursery has ended; it says why on stderr"
        number: int = NUMBER.unpack(octets)[0]
        return number


def _stream(wanted: int) -> tuple[TextIO | None, int]:
    """Our end, if there is one, and theirs."""
    if wanted == PIPE:
        ours, theirs = os.pipe()
        return os.fdopen(ours, "r", encoding="utf-8"), theirs
    return None, os.open(os.devnull, os.O_WRONLY) if wanted == DEVNULL else os.dup(wanted)


def _readable(descriptor: int, timeout: float | None) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(timeout))
