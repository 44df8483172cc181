"""A rehearsal does not lie: what it foretells is what really comes, day by day, through the real cycle."""

from __future__ import annotations

import os

import pytest

from tests.simulation.future import Future

TRIALS = int(os.environ.get("PROVISIOND_TRIALS", "20"))


@pytest.mark.parametrize("seed", range(TRIALS))
def test_what_is_rehearsed_is_what_comes(seed: int) -> None:
    future = Future(seed)
    foretold = future.rehearsed().agenda.days
    assert foretold == future.lived()
