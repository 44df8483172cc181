"""Writes to systemd's journal in its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), so that an event has a
priority and fields that `journalctl` can select. What is said is decided elsewhere."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

SOCKET = "/run/systemd/journal/socket"
PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def reads(stream: TextIO) -> bool:
    """Whether that is the journal's own stream: systemd tells its device and inode (systemd.exec(5))."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class Journal:
    """A structlog logger. Where the socket takes nothing (a container's, too long an event), the same goes to
    stderr as a line with the priority before it (sd-daemon(3)), which the journal reads as well."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path

    def msg(self, **event: Any) -> None:
        priority = PRIORITY.get(str(event.get("level")), 6)
        line = json.dumps(event, ensure_ascii=False, default=str)
        try:
            self._send(_datagram(priority, line, event))
        except OSError:
            with suppress(OSError):  # nobody reads: no reason to fail
                sys.stderr.write(f"<{priority}>{line}\n")
                sys.stderr.flush()

    debug = info = warning = error = critical = msg

    def _send(self, datagram: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(1)
            sender.sendto(datagram, self._path)


def _datagram(priority: int, line: str, event: Mapping[str, Any]) -> bytes:
    fields = {"MESSAGE": line, "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": "provisiond"}
    fields |= {f"PROVISIOND_{_field_name(k)}": _text(v) for k, v in event.items() if k != "level"}
    return b"".join(_field(name, value.encode()) for name, value in fields.items())


def _field(name: str, value: bytes) -> bytes:
    if b"\n" in value:
        return name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
    return name.encode() + b"=" + value + b"\n"


def _field_name(key: str) -> str:
    return "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in key.upper())[:50]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
