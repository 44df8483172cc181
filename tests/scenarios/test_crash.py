"""The directory goes away at every single write of a small load: the next cycle always finishes the work."""

from __future__ import annotations

import pytest

from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import State, Status
from tests.rigs.lives import TODAY, a_person
from tests.rigs.world import World

PEOPLE = [a_person(str(20000000 + i), surname="CHAN", given_names="Tai Man") for i in range(4)]
WRITES = 4 * 3  # an account and two memberships each


def settled(world: World) -> None:
    """Nothing lost, nothing doubled, nothing left to do."""
    accounts = [world.account(person.student_id) for person in PEOPLE]
    assert len({account.account_name for account in accounts}) == len(PEOPLE)
    assert all(account.applied for account in accounts)
    keys = [item.notice.key for item in world.ledger.outbox()]
    assert len(keys) == len(set(keys))
    assert not world.plan().plan.is_due
    assert world.ledger.verify_history() is None


@pytest.mark.parametrize("writes", range(WRITES + 1))
def test_a_load_cut_off_after_any_write_is_finished_by_the_next_cycle(writes: int) -> None:
    world = World()
    world.registry.put(*PEOPLE)
    world.directory.dies_after = writes
    if writes < WRITES:
        with pytest.raises(UnavailableError):
            world.cycle()
    world.directory.dies_after, world.directory.unavailable = None, None
    world.cycle()
    settled(world)
    assert len(world.ledger.outbox()) == len(PEOPLE)


@pytest.mark.parametrize("writes", range(10))
def test_withdrawals_cut_off_after_any_write_are_finished_by_the_next_cycle(writes: int) -> None:
    world = World()
    world.registry.put(*PEOPLE)
    world.cycle()
    world.registry.put(*(a_person(p.student_id, status=Status.WITHDRAWN, status_on=TODAY) for p in PEOPLE))
    world.directory.dies_after = writes
    with pytest.raises(UnavailableError):
        world.cycle()
    world.directory.dies_after, world.directory.unavailable = None, None
    world.cycle()
    settled(world)
    assert {world.account(p.student_id).state for p in PEOPLE} == {State.TERMINATED}


def test_one_refused_person_stops_nobody_else_and_is_parked_with_the_reason() -> None:
    world = World()
    world.registry.put(*PEOPLE)
    world.directory.refusals["uid=tmchan,ou=people,dc=example,dc=edu"] = (19, "some attributes not unique")
    result = world.cycle()
    assert result.applied == len(PEOPLE) - 1
    assert ["not unique" in parked.reason for parked in world.ledger.parked()] == [True]
    world.directory.refusals.clear()
    world.cycle()
    assert world.ledger.parked() == []
    settled(world)
