"""Which of several daemons leads, on both kinds of ledger: one at a time, in epochs that only grow."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, func, select, text

from provisiond.adapters.ledger.connection import CYCLE, LOCKS, WRITER
from provisiond.adapters.ledger.copies import backup, restore
from provisiond.adapters.ledger.leader_file import FileLeadership
from provisiond.adapters.ledger.leader_row import RowLeadership
from provisiond.adapters.ledger.leadership import Leadership, leader, leadership
from provisiond.adapters.ledger.lock import exclusive
from provisiond.adapters.ledger.place import Place, place
from provisiond.adapters.ledger.tenure import LEASE_FOR, MARGIN_FOR
from provisiond.domain.errors import UnavailableError
from tests.rigs.ledgers import a_file, as_administrator, committed, emptied, on_server, open_at, url
from tests.rigs.postgres import PASSWORD, PostgresRig


@pytest.fixture(name="where", params=["sqlite", "postgresql"])
def ledger_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return place(url(a_file(tmp_path)))
    return place(emptied(request.getfixturevalue("postgres")), PASSWORD)


@pytest.fixture(name="made")
def leaderships(where: Place) -> Iterator[Callable[[], Leadership]]:
    found: list[Leadership] = []

    def make() -> Leadership:
        found.append(leadership(where))
        return found[-1]

    yield make
    for each in found:
        each.release()


def test_the_first_leads_and_the_second_is_told_who_does(
    where: Place, made: Callable[[], Leadership]
) -> None:
    first, second = made(), made()
    assert leader(where) is None
    assert first.acquire() and first.acquire()
    assert not second.acquire()
    assert first.holds() and first.renew() and not second.holds() and not second.renew()
    found = leader(where)
    assert found and (found.pid, found.node, found.epoch) == (os.getpid(), os.uname().nodename, first.epoch)
    assert found.since <= found.renewed_at
    assert str(found).startswith(f"provisiond (pid {os.getpid()} on ")


def test_whoever_lets_go_is_followed_at_once_in_a_later_epoch(
    where: Place, made: Callable[[], Leadership]
) -> None:
    first, second = made(), made()
    assert first.acquire()
    first.release()
    first.release()
    assert not first.holds() and not first.renew() and leader(where) is None
    assert second.acquire() and second.epoch == first.epoch + 1
    assert not first.acquire()


def test_a_ledger_is_written_to_as_long_as_its_epoch_lasts(
    where: Place, made: Callable[[], Leadership]
) -> None:
    first, second = made(), made()
    assert first.acquire() and first.tenure
    with closing(open_at(where, epoch=first.epoch)) as ledger:
        committed(ledger, 3)
        first.release()
        assert second.acquire()
        with pytest.raises(UnavailableError, match="leadership: lost"), first.tenure.sending():
            pytest.fail("sent")
        if not where.path:  # beside a file nobody else can lead as long as the process lives
            with pytest.raises(UnavailableError, match="leadership: lost"):
                committed(ledger, 4)
            assert "S0000004" not in list(ledger.all_students())


# -- a SQLite ledger -------------------------------------------------------------------------------------
def test_a_leader_whose_lock_file_was_taken_away_leads_no_more(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    first, second = FileLeadership(path), FileLeadership(path)
    assert first.acquire()
    path.with_name("ledger.db.leader").unlink()
    assert second.acquire()
    assert not first.renew() and not first.holds()
    assert second.renew()
    second.release()


def test_a_lock_file_that_was_cut_is_no_reason_to_fail(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    path.with_name("ledger.db.leader").write_text('{"pid": ')
    first = FileLeadership(path)
    assert first.acquire() and first.epoch == 1
    path.with_name("ledger.db.leader").write_text("")
    assert "unknown" in str(leader(place(url(path))))
    first.release()


# -- a lease on PostgreSQL -------------------------------------------------------------------------------
class Ticks:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Pair:
    """Two daemons with clocks of their own; the first one leads, and the second has seen it."""

    where: Place
    first_clock: Ticks = field(default_factory=Ticks)
    second_clock: Ticks = field(default_factory=Ticks)

    def __post_init__(self) -> None:
        self.first = RowLeadership(self.where, self.first_clock)
        self.second = RowLeadership(self.where, self.second_clock)
        assert self.first.acquire() and not self.second.acquire()


@pytest.fixture
def pair(postgres: PostgresRig) -> Iterator[Pair]:
    found = Pair(place(emptied(postgres), PASSWORD))
    yield found
    found.first.release()
    found.second.release()


@pytest.fixture(name="raw")
def raw_access(pair: Pair) -> Iterator[Connection]:
    engine = create_engine(as_administrator(pair.where.url.render_as_string()), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_leader_that_is_silent_for_a_lease_is_overtaken_though_it_keeps_its_lock(pair: Pair) -> None:
    """As a stopped process does."""
    pair.second_clock.at += LEASE_FOR - 0.1
    assert not pair.second.acquire()
    pair.second_clock.at += 0.1
    assert pair.second.acquire()
    assert pair.second.epoch == pair.first.epoch + 1
    assert not pair.first.renew() and not pair.first.holds()


def test_a_leader_that_renews_is_not_overtaken(pair: Pair) -> None:
    for _ in range(20):
        pair.first_clock.at += 2
        pair.second_clock.at += 2
        assert pair.first.renew() and not pair.second.acquire()


def test_a_leader_writes_no_more_before_others_may_take_over(pair: Pair) -> None:
    pair.first_clock.at += LEASE_FOR - MARGIN_FOR - 0.1
    assert pair.first.holds()
    pair.first_clock.at += 0.1
    assert not pair.first.holds()
    assert pair.first.renew() and pair.first.holds(), "nobody took over: it was only late"


def test_whoever_lost_its_connection_lets_others_lead(pair: Pair, raw: Connection) -> None:
    _cut_off(raw, "provisiond leader (%")
    assert not pair.first.renew() and not pair.first.holds()
    assert not pair.first.acquire(), "it waits for a whole lease itself"
    pair.second_clock.at += LEASE_FOR
    # its own was cut as well
    assert pair.second.acquire()
    assert not pair.first.holds() and pair.first.epoch < pair.second.epoch


def test_a_lonely_daemon_leads_again_after_its_connection_was_cut(pair: Pair, raw: Connection) -> None:
    before, old = pair.first.epoch, pair.first.tenure
    _cut_off(raw, "provisiond leader (%")
    assert not pair.first.renew() and not pair.first.acquire()
    pair.first_clock.at += LEASE_FOR
    assert pair.first.acquire() and pair.first.epoch == before + 1
    assert old and not old.holds(), "what was made in the time before stays shut"


def test_locks_of_a_stopped_leader_are_taken_from_it(pair: Pair, raw: Connection) -> None:
    """Its sessions live on: in the middle of a cycle, in the middle of a write."""
    with exclusive(pair.where) as fence, closing(on_server(_url(pair), fence=fence, epoch=1)) as stopped:
        with pytest.raises(UnavailableError), stopped._db.write():
            assert not _free(raw, WRITER) and not _free(raw, CYCLE)
            pair.second_clock.at += LEASE_FOR
            assert pair.second.acquire()
        with exclusive(pair.where), closing(on_server(_url(pair), epoch=pair.second.epoch)) as ledger:
            committed(ledger, 1)
        with pytest.raises(UnavailableError):
            committed(stopped, 2)


def test_a_silent_server_ends_the_leading_in_time(pair: Pair, raw: Connection) -> None:
    pair.first_clock.at += LEASE_FOR - MARGIN_FOR - 0.3
    raw.execute(text("BEGIN; LOCK TABLE leadership IN ACCESS EXCLUSIVE MODE"))
    try:
        assert not pair.first.renew() and not pair.first.holds()
    finally:
        raw.execute(text("ROLLBACK"))


def test_a_restored_backup_brings_no_epoch_back(pair: Pair, tmp_path: Path) -> None:
    backup(pair.where, tmp_path / "backup.db")
    target = place(url(tmp_path / "other" / "ledger.db"))
    restore(tmp_path / "backup.db", target)
    assert leader(target) is None
    with closing(sqlite3.connect(tmp_path / "other" / "ledger.db")) as copied:
        assert copied.execute("SELECT * FROM leadership").fetchall() == []


def _cut_off(raw: Connection, names: str) -> None:
    raw.execute(
        text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE :names"),
        {"names": names},
    )


def _free(raw: Connection, lock: int) -> bool:
    return bool(raw.scalar(select(func.pg_try_advisory_lock(LOCKS, lock))))


def _url(pair: Pair) -> str:
    return pair.where.url.render_as_string()
