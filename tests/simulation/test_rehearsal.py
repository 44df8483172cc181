"""A rehearsal does not lie: what it foretells is what really comes, day by day, through the real cycle."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from provisiond.rehearsal import FEW_BATCHES, Rehearsal
from tests.simulation.future import Future

TRIALS = int(os.environ.get("PROVISIOND_TRIALS", "15"))


@pytest.mark.parametrize("seed", range(TRIALS))
def test_what_is_rehearsed_is_what_comes(seed: int) -> None:
    future = Future(seed)
    assert future.rehearsed().agenda.days == future.lived()


@pytest.mark.parametrize("seed", range(TRIALS))
def test_what_is_rehearsed_without_mail_is_what_comes_without_mail(seed: int) -> None:
    future = Future(seed, mail=False)
    assert future.rehearsed().agenda.days == future.lived()


@pytest.mark.parametrize("seed", range(TRIALS))
def test_what_is_rehearsed_of_expected_ends_comes_when_the_registry_says_so(seed: int) -> None:
    future = Future(seed, expected_ends=True)
    assert future.rehearsed().agenda.days == future.lived()


@pytest.mark.parametrize("seed", range(TRIALS))
def test_what_is_rehearsed_with_a_changed_configuration_comes_with_it(seed: int) -> None:
    future = Future(seed)
    future.other = future.any_policy()
    foretold = future.rehearsed().other
    assert foretold and foretold.days == future.lived()


def test_a_rehearsal_writes_nothing() -> None:
    future = Future(7)
    before = future.ledger_as_text()
    future.rehearsed()
    assert future.ledger_as_text() == before


def test_the_futures_hold_what_they_are_to_prove() -> None:
    """Brakes, expiries, terminations and returns, or the equality above says little."""
    seen = [future.rehearsed().agenda.total() for future in map(Future, range(25))]
    for what in ("expiries", "alumni", "terminated", "grace_begun", "losses", "brakes"):
        assert any(getattr(total, what) for total in seen), what


def test_several_processes_foresee_what_one_does() -> None:
    future = next(one for one in map(Future, range(50)) if len(one.world.ledger.people) >= FEW_BATCHES)
    ledger, policy = future.world.ledger, future.world.policy
    one = Rehearsal(ledger, future.span, policy, future.any_policy(), persons_a_batch=1)
    alone, together = one.run(), replace(one, processes=2).run()
    assert (alone.agenda, alone.other) == (together.agenda, together.other)
    assert list(alone.moved) == list(together.moved)
