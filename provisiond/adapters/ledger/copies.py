"""Backup and restore of a ledger of either kind, by one command each, also while it is written to.

A backup is one SQLite file with the ledger's own tables, whatever it was taken from. It is whole or is not there,
and neither a backup nor a restore is believed before its schema, its pages and its history have been checked."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Table, create_engine, delete, func, insert, select, text
from sqlalchemy.pool import NullPool

from provisiond.adapters.ledger import history, schema
from provisiond.adapters.ledger.connection import Database, streamed, translated
from provisiond.adapters.ledger.opening import check_server, make_file, opened
from provisiond.adapters.ledger.place import Place
from provisiond.adapters.ledger.tables import history_end, leadership, metadata
from provisiond.domain.errors import UnavailableError
from provisiond.ownership import own_file

_ROWS = 1000  # held in memory at a time
# Who leads is a matter of the one database: an epoch that came back would let an old leader write.
_COPIED = [table for table in metadata.sorted_tables if table is not leadership]


def backup(source: Place, file: Path) -> int:
    """Write the ledger as it is at one instant to `file`, which must not exist (0600). How many accounts."""
    if file.exists():
        raise UnavailableError("backup", f"{file} exists; nothing is overwritten, give it another name")
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    # rows are copied to tables of the present; a file as it is, so that it can be backed up before an upgrade
    with closing(opened(source, create=False, older=source.path is not None)) as database:
        try:
            make_file(part, own_file)
            with translated(), database.read() as connection:
                _copy_file(connection, part) if source.path else _copy_to_file(connection, part)
            with _reading(part) as copied:
                _check(copied, file)
                accounts = _count(copied)
            _publish(part, file)
        finally:
            for name in (part, Path(f"{part}-journal")):
                name.unlink(missing_ok=True)
    return accounts


def restore(file: Path, target: Place, fence: int | None = None) -> int:
    """Put the backup into a ledger that is missing or empty, in one transaction. How many accounts. A backup of
    an older provisiond is brought up to date on the way."""
    if not file.is_file():
        raise UnavailableError("backup", f"there is none at {file}")
    with tempfile.TemporaryDirectory(prefix="provisiond-restore-") as folder:
        copy = Path(folder) / "ledger.db"
        _checked_copy(file, copy)
        if target.path:
            make_file(target.path)
        with (
            _reading(copy) as source,
            closing(Database(target, 10, fence)) as database,
            database.write() as connection,
        ):
            _require_empty(connection, target)
            try:
                _copy_rows(source, connection)
            except ValueError:  # a date that is none: SQLite keeps what it is given
                raise UnavailableError("backup", f"{file} is damaged: a value cannot be read") from None
            _check(connection, target)
            return _count(connection)


def checked(file: Path) -> int:
    """What `restore` looks at first. How many accounts."""
    with tempfile.TemporaryDirectory(prefix="provisiond-restore-") as folder:
        copy = Path(folder) / "ledger.db"
        _checked_copy(file, copy)
        with _reading(copy) as connection:
            return _count(connection)


# -- to a file -------------------------------------------------------------------------------------------
def _copy_file(connection: Connection, part: Path) -> None:
    """SQLite's own online backup, in one step: others read and write meanwhile, none of it gets in."""
    raw: Any = connection.connection.dbapi_connection
    with closing(sqlite3.connect(part)) as copy:
        raw.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE").close()  # one file, not three


def _copy_to_file(connection: Connection, part: Path) -> None:
    """From the snapshot that the transaction of `connection` sees."""
    with _engine(f"sqlite:///{part}").begin() as copy:
        schema.upgrade(copy)
        _copy_rows(connection, copy)


def _publish(part: Path, file: Path) -> None:
    """On the disk before it has its name; a link, since a rename would overwrite."""
    _sync(part)
    try:
        os.link(part, file)
    except OSError as error:
        raise UnavailableError("backup", f"cannot write {file}: {error.strerror}") from error
    _sync(file.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- from a file -----------------------------------------------------------------------------------------
def _checked_copy(file: Path, copy: Path) -> None:
    """A private copy of the backup, upgraded and verified; the backup itself is only read."""
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as private,
        ):
            source.backup(private)
            private.execute("PRAGMA journal_mode = DELETE").close()
    except sqlite3.Error as error:
        raise UnavailableError("backup", f"{file} cannot be read: {error}") from error
    with translated(), _engine(f"sqlite:///{copy}").begin() as connection:
        if schema.current_revision(connection) is None:
            raise UnavailableError("backup", f"{file} holds no ledger")
        schema.upgrade(connection)
        _check(connection, file)


def _require_empty(connection: Connection, target: Place) -> None:
    if not target.path:
        check_server(connection)
    schema.upgrade(connection)
    if any(_holds_rows(connection, table) for table in _COPIED if table is not history_end):
        raise UnavailableError(
            "ledger", f"{target} is not empty; nothing is overwritten: move it away first, then restore"
        )


def _holds_rows(connection: Connection, table: Table) -> bool:
    return connection.execute(select(table).limit(1)).first() is not None


# -- rows ------------------------------------------------------------------------------------------------
def _copy_rows(source: Connection, target: Connection) -> None:
    target.execute(delete(history_end))
    for table in _COPIED:  # whom rows refer to comes first
        rows = streamed(source, select(table))
        while some := [row._asdict() for row in islice(rows, _ROWS)]:
            target.execute(insert(table), some)
    if target.dialect.name == "postgresql":
        _advance_sequences(target)


def _advance_sequences(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            following = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(sequence, following, False)))


# -- checks ----------------------------------------------------------------------------------------------
def _check(connection: Connection, what: object) -> None:
    if connection.dialect.name == "sqlite":
        said = connection.scalar(text("PRAGMA integrity_check"))
        if said != "ok":
            raise UnavailableError("backup", f"{what} is damaged: {said}")
    if fault := history.verified(connection):
        raise UnavailableError("backup", f"{what}: the history was tampered with or is damaged: {fault}")


def _count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(metadata.tables["account"])) or 0


@contextmanager
def _reading(path: Path) -> Iterator[Connection]:
    with translated(), _engine(f"sqlite:///{path}").connect() as connection:
        yield connection


def _engine(url: str) -> Engine:
    """Without the pragmas of a ledger in use: a copy stays one file."""
    return create_engine(url, poolclass=NullPool, hide_parameters=True)
