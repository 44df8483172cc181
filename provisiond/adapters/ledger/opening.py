"""Opens a ledger where it lies, or makes it; refuses what would not keep our promises."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, text

from provisiond.adapters.ledger import schema
from provisiond.adapters.ledger.connection import Database
from provisiond.adapters.ledger.place import Place
from provisiond.domain.errors import UnavailableError
from provisiond.ownership import opened_file


def opened(
    place: Place,
    *,
    create: bool,
    wait_seconds: float = 10,
    fence: int | None = None,
    epoch: int | None = None,
    older: bool = False,
) -> Database:
    """`create` also makes the file (0600, its folder 0700; on a server the database must be there) and upgrades
    the schema; without it a missing or outdated ledger (unless `older` will do) is an UnavailableError."""
    if place.path and create:
        make_file(place.path)
    elif place.path and not _is_there(place.path):
        raise UnavailableError("ledger", f"there is none at {place.path}; {schema.MAKE}", lasts=True)
    database = Database(place, wait_seconds, fence, epoch)
    try:
        with database.write() if create else database.read() as connection:
            if not place.path:
                check_server(connection)
            if create:
                schema.upgrade(connection)
            else:
                schema.check(connection, older=older)
    except BaseException:
        database.close()
        raise
    return database


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError as error:
        reason = f"{path.parent} is not open to this user; daemon and portal share /var/lib/provisiond-ledger"
        raise UnavailableError("ledger", reason, lasts=True) from error


def check_server(connection: Connection) -> None:
    if connection.scalar(text("SHOW server_encoding")) != "UTF8":
        raise UnavailableError(
            "ledger",
            "the database is not in UTF-8; CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
            lasts=True,
        )
    if connection.scalar(text("SHOW synchronous_commit")) == "off":
        raise UnavailableError(
            "ledger",
            "synchronous_commit is off: what was committed could be lost; set it to on",
            lasts=True,
        )


def make_file(path: Path, opened: Callable[[Path], int] = opened_file) -> None:
    """The file before SQLite makes it, so that it (and the WAL, which takes its mode) is never readable to
    others. `opened` says whose it is."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(opened(path))
    except OSError as error:
        raise UnavailableError("ledger", f"cannot make {path}: {error.strerror}") from error
