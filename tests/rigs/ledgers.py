"""Both ledgers, opened for one test; PostgreSQL will be one more entry. And what tests of them say often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.domain.model import (
    State,
)
from provisiond.ports import Ledger
from tests.rigs.ledger import FakeLedger
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
