"""What systemd is told, on a real socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisiond.adapters.service_manager import ServiceManager

Ends = tuple[ServiceManager, socket.socket]


@pytest.fixture(params=["path", "abstract"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ends]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@provisiond-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0"))
        listener.settimeout(5)
        yield ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"}), listener


def test_each_message_is_one_datagram(ends: Ends) -> None:
    manager, listener = ends
    manager.ready()
    manager.status("poll: apply 1 of 2\nREADY=1")
    manager.feed_watchdog()
    manager.stopping()
    told = [listener.recv(4096).decode() for _ in range(4)]
    assert told == ["READY=1", "STATUS=poll: apply 1 of 2 READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_a_reload_names_its_instant_in_the_same_datagram(ends: Ends) -> None:
    manager, listener = ends
    manager.reloading()
    first, second = listener.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    assert abs(int(second.removeprefix("MONOTONIC_USEC=")) / 1e6 - time.monotonic()) < 60


def test_the_same_status_is_told_once(ends: Ends) -> None:
    manager, listener = ends
    for text in ("idle", "idle", "busy"):
        manager.status(text)
    assert [listener.recv(4096) for _ in range(2)] == [b"STATUS=idle", b"STATUS=busy"]


def test_without_a_service_manager_or_with_a_dead_one_nothing_happens(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "1"}):
        manager = ServiceManager(environment)
        manager.ready()
        manager.feed_watchdog()
