"""What only a real file can show of the SQLite ledger: durability, tampering, locks, schema, permissions."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from provisiond.adapters.ledger.connection import Database
from provisiond.adapters.ledger.lock import exclusive
from provisiond.adapters.ledger.place import place
from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.domain.errors import UnavailableError
from tests.rigs.ledgers import AT, DOMAIN, a_file, committed, url, verified
from tests.rigs.steps import a_record, a_step


@pytest.fixture(name="path")
def ledger_path(tmp_path: Path) -> Path:
    return a_file(tmp_path)


@pytest.fixture(name="raw")
def raw_access(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody with write access and another tool."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


# -- durability ------------------------------------------------------------------------------------------
WRITER = """
import sys
from tests.rigs.ledgers import a_file, url, verified, committed
from provisiond.adapters.ledger.sql import SqlLedger
ledger = SqlLedger.open(sys.argv[1], create=False)
for number in range(100, 100000):
    committed(ledger, number)
    print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_was_told_is_committed(path: Path) -> None:
    """SIGKILL in the middle of commits: all that was acknowledged is there, nothing is there by half."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(40)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().split(b"\n")[:-1]]
    with closing(SqlLedger.open(url(path), create=False)) as ledger:
        found = ledger.load(f"person-{number}" for number in acknowledged)
        assert len(found) == len(acknowledged)
        assert all(one.applied and one.records for one in found.values())
        assert ledger.verify_history() is None
        committed(ledger, 99)


def test_the_log_is_written_ahead_and_synced_in_full(path: Path) -> None:
    database = Database(place(url(path)), 1)
    with database.read() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 1000}


def test_a_failed_commit_leaves_nothing_behind(path: Path) -> None:
    with closing(SqlLedger.open(url(path), create=False)) as ledger:
        before = ledger.history()
        naive = datetime(2025, 9, 1)  # noqa: DTZ001 (the mistake is the point)
        with pytest.raises(UnavailableError):
            ledger.reserve([a_step(3)], DOMAIN, naive)
        assert ledger.history() == before
        assert ledger.load(["person-3"]) == {}


# -- tampering -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history SET actor = 'somebody else' WHERE seq = 2",
        "DELETE FROM history WHERE seq = 2",
        "DELETE FROM identifier WHERE value = 'name1'",
        "UPDATE identifier SET person_id = 'person-2' WHERE value = 'name1'",
        "UPDATE identifier SET value = 'other' WHERE value = 'name1'",
        "DELETE FROM account WHERE person_id = 'person-1'",
        "UPDATE account SET account_name = 'other' WHERE person_id = 'person-1'",
    ],
)
def test_what_is_for_ever_cannot_be_changed_in_passing(raw: sqlite3.Connection, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(statement)


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("UPDATE history SET actor = 'somebody else' WHERE seq = 2", "line 2 of the history was changed"),
        ("UPDATE history SET person_id = 'person-2' WHERE seq = 2", "line 2 of the history was changed"),
        ("UPDATE history SET detail = '{}' WHERE seq IN (3, 4)", "line 3 of the history was changed"),
        ("UPDATE history SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 1", "line 1 of the history"),
        ("UPDATE history SET at = 'yesterday' WHERE seq = 3", "instant cannot be read"),
        ("DELETE FROM history WHERE seq = 1", "line 1 of the history is missing"),
        ("DELETE FROM history WHERE seq = 3", "line 3 of the history is missing"),
        ("DELETE FROM history WHERE seq >= 3", "ends with line 2, though line 4 was the last one written"),
        ("DELETE FROM history_end", "the history ends"),
    ],
)
def test_tampering_with_the_history_shows(
    path: Path, raw: sqlite3.Connection, statement: str, shown: str
) -> None:
    """Whoever drops the triggers first still breaks the chain."""
    assert verified(path) is None
    raw.execute("DROP TRIGGER history_update_forbidden")
    raw.execute("DROP TRIGGER history_delete_forbidden")
    raw.execute(statement)
    assert shown in (verified(path) or "")


def test_the_database_itself_forbids_reuse_of_a_name(raw: sqlite3.Connection) -> None:
    """The second lock, should the code ever forget to look."""
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        raw.execute("INSERT INTO identifier VALUES ('name1', 'alias', 'person-2', '2025-09-01')")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        raw.execute("UPDATE account SET uid_number = 100001 WHERE person_id = 'person-2'")


# -- locks -----------------------------------------------------------------------------------------------
def test_a_second_cycle_is_refused_and_told_who_is_at_work(path: Path) -> None:
    with (
        exclusive(place(url(path))),
        pytest.raises(UnavailableError, match=rf"another provisiond \(pid {os.getpid()}\) is at work"),
        exclusive(place(url(path))),
    ):
        pytest.fail("two cycles at once")
    with exclusive(place(url(path))):
        assert stat.S_IMODE(path.with_name("ledger.db.lock").stat().st_mode) == 0o600


def test_a_dead_cycle_holds_no_lock(path: Path) -> None:
    program = (
        "import os, sys; from provisiond.adapters.ledger.place import place"
        "; from provisiond.adapters.ledger.lock import exclusive\n"
        "with exclusive(place(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, url(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with exclusive(place(url(path))):
        pass


def test_a_write_that_cannot_have_the_lock_is_refused_and_reads_go_on(
    path: Path, raw: sqlite3.Connection
) -> None:
    with closing(SqlLedger.open(url(path), create=False, wait_seconds=0.01)) as ledger:
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="database is locked"):
            ledger.activate("person-1", "portal", AT)
        assert ledger.population() == 2
        raw.execute("ROLLBACK")
        ledger.activate("person-1", "portal", AT)


def test_errors_show_nothing_of_what_was_stored(path: Path, raw: sqlite3.Connection) -> None:
    raw.execute("DROP TABLE record")
    secret = a_record(1)
    with (
        closing(SqlLedger.open(url(path), create=False)) as ledger,
        pytest.raises(UnavailableError) as caught,
    ):
        ledger.commit([a_step(1, new=False)], {"person-1": [secret]}, AT)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__cause__}"
    assert secret.birth_digest not in shown
    assert secret.surname not in shown
