"""What a process really writes to stderr: to a journal, a terminal, a pipe."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import sys
from pathlib import Path

from provisiond.adapters import journal

PROGRAM = """
import logging, sys, threading
from provisiond import logs
import structlog
logs.configure(verbose=sys.argv[1] == "verbose")
log = structlog.get_logger("x")
with structlog.contextvars.bound_contextvars(cycle="c-1"):
    log.info("change", person="p-1", what="account", attributes=["sn"])
    log.warning("record rejected", reasons=["two\\nlines"])
try:
    int("A123456(3)")
except ValueError:
    log.exception("job failed", job="poll")
logging.getLogger("apscheduler").warning("missed")
def fail(): raise RuntimeError("tai.man@example.net")
thread = threading.Thread(target=fail); thread.start(); thread.join()
raise KeyError("A123456(3)")
"""


def run(stderr: int, how: str = "verbose", **environment: str) -> None:
    subprocess.run(
        [sys.executable, "-c", PROGRAM, how], stderr=stderr, env={**os.environ, **environment}, check=False
    )
    os.close(stderr)


def piped(how: str = "verbose", *, as_journal: bool = False) -> list[str]:
    reading, writing = os.pipe()
    status = os.fstat(writing)
    stream = f"{status.st_dev}:{status.st_ino}" if as_journal else ""
    run(writing, how, JOURNAL_STREAM=stream)
    with os.fdopen(reading) as said:
        return said.read().splitlines()


def test_a_journal_without_its_socket_gets_json_lines_with_priorities(tmp_path: Path) -> None:
    lines = piped(as_journal=True)
    events = [(line[:3], json.loads(line[3:])) for line in lines]
    assert [(mark, event["event"]) for mark, event in events] == [
        ("<6>", "change"),
        ("<4>", "record rejected"),
        ("<3>", "job failed"),
        ("<4>", "missed"),
        ("<2>", "uncaught error"),
        ("<2>", "uncaught error"),
    ]
    change = events[0][1]
    assert change == {
        "event": "change", "level": "info", "cycle": "c-1", "person": "p-1", "what": "account", "attributes": ["sn"],
    }  # fmt: skip
    assert "123456" not in str(lines) and "tai.man" not in str(lines)


def test_a_pipe_gets_plain_lines(tmp_path: Path) -> None:
    lines = piped()
    assert re.match(
        r"\S+Z \[info {5}\] change +attributes=\['sn'\] cycle=c-1 person=p-1 what=account$", lines[0]
    )
    assert not any("\x1b" in line or line.startswith(("{", "<")) for line in lines)


def test_a_command_that_tells_its_own_result_logs_nothing_but_what_nobody_caught() -> None:
    assert [re.sub(r"^\S+ |error=.*", "", line).strip() for line in piped("quiet")] == [
        "[critical ] uncaught error"
    ] * 2


def test_a_terminal_gets_colours() -> None:
    leader, terminal = pty.openpty()
    run(terminal)
    said = b""
    try:
        while more := os.read(leader, 65536):
            said += more
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    assert b"\x1b[" in said and b"p-1" in said and b"123456" not in said


def test_the_journal_gets_priority_and_fields(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        journal.Journal(path).warning(event="parked", level="warning", person="p-1", reason="two\nlines")
        datagram = receiver.recv(65536)
    said = b'{"event": "parked", "level": "warning", "person": "p-1", "reason": "two\\nlines"}'
    assert datagram == (
        b"MESSAGE=" + said + b"\nPRIORITY=4\nSYSLOG_IDENTIFIER=provisiond\nPROVISIOND_EVENT=parked\n"
        b"PROVISIOND_PERSON=p-1\nPROVISIOND_REASON\n\x09\0\0\0\0\0\0\0two\nlines\n"
    )
