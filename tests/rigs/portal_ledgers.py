"""A ledger as the daemon and as the portal open it, on each kind of database, for one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisiond.adapters.ledger.portal import SqlPortalLedger
from provisiond.ports import Ledger
from provisiond.ports.portal import PortalLedger
from tests.rigs.ledgers import emptied, on_server, sqlite, url
from tests.rigs.postgres import PASSWORD, PostgresRig

KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Both:
    """The same ledger, twice."""

    ledger: Ledger
    portal: PortalLedger


@contextmanager
def opened_for_portal(request: pytest.FixtureRequest, folder: Path) -> Iterator[Both]:
    """Of the kind that is the fixture's parameter; a PostgreSQL server is started when a test wants it."""
    if request.param == "sqlite":
        with on_sqlite(folder) as both:
            yield both
    else:
        rig: PostgresRig = request.getfixturevalue("postgres")
        place = emptied(rig)
        with (
            closing(on_server(place)) as ledger,
            closing(SqlPortalLedger.open(place, password=PASSWORD)) as portal,
        ):
            yield Both(ledger, portal)


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Both]:
    with (
        sqlite(folder) as ledger,
        closing(SqlPortalLedger.open(url(folder / "ledger.db"))) as portal,
    ):
        yield Both(ledger, portal)
