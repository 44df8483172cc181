"""The daemon in a process of its own, on a real slapd: signals, orders, outages, and who may run beside it."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from provisiond import bootstrap
from provisiond.adapters.clock import SystemClock
from provisiond.demo.sample import MAPPING
from provisiond.domain.model import Hold, HoldKind
from provisiond.settings import load
from tests.integration.conftest import CODE, Rows, Site, same_name
from tests.rigs.daemon_process import DaemonProcess, eventually, running

QUICK = '\n[daemon]\npoll_every = "2 seconds"\nretry_at_most = "2 seconds"\n'


@pytest.fixture
def daemon(site: Site) -> Iterator[DaemonProcess]:
    """At work on sixty students, all loaded."""
    with running(site, settings=QUICK + _socket(site)) as found:
        loaded(found)
        yield found


def _socket(site: Site) -> str:
    return f'[monitoring]\nlisten = "{site.university.folder / "monitor"}"\n'


def loaded(daemon: DaemonProcess) -> None:
    eventually(lambda: "cycle done" in daemon.log(), "a first cycle", daemon)


def an_account(site: Site) -> tuple[str, str]:
    row = site.json("accounts")[0]
    return row["student_id"], f"uid={row['account_name']},{site.slapd.people_base}"


def test_an_order_is_carried_out_while_the_command_waits(daemon: DaemonProcess) -> None:
    site = daemon.site
    who, dn = an_account(site)
    assert "pwdEndTime" in site.run("hold", who, "--reason", "theft") or "modify" in site.run("explain", who)
    assert "pwdEndTime" in site.entry(dn, "pwdEndTime")
    site.run("release", who, "--reason", "found")
    assert "pwdEndTime" not in site.entry(dn, "pwdEndTime")
    site.run("hold", who, "--kind", "freeze", "--reason", "inquiry")
    assert "nothing else changes" in site.run("release", who, "--reason", "over")


def test_a_held_plan_is_carried_out_when_it_is_approved(daemon: DaemonProcess) -> None:
    site = daemon.site
    site.edit(lambda row: row.update({MAPPING["status"]: CODE["withdrawn"]}))
    eventually(lambda: "waits for an operator" in daemon.log(), "a held plan", daemon)
    held = site.json("plan", expect=65)["held_hash"]
    assert "carries it out" in site.run("approve", held)
    eventually(
        lambda: {row["state"] for row in site.json("accounts")} == {"terminated"}, "it is done", daemon
    )


def test_an_order_has_its_turn_in_the_middle_of_a_long_load(site: Site) -> None:
    site.run("once")
    who, dn = an_account(site)

    def many_more(rows: Rows) -> None:
        more = rows.copy()
        same_name(900)(more)
        rows += more

    site.university.edit(many_more)
    with (
        running(site) as daemon,
        bootstrap.parts(load(site.university.config), SystemClock(), writes=False) as parts,
    ):
        eventually(lambda: len(site.accounts()) > 100, "a load", daemon)
        account = parts.ledger.find(who)
        assert account
        theft = Hold(HoldKind.LOCK, parts.clock.now(), None, "theft", "test")
        parts.ledger.hold(account.person_id, theft)
        eventually(lambda: daemon.log().count("cycle done") == 2, "the load is over", daemon)
        first, second = re.findall(r"cycle done.* applied=(\d+)", daemon.log())
        assert int(first) == 1 and int(second) >= 900, "the order did not wait for the load"
    assert "pwdEndTime" in site.entry(dn, "pwdEndTime")


def test_told_to_stop_in_a_load_it_leaves_and_the_next_run_finishes(site: Site) -> None:
    site.university.edit(same_name(700))
    with running(site) as daemon:
        eventually(lambda: len(site.accounts()) > 100, "a load", daemon)
        assert daemon.end() == 0
        assert "STOPPING=1" in daemon.told
    done = len(site.accounts())
    assert done < 700, "it did not wait for the end"
    with running(site) as daemon:
        loaded(daemon)
        assert daemon.end(signal.SIGINT) == 0
    names = {row["account_name"] for row in site.json("accounts")}
    assert len(names) == len(site.accounts()) == 700
    assert len(site.json("outbox")) == 700, "each notice decided once"
    assert "nothing is due" in site.run("plan")


def test_a_new_configuration_is_taken_over_and_a_bad_one_refused_whole(daemon: DaemonProcess) -> None:
    site, config = daemon.site, daemon.site.university.config
    good = config.read_text()
    config.write_text(good.replace('poll_every = "2 seconds"', 'poll_every = "1 hour"'))
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: "configuration reloaded" in daemon.log(), "a reload", daemon)
    config.write_text(good.replace('"2 seconds"', '"soon"') + "\n[nonsense]\n")
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: "configuration refused" in daemon.log(), "a refusal", daemon)
    told = site.run("status", expect=1)
    assert "configuration refused" in told and "daemon.poll_every" in told and "nonsense" in told
    assert any("configuration refused" in one for one in daemon.told if one.startswith("STATUS="))
    (site.university.folder / "provisiond.toml").write_text(good)
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: "trouble         none" in _status(site), "all is well", daemon)
    reloads = [one for one in daemon.told if one.startswith("RELOADING=1\nMONOTONIC_USEC=")]
    assert len(reloads) == 3
    assert daemon.told.count("READY=1") == 4
    assert daemon.process.poll() is None


def _status(site: Site) -> str:
    done = site.start("status")
    out, err = done.communicate(timeout=60)
    return out + err


def test_a_registry_that_cannot_be_read_is_told_until_it_is_back(daemon: DaemonProcess) -> None:
    site = daemon.site
    file = site.university.registry_file
    aside = file.with_suffix(".aside")
    file.rename(aside)
    eventually(lambda: "in trouble" in daemon.log() and "students.csv" in daemon.log(), "trouble", daemon)
    assert "students.csv" in site.run("status", expect=1)
    before = site.state()
    aside.rename(file)
    eventually(lambda: "well again" in daemon.log(), "it is well", daemon)
    assert site.state() == before
    site.run("status")
    assert daemon.log().count("in trouble") == 1


def test_a_slapd_that_is_killed_and_comes_back_is_gone_on_with(own_site: Site) -> None:
    site = own_site
    with running(site, settings=QUICK + _socket(site)) as daemon:
        loaded(daemon)
        site.slapd.server.kill()
        eventually(lambda: "in trouble" in daemon.log(), "trouble", daemon)
        who = site.json("accounts")[0]["student_id"]
        ordering = site.start("hold", who, "--reason", "theft")
        time.sleep(1)
        site.slapd.server.start()
        out, err = ordering.communicate(timeout=60)
        assert ordering.returncode in (0, 75), out + err
        dn = f"uid={site.json('accounts')[0]['account_name']},{site.slapd.people_base}"
        eventually(lambda: "pwdEndTime" in site.entry(dn, "pwdEndTime"), "the order is carried out", daemon)
        eventually(lambda: "trouble         none" in _status(site), "all is well", daemon)
        assert daemon.end() == 0


def test_neither_a_process_that_stands_still_nor_a_job_without_progress_feeds_the_watchdog(
    site: Site,
) -> None:
    """The ledger is locked by somebody who does not let go; the cycle waits."""
    settings = QUICK + 'stuck_after = "1 second"\n'
    with running(site, settings=settings) as daemon:
        loaded(daemon)
        eventually(lambda: daemon.pings() > 1, "a watchdog that is fed", daemon)
        daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        before = daemon.pings()
        time.sleep(2)
        assert daemon.pings() == before
        daemon.process.send_signal(signal.SIGCONT)
        eventually(lambda: daemon.pings() > before, "it goes on", daemon)
        with closing(sqlite3.connect(site.university.folder / "ledger.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            site.university.registry_file.touch()
            eventually(lambda: "fed no more" in daemon.log(), "it is stuck", daemon)
            before = daemon.pings()
            time.sleep(1.5)
            assert daemon.pings() - before <= 1
            assert daemon.process.poll() is None
            other.execute("ROLLBACK")
        eventually(lambda: "not stuck any more" in daemon.log(), "it goes on", daemon)


def test_status_tells_how_the_service_is_and_a_second_daemon_is_told_who_is_at_work(
    daemon: DaemonProcess,
) -> None:
    site = daemon.site
    refused = site.run("run", expect=75)
    assert f"pid {daemon.process.pid}" in refused and "another daemon" in refused
    assert f"pid {daemon.process.pid}" in site.run("outbox", "send", expect=75)
    assert f"pid {daemon.process.pid}" in site.run("status")
    told = site.run("status").splitlines()
    assert len(told) == 10
    assert {line.split("  ")[0] for line in told} >= {"daemon", "accounts", "outbox", "trouble"}
    found = site.json("status")
    assert found["leader"]["pid"] == daemon.process.pid
    assert {job["name"] for job in found["daemon"]["jobs"]} >= {"poll", "lookout", "lead"}
    assert daemon.end() == 0
    assert "none is running" in site.run("status", expect=1)
