"""`provisiond portal` in several processes behind one socket: whatever becomes of one, somebody answers."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provisiond.adapters.monitor import asked
from provisiond.listening import Place
from tests.integration.conftest import Site
from tests.rigs.daemon_process import DaemonProcess, eventually, running
from tests.rigs.portal_process import answered, portal_section, with_secrets


@pytest.fixture
def portal(own_site: Site) -> Iterator[DaemonProcess]:
    two = portal_section(own_site.university.folder, processes=2)
    with running(with_secrets(own_site), settings=two, verb="portal") as process:
        yield process


def _processes(portal: DaemonProcess) -> set[int]:
    """Those that answer; the parent has one more, in which multiprocessing keeps its books."""
    children = Path(f"/proc/{portal.process.pid}/task/{portal.process.pid}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_they_answered_is_counted_together(portal: DaemonProcess) -> None:
    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(lambda _: answered(portal, "/terms"), range(40))) == {200}
    said = asked(Place(path=portal.site.university.folder / "monitor.sock"), "/metrics")
    assert said is not None and said[0] == 200
    text = said[1].decode()
    assert re.search(r'^provisiond_portal_requests_total{route="/terms",status="200"} 40.0$', text, re.M), (
        text
    )
    assert "provisiond_portal_seconds_count 40.0" in text and "provisiond_build_info{" in text


def test_each_has_a_processor_of_its_own(portal: DaemonProcess) -> None:
    """… where there are enough."""
    ours = os.sched_getaffinity(0)
    places = [os.sched_getaffinity(pid) for pid in _processes(portal)]
    assert len(places) == 2
    if len(ours) > 1:
        assert all(len(place) == 1 for place in places) and places[0] != places[1]
    else:
        assert places == [ours, ours]


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
def test_one_that_is_gone_is_replaced_and_the_portal_answers_on(
    portal: DaemonProcess, fate: signal.Signals
) -> None:
    before = _processes(portal)
    gone = min(before)
    os.kill(gone, fate)
    assert answered(portal, "/terms") == 200
    eventually(lambda: len(_processes(portal) - before) == 1, "another one", portal)
    eventually(lambda: f"gone={gone}" in portal.log(), "a line in the log", portal)
    assert "portal process replaced" in portal.log() and answered(portal, "/terms") == 200
    assert portal.end(signal.SIGTERM) == 0
    assert not any(map(_is_there, before))


def test_none_is_left_behind_by_a_parent_that_is_killed(portal: DaemonProcess) -> None:
    orphans = _processes(portal)
    assert len(orphans) == 2
    portal.process.kill()
    portal.process.wait(10)
    eventually(lambda: not any(map(_is_there, orphans)), "all have left")


def test_told_to_stop_while_it_starts_it_leaves_in_order(own_site: Site) -> None:
    """As systemd tells it: all processes at once."""
    two = portal_section(own_site.university.folder, processes=2)
    starting = DaemonProcess(with_secrets(own_site), settings=two, verb="portal")
    try:
        eventually(lambda: len(_processes(starting)) == 2, "they are started", starting)
        for pid in (*_processes(starting), starting.process.pid):
            os.kill(pid, signal.SIGTERM)
        assert starting.process.wait(15) == 0, starting.log()
    finally:
        starting.close()


def test_where_none_can_start_any_more_the_portal_ends(portal: DaemonProcess) -> None:
    """With 75, so that systemd tries again: the ledger may come back."""
    ledger = portal.site.university.folder / "ledger.db"
    ledger.rename(ledger.with_suffix(".away"))
    os.kill(min(_processes(portal)), signal.SIGKILL)
    assert portal.process.wait(60) == 75
    assert "portal process not started" in portal.log() and "Traceback" not in portal.log()
