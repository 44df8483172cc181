"""All ledgers, opened for one test, and what tests of them say often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete, insert, text
from sqlalchemy.engine import URL

from provisiond.adapters.ledger.chain import START
from provisiond.adapters.ledger.place import Place, place
from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.adapters.ledger.tables import history_end, metadata
from provisiond.domain.model import (
    State,
)
from provisiond.ports import Ledger
from tests.rigs.ledger import FakeLedger
from tests.rigs.postgres import ACCOUNT, PASSWORD, PostgresRig
from tests.rigs.steps import a_record, a_step

AT = datetime(2025, 9, 1, 8, 30, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
TODAY = date(2025, 9, 1)
NEXT_YEAR = date(2026, 9, 1)
DOMAIN = "connect.example.edu"


@contextmanager
def fake(_folder: Path) -> Iterator[Ledger]:
    yield FakeLedger()


@contextmanager
def sqlite(folder: Path) -> Iterator[Ledger]:
    with closing(SqlLedger.open(f"sqlite:///{folder}/ledger.db", create=True)) as ledger:
        yield ledger


LEDGERS: dict[str, Callable[[Path], AbstractContextManager[Ledger]]] = {"fake": fake, "sqlite": sqlite}
KINDS = (*LEDGERS, "postgresql")


@contextmanager
def opened(request: pytest.FixtureRequest, folder: Path) -> Iterator[Ledger]:
    """Of the kind that is the fixture's parameter; a PostgreSQL server is started when a test wants it."""
    if request.param in LEDGERS:
        with LEDGERS[request.param](folder) as ledger:
            yield ledger
    else:
        rig: PostgresRig = request.getfixturevalue("postgres")
        with closing(on_server(emptied(rig))) as server_ledger:
            yield server_ledger


def emptied(rig: PostgresRig) -> str:
    """URL of the one ledger of this server, without anything in it: making a new one takes longer."""
    url = _made(rig)
    engine = create_engine(as_administrator(url))
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))  # no triggers
        for table in metadata.sorted_tables:
            connection.execute(delete(table))
        connection.execute(insert(history_end), [{"id": 1, "seq": 0, "hash": START}])
    engine.dispose()
    return url


def as_administrator(url: str) -> URL:
    return place(url).url.set(username=ACCOUNT, password=PASSWORD)


@cache
def _made(rig: PostgresRig) -> str:
    url = rig.ledger_url()
    on_server(url, create=True).close()
    return url


def open_at(where: Place, *, create: bool = False, epoch: int | None = None) -> SqlLedger:
    url = where.url.render_as_string(hide_password=False)
    return SqlLedger.open(url, create=create, password=where.password, epoch=epoch)


def on_server(
    url: str,
    *,
    create: bool = False,
    wait_seconds: float = 10,
    fence: int | None = None,
    epoch: int | None = None,
) -> SqlLedger:
    return SqlLedger.open(
        url, create=create, wait_seconds=wait_seconds, password=PASSWORD, fence=fence, epoch=epoch
    )


def committed(ledger: Ledger, number: int = 1, state: State = State.PENDING) -> str:
    """A person with an account, one record, carried out, not due before next year."""
    step = a_step(number, to_state=state, next_on=NEXT_YEAR)
    assert ledger.reserve([step], DOMAIN, AT) == []
    ledger.commit([step], {step.person_id: [a_record(number)]}, AT)
    return step.person_id


def events(ledger: Ledger, person_id: str | None = None) -> list[str]:
    return [line.event for line in ledger.history(person_id)]


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def a_file(folder: Path) -> Path:
    """Where a SQLite ledger with two people lies."""
    path = folder / "state" / "ledger.db"
    with closing(SqlLedger.open(url(path), create=True)) as ledger:
        committed(ledger, 1)
        committed(ledger, 2)
    return path


def verified(path: Path) -> str | None:
    with closing(SqlLedger.open(url(path), create=False)) as ledger:
        return ledger.verify_history()
