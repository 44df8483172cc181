"""How a SQLite ledger is made, found, upgraded or refused."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from provisiond.adapters.ledger import schema
from provisiond.adapters.ledger.lock import exclusive
from provisiond.adapters.ledger.place import place
from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.adapters.ledger.tables import metadata
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import NoticeStatus
from tests.rigs.ledgers import AT, a_file, url, verified
from tests.rigs.steps import a_record


@pytest.fixture(name="path")
def ledger_path(tmp_path: Path) -> Path:
    return a_file(tmp_path)


@pytest.fixture(name="raw")
def raw_access(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody with write access and another tool."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_a_new_ledger_is_readable_by_its_owner_alone(path: Path) -> None:
    with closing(SqlLedger.open(url(path), create=False)) as ledger:
        ledger.settle([], NoticeStatus.ACCEPTED, "", "sink", AT)
        modes = {
            file.name: stat.S_IMODE(file.stat().st_mode) for file in (path.parent, *path.parent.iterdir())
        }
    assert modes.pop("state") == 0o700
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


def test_a_missing_ledger_is_not_made_in_passing(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(UnavailableError, match="provisiond ledger init"):
        SqlLedger.open(url(path), create=False)
    with (
        pytest.raises(UnavailableError, match="provisiond ledger init"),
        exclusive(place(url(tmp_path / "no" / "x.db"))),
    ):
        pass
    assert not path.exists()


@pytest.mark.parametrize(
    "bad", ["mysql://db/ledger", "sqlite://", "nonsense", "sqlite:///:memory:", "postgresql://host"]
)
def test_another_kind_of_url_is_refused(bad: str) -> None:
    with pytest.raises(UnavailableError, match="sqlite:////path"):
        SqlLedger.open(bad, create=True)


def test_a_file_that_is_no_database_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("this is not a database, though it is long enough to look like one" * 20)
    with pytest.raises(UnavailableError, match="not a database"):
        SqlLedger.open(url(path), create=False)


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_schema_is_left_alone(path: Path, raw: sqlite3.Connection, create: bool) -> None:
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UnavailableError, match=r"9999 is newer than .* install the provisiond that wrote it"):
        SqlLedger.open(url(path), create=create)


def test_an_empty_file_is_a_ledger_only_after_init(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    with pytest.raises(UnavailableError, match="provisiond ledger init"):
        SqlLedger.open(url(path), create=False)
    SqlLedger.open(url(path), create=True).close()
    assert verified(path) is None


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE books (title TEXT)")
    with pytest.raises(UnavailableError, match="something else"):
        SqlLedger.open(url(path), create=True)


def test_opening_again_keeps_everything(path: Path) -> None:
    with closing(SqlLedger.open(url(path), create=True)) as ledger:
        assert ledger.load(["person-1"])["person-1"].records == (a_record(1),)
        assert list(ledger.due_students(date(2025, 9, 1))) == []


def test_the_migrations_say_the_same_as_the_tables(path: Path) -> None:
    engine = create_engine(url(path))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_the_code_knows_every_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == schema.REVISIONS
