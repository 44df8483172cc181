"""`provisiond portal` as a process: on a real slapd and a SQLite ledger, seen by systemd, nginx and its watchers."""

from __future__ import annotations

import json
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import closing

import pytest

from provisiond import bootstrap_portal
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.ledger.portal import SqlPortalLedger
from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.adapters.monitor import asked
from provisiond.adapters.vault import Vault
from provisiond.listening import Place
from provisiond.ports.portal import CodeSet
from provisiond.ports.short_memory import WebSession
from provisiond.settings import load_portal
from tests.integration.conftest import Site
from tests.rigs.daemon_process import DaemonProcess, eventually, running
from tests.rigs.ledgers import AT, committed, url
from tests.rigs.portal_process import answered, portal_section, with_secrets


@pytest.fixture
def prepared(own_site: Site) -> Site:
    return with_secrets(own_site)


@pytest.fixture
def portal(prepared: Site) -> Iterator[DaemonProcess]:
    with running(prepared, settings=portal_section(prepared.university.folder), verb="portal") as process:
        yield process


def _watched(portal: DaemonProcess, page: str) -> tuple[int, dict[str, object]]:
    said = asked(Place(path=portal.site.university.folder / "monitor.sock"), page)
    assert said is not None
    return said[0], json.loads(said[1])


def test_it_serves_on_its_socket(portal: DaemonProcess) -> None:
    """To owner and group only, under its own name only."""
    assert answered(portal, "/") == 200
    assert answered(portal, "/", host="other.example.edu") == 421
    mode = (portal.site.university.folder / "http.sock").stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660


def test_the_watchdog_is_fed_by_a_page_that_came(portal: DaemonProcess) -> None:
    """… which leaves no line in the log, as everything else does, without its query."""
    eventually(lambda: portal.pings(), "the watchdog is fed", portal)
    assert "route=/ " not in portal.log()
    answered(portal, "/terms?code=SECRET")
    eventually(lambda: "route=/terms" in portal.log(), "a line in the log", portal)
    assert "SECRET" not in portal.log()


def test_watchers_are_told_what_is_away(portal: DaemonProcess) -> None:
    assert _watched(portal, "/healthz")[0] == 200
    status, told = _watched(portal, "/readyz")
    assert status == 200 and told == {"ready": True, "away": []}, told
    portal.site.slapd.server.kill()
    status, told = _watched(portal, "/readyz")
    assert status == 503 and "directory" in str(told["away"])
    assert answered(portal, "/") == 200


def test_what_it_answered_is_counted(portal: DaemonProcess) -> None:
    """By page, never by what somebody asked for; its own look at itself is not counted."""
    answered(portal, "/terms?code=SECRET")
    answered(portal, "/no/such/SECRET")
    said = asked(Place(path=portal.site.university.folder / "monitor.sock"), "/metrics")
    assert said is not None
    text = said[1].decode()
    assert 'requests_total{route="/terms",status="200"} 1.0' in text
    assert 'requests_total{route="-",status="404"} 1.0' in text
    assert "SECRET" not in text and 'route="/",' not in text


def test_a_request_that_meets_a_system_away_is_counted(portal: DaemonProcess) -> None:
    portal.site.slapd.server.kill()
    assert answered(portal, "/directory?name=chan") == 503
    said = asked(Place(path=portal.site.university.folder / "monitor.sock"), "/metrics")
    assert said is not None and 'portal_away_total{system="directory"} 1.0' in said[1].decode()


def test_status_says_in_a_line_whether_it_answers(portal: DaemonProcess) -> None:
    """Without a say in the exit code: the portal may run on another machine."""
    site = portal.site
    assert "\nportal          serves, every system answers\n" in site.run("status", expect=1)
    site.slapd.server.kill()
    assert "serves, but directory: " in site.json("status", expect=1)["portal"]
    portal.end(signal.SIGTERM)
    assert "\nportal          nobody answers at " in site.run("status", expect=1)


