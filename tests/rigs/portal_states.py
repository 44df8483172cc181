"""The portal's short memory on each kind of database, for one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from provisiond.adapters.portal_state.store import Store
from tests.rigs.ledgers import as_administrator, emptied
from tests.rigs.postgres import PASSWORD, PostgresRig

KINDS = ("sqlite", "postgresql")
Opening = Callable[[], Store]


def opening(place: str) -> Store:
    """What a process opens: a file, or a URL of a server. At the top level, for processes that begin anew."""
    if place.startswith("postgresql"):
        return Store.on_server(place, {"password": PASSWORD})
    return Store.in_file(Path(place))


def a_place(request: pytest.FixtureRequest, folder: Path) -> str:
    """Empty, of the kind that is the fixture's parameter."""
    if request.param == "sqlite":
        return str(folder / "state" / "portal.sqlite")
    return on_server(request.getfixturevalue("postgres"))


def on_server(postgres: PostgresRig) -> str:
    """URL of a database with an empty ledger and no short memory."""
    place = emptied(postgres)
    engine = create_engine(as_administrator(place))
    with engine.begin() as connection:
        for table in ("portal_session", "portal_count", "portal_failure", "portal_state_shape"):
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    engine.dispose()
    return place


@contextmanager
def opened_at(place: str) -> Iterator[Opening]:
    """Opens as often as wanted, each for itself as different portals do; all are closed."""
    with ExitStack() as stack:

        def another() -> Store:
            store = opening(place)
            stack.callback(store.close)
            return store

        yield another
