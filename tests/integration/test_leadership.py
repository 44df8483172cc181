"""Which of several daemons leads, on both kinds of ledger: one at a time, in epochs that only grow."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisiond.adapters.ledger.leadership import Leadership, leader, leadership
from provisiond.adapters.ledger.place import Place, place
from tests.rigs.ledgers import a_file, emptied, url
from tests.rigs.postgres import PASSWORD


@pytest.fixture(name="where", params=["sqlite", "postgresql"])
def ledger_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return place(url(a_file(tmp_path)))
    return place(emptied(request.getfixturevalue("postgres")), PASSWORD)


@pytest.fixture(name="made")
def leaderships(where: Place) -> Iterator[Callable[[], Leadership]]:
    found: list[Leadership] = []

    def make() -> Leadership:
        found.append(leadership(where))
        return found[-1]

    yield make
    for each in found:
        each.release()


def test_the_first_leads_and_the_second_is_told_who_does(
    where: Place, made: Callable[[], Leadership]
) -> None:
    first, second = made(), made()
    assert leader(where) is None
    assert first.acquire() and first.acquire()
    assert not second.acquire()
    assert first.holds() and first.renew() and not second.holds() and not second.renew()
    found = leader(where)
    assert found and (found.pid, found.node, found.epoch) == (os.getpid(), os.uname().nodename, first.epoch)
    assert found.since <= found.renewed_at
    assert str(found).startswith(f"provisiond (pid {os.getpid()} on ")


def test_whoever_lets_go_is_followed_at_once_in_a_later_epoch(
    where: Place, made: Callable[[], Leadership]
) -> None:
    first, second = made(), made()
    assert first.acquire()
    first.release()
    first.release()
    assert not first.holds() and not first.renew() and leader(where) is None
    assert second.acquire() and second.epoch == first.epoch + 1
    assert not first.acquire()
