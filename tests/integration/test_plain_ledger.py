"""What the portal asks of a ledger in a file at every attempt, where that file is away or damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Lock

import pytest

from provisiond.adapters.ledger import proofs
from provisiond.adapters.ledger.plain import PlainLedger
from provisiond.adapters.ledger.portal import SqlPortalLedger
from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.domain.errors import UnavailableError
from tests.rigs.ledgers import AT, committed, url


def _rows(path: Path) -> list[object]:
    with closing(PlainLedger(path, 1, Lock())) as plain:
        return plain.rows(proofs.PROOFS, student="20000001")


def test_nobody_is_found_in_a_ledger_without_people(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    SqlLedger.open(url(path), create=True).close()
    assert _rows(path) == []


def test_a_ledger_that_is_away_is_told_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with pytest.raises(UnavailableError) as caught:
        _rows(path)
    assert caught.value.system == "ledger" and not path.exists()


def test_a_damaged_ledger_is_told_without_what_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is not a database, however long one looks at it" * 100)
    with pytest.raises(UnavailableError) as caught:
        _rows(path)
    assert caught.value.system == "ledger" and "20000001" not in str(caught.value)


def test_an_acceptance_waits_no_longer_than_it_may(tmp_path: Path) -> None:
    """What keeps the ledger locked is told, and the next one goes through."""
    path = tmp_path / "ledger.db"
    with closing(SqlLedger.open(url(path), create=True)) as ledger:
        person = committed(ledger, 1)
    with (
        closing(SqlPortalLedger.open(url(path), wait_seconds=0.05)) as portal,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="another process keeps it locked"):
            portal.accept(person, "1", AT)
        other.execute("ROLLBACK")
        portal.accept(person, "1", AT)
        assert portal.accepted(person) == ("1", AT)


def test_a_ledger_that_comes_back_is_read_again(tmp_path: Path) -> None:
    """A connection that failed is not kept."""
    path = tmp_path / "ledger.db"
    with closing(PlainLedger(path, 1, Lock())) as plain:
        with pytest.raises(UnavailableError):
            plain.rows(proofs.PROOFS, student="20000001")
        SqlLedger.open(url(path), create=True).close()
        assert plain.rows(proofs.PROOFS, student="20000001") == []
