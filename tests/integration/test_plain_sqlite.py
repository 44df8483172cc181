"""Transactions on a SQLite file by the driver: whole or not at all, and a turn that others have is waited for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock, Timer

import pytest

from provisiond.adapters.plain_sqlite import PlainFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    with closing(_opened(path)) as connection:
        connection.execute("CREATE TABLE line (text TEXT UNIQUE)")
    return path


def _opened(path: Path) -> sqlite3.Connection:
    made = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    _set_up(made)
    return made


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL").close()


@contextmanager
def file(path: Path, wait_seconds: float) -> Iterator[PlainFile]:
    with closing(PlainFile(path.as_uri(), _set_up, wait_seconds, Lock())) as made:
        yield made


def lines(made: PlainFile) -> list[str]:
    with made.read() as cursor:
        return [text for (text,) in cursor.execute("SELECT text FROM line ORDER BY rowid")]


def add(made: PlainFile, *texts: str) -> None:
    with made.write() as cursor:
        for text in texts:
            cursor.execute("INSERT INTO line VALUES (?)", (text,))


def test_what_fails_leaves_nothing_and_the_next_one_goes_on(path: Path) -> None:
    """An error of the database closes the connection, one of ours undoes its transaction."""
    with file(path, 1) as made:
        add(made, "first")
        with pytest.raises(sqlite3.IntegrityError):
            add(made, "second", "first")
        with pytest.raises(ZeroDivisionError), made.write() as cursor:
            cursor.execute("INSERT INTO line VALUES ('third')")
            _ = 1 / 0
        add(made, "fourth")
        assert lines(made) == ["first", "fourth"]


def test_who_writes_waits_for_another_connection(path: Path) -> None:
    with file(path, 30) as made, closing(_opened(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO line VALUES ('theirs')")
        Timer(0.1, lambda: other.execute("COMMIT")).start()
        add(made, "ours")
        assert lines(made) == ["theirs", "ours"]


def test_who_opens_the_file_waits_as_well(path: Path) -> None:
    """Another one is about to make it what it should be."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        Timer(0.1, lambda: other.execute("COMMIT")).start()
        with file(path, 30) as made:
            add(made, "ours")
            assert lines(made) == ["ours"]


def test_who_waited_long_enough_is_told_and_keeps_nobody_waiting(path: Path) -> None:
    """Reading goes on meanwhile; once the lock is free there is a turn again."""
    with file(path, 0.05) as made, closing(_opened(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(sqlite3.OperationalError) as caught:
                add(made, "ours")
            assert caught.value.sqlite_errorname == "SQLITE_BUSY"
        assert lines(made) == []
        other.execute("ROLLBACK")
        add(made, "ours")
        assert lines(made) == ["ours"]
