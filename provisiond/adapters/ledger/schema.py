"""Brings the database to the schema this code needs, or says why it cannot and what to do next.
The steps themselves are Alembic versions under migrations/."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from provisiond.adapters.ledger import portal_tables  # noqa: F401 (they belong to the schema once imported)
from provisiond.domain.errors import UnavailableError

# Oldest first; the last one is what this code reads and writes. A test compares it with migrations/.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011")
MAKE = "run `provisiond ledger init`, which makes or upgrades it"
MIGRATIONS = Path(__file__).parent / "migrations"


def current_revision(connection: Connection) -> str | None:
    """What the database says of itself; None for an empty one."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return str(found) if found is not None else None
    if tables:
        raise UnavailableError(
            "ledger",
            "this database holds tables of something else; give the ledger a file of its own",
            lasts=True,
        )
    return None


def check(connection: Connection, *, older: bool = False) -> None:
    """Raise UnavailableError unless the schema is the one of this code (or `older` will do)."""
    found = current_revision(connection)
    _refuse_newer(found)
    if found is None or (found != REVISIONS[-1] and not older):
        raise UnavailableError(
            "ledger",
            f"its schema is {found or 'empty'}, this provisiond needs {REVISIONS[-1]}; {MAKE}",
            lasts=True,
        )


def upgrade(connection: Connection) -> None:
    """Bring it up to date within the transaction of `connection`."""
    found = current_revision(connection)
    _refuse_newer(found)
    if found == REVISIONS[-1]:
        return
    # Imported where it is needed: Alembic is slow to load and a current ledger does not need it.
    from alembic.command import upgrade as alembic_upgrade
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    alembic_upgrade(config, "head")


def _refuse_newer(found: str | None) -> None:
    if found is not None and found not in REVISIONS:
        raise UnavailableError(
            "ledger",
            f"its schema {found} is newer than {REVISIONS[-1]}, the newest this provisiond knows; "
            "install the provisiond that wrote it, or restore the backup made before",
            lasts=True,
        )
