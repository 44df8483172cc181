"""A ledger whose disk is full, or that somebody else keeps locked: said in so many words, nothing lost, nothing done
twice, and work goes on when the cause is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.cycle import Cycle
from provisiond.domain.changes import Change
from provisiond.domain.errors import UnavailableError
from provisiond.ports import Outcome
from tests.integration.conftest import Site
from tests.rigs.directory import FakeDirectory
from tests.rigs.ledgers import a_file, committed, url
from tests.rigs.lives import ZONE, a_person, a_policy
from tests.rigs.small_disk import SmallDisk, small_disk
from tests.rigs.world import World

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(name="disk", params=["mounted", "limited"])
def a_small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", request.param) as disk:
        yield disk


def holder(path: Path) -> subprocess.Popen[bytes]:
    """Another process that has begun to write and does not end; it goes when its stdin does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout and process.stdout.readline() == b"held\n"
    return process


def let_go(process: subprocess.Popen[bytes]) -> None:
    process.communicate(timeout=20)


GROUPS = ("students", "library", "alumni")


def fifty_people() -> World:
    world = World()
    people = (str(20000000 + n) for n in range(50))
    world.registry.put(*(a_person(n, hkid_digest=None, birth_digest=n) for n in people))
    return world


# -- full ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("leave", [0, 4096, 16384, 65536])
def test_a_full_disk_is_told_and_what_was_committed_stays(disk: SmallDisk, leave: int) -> None:
    path = a_file(disk.folder)
    with closing(SqlLedger.open(url(path), create=False)) as ledger:
        disk.fill(leave)
        done = list[int]()
        with pytest.raises(UnavailableError, match=r"^ledger: .*disk is full.*make room.*nothing is lost"):
            for number in range(10, 200):
                committed(ledger, number)
                done.append(number)
        disk.make_room()
        assert ledger.verify_history() is None
        found = ledger.load(f"person-{number}" for number in range(200))
        assert {f"person-{number}" for number in (1, 2, *done)} <= set(found)
        assert all(found[f"person-{number}"].records for number in done), "whole, not by half"
        for number in range(10, 30):
            committed(ledger, number)
        assert ledger.verify_history() is None


def test_a_ledger_can_still_be_read_while_its_disk_is_full(disk: SmallDisk) -> None:
    path = a_file(disk.folder)
    with closing(SqlLedger.open(url(path), create=False)) as ledger:
        disk.fill()
        assert list(ledger.all_students()) == ["S0000001", "S0000002"]
        assert ledger.facts().waiting == 0


def test_a_cycle_on_a_full_disk_is_finished_by_the_next_one(site: Site, tmp_path: Path) -> None:
    """The command on a real directory: entries are written, their commit fails."""
    config = site.university.config
    config.write_text(config.read_text().replace('path = "ledger.db"', 'path = "disk/ledger.db"'))
    with small_disk(tmp_path / "disk") as disk:
        site.run("ledger", "init")
        for leave in (0, 100_000):
            disk.fill(leave)
            told = site.run("once", expect=75)
            assert "provisiond: ledger: " in told and "make room there" in told
        disk.make_room()
        site.run("once")
        accounts = site.json("accounts")
        assert len(accounts) == len(site.accounts())
        told_to = [i["notice"]["person_id"] for i in site.json("outbox") if i["notice"]["person_id"]]
        assert len(told_to) == len(set(told_to)) == len(accounts)
        site.run("plan")
        site.run("history", "--verify")


def test_wherever_the_disk_is_full_the_next_cycle_finishes_the_same_work(tmp_path: Path) -> None:
    """Every few thousand bytes from none to enough: at reserving, at committing, at remembering the fetch."""
    places = set[tuple[int, int]]()
    with small_disk(tmp_path / "disk") as disk:
        for leave in range(0, 400_000, 16_384):
            world, directory = fifty_people(), FakeDirectory(groups=GROUPS)
            path = disk.folder / f"{leave}.db"
            with closing(SqlLedger.open(url(path), create=True)) as ledger:
                cycle = Cycle([world.registry], directory, ledger, world.clock, a_policy(), ZONE)
                disk.fill(leave)
                try:
                    cycle.run()
                except UnavailableError as error:
                    assert "ledger: " in str(error) and "disk is full" in str(error)
                    places.add((len(directory.written), len(ledger.outbox())))
                disk.make_room()
                cycle.run()
                assert not cycle.plan().plan.is_due
                assert len(ledger.outbox()) == 50 and ledger.verify_history() is None
                assert len({change.dn for change in directory.written if change.kind == "create"}) == 50
            path.unlink()
    assert {bool(written) for written, _ in places} == {True, False}, (
        "both before and after entries were written"
    )


# -- locked ----------------------------------------------------------------------------------------------
def test_a_ledger_that_somebody_keeps_locked_is_told_and_can_still_be_read(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    with closing(SqlLedger.open(url(path), create=False, wait_seconds=0.2)) as ledger:
        other = holder(path)
        with pytest.raises(UnavailableError, match=r"^ledger: .*another process keeps it locked"):
            ledger.unpark(["person-1"])
        assert len(list(ledger.all_students())) == 2
        let_go(other)
        committed(ledger, 3)
        assert ledger.verify_history() is None


class LockedMeanwhile(FakeDirectory):
    """While it writes, somebody takes the ledger."""

    path: Path
    other: subprocess.Popen[bytes] | None = None

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        outcomes = super().apply(batches)
        if self.other is None:
            self.other = holder(self.path)
        return outcomes


def test_a_lock_between_write_and_commit_costs_a_cycle_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    world, directory = fifty_people(), LockedMeanwhile(groups=GROUPS)
    directory.path = path
    with closing(SqlLedger.open(url(path), create=True, wait_seconds=0.2)) as ledger:
        cycle = Cycle([world.registry], directory, ledger, world.clock, a_policy(), ZONE)
        with pytest.raises(UnavailableError, match=r"ledger: .*locked"):
            cycle.run()
        assert directory.other
        let_go(directory.other)
        written = len(directory.written)
        assert cycle.run().applied == 50
        assert len(directory.written) == written, "every entry was found done"
        assert len(ledger.outbox()) == 50 and not cycle.run().plan.is_due
        assert ledger.verify_history() is None