def test_it_ends_in_order(portal: DaemonProcess) -> None:
    """Told to stop it says so, closes its socket and leaves with 0, also while a client keeps a connection."""
    folder = portal.site.university.folder
    with socket.socket(socket.AF_UNIX) as idle:
        idle.connect(str(folder / "http.sock"))
        assert portal.end(signal.SIGTERM) == 0
    assert "STOPPING=1" in portal.told
    assert not (folder / "http.sock").exists()


def test_a_hang_up_changes_nothing(portal: DaemonProcess) -> None:
    portal.process.send_signal(signal.SIGHUP)
    eventually(lambda: "not reloaded" in portal.log(), "it is told", portal)
    assert answered(portal, "/") == 200


def test_check_tells_whether_it_could_start(prepared: Site) -> None:
    us = prepared.university
    us.config.write_text(us.config.read_text() + portal_section(us.folder))
    said = prepared.run("portal", "--check")
    assert "every system answers" in said and "Second factors" not in said
    us.keep_secret("portal", "a wrong one")
    assert "portal.password_file" in prepared.run("portal", "--check", expect=78)
    us.keep_secret("factor-key", "short")
    assert "portal.factor_key_file" in prepared.run("portal", "--check", expect=78)


def test_check_tries_whether_second_factors_can_be_read(prepared: Site) -> None:
    """… and names the key and its file when one cannot."""
    us = prepared.university
    us.config.write_text(us.config.read_text() + portal_section(us.folder))
    place = url(us.folder / "ledger.db")
    with closing(SqlLedger.open(place, create=False)) as ledger:
        person = committed(ledger)
    with closing(SqlPortalLedger.open(place)) as portal:
        begun = portal.begin_factor(person, Vault([b"\x0f" * 32]).seal(b"secret", person), AT)
        codes = CodeSet(b"salt", frozenset(), AT)
        assert portal.complete_activation(person, begun.id, 1, codes, ("1", AT), AT)
    assert "Second factors can be read" in prepared.run("portal", "--check")
    us.keep_secret("factor-key", "0e" * 32)
    for verb in (("portal", "--check"), ("check",)):
        assert "put the former key back" in prepared.run(*verb, expect=78)
    us.keep_secret("factor-key", "0e" * 32 + "\n" + "0f" * 32)
    assert "Second factors can be read" in prepared.run("portal", "--check")


def test_check_says_the_same_of_the_portal(prepared: Site) -> None:
    """… and both say what is no fault and still worth a thought."""
    us = prepared.university
    us.config.write_text(us.config.read_text() + portal_section(us.folder))
    told = prepared.run("check")
    assert "ok  portal\n" in told
    notes = [line for line in told.splitlines() if line.startswith("note portal: ")]
    assert len(notes) == 3 and "its owner alone" in notes[0] and "a sample" in notes[1]
    assert all(note in prepared.run("portal", "--check") for note in notes)
    us.keep_secret("reader", "a wrong one")
    assert "portal.reader_password_file" in prepared.run("check", expect=78)
    us.keep_secret("factor-key", "short")
    assert "portal.factor_key_file" in prepared.run("check", expect=78)


def test_an_operator_ends_every_log_in_of_a_person(prepared: Site) -> None:
    us = prepared.university
    us.config.write_text(us.config.read_text() + portal_section(us.folder))
    prepared.run("once")
    student = prepared.json("accounts")[0]["student_id"]
    person = prepared.json("explain", student)["person_id"]
    settings = load_portal(us.config)
    with bootstrap_portal.opened(settings, SystemClock()) as opened:
        sessions, at = opened.desk.sessions, opened.desk.clock.now()
        for token, whose in (("a" * 43, person), ("b" * 43, person), ("c" * 43, "somebody-else")):
            sessions.keep(token, WebSession(whose, "member", {}, at, at, at, at, "/"))
        assert "2 log-ins ended" in prepared.run("log-out", student, "--reason", "stolen laptop")
        assert [bool(sessions.load(token * 43, at)) for token in "abc"] == [False, False, True]
    assert "stolen laptop" in prepared.run("history", student)
