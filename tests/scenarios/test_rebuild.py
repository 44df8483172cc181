"""A ledger made again, on the fakes: lives that have gone on for long, entries that do not say enough, a rebuild that
was cut off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provisiond.cycle import Cycle
from provisiond.domain.errors import RejectedError, UnavailableError
from provisiond.domain.model import Extension, NoticeKind, NoticeStatus, State, Status
from provisiond.domain.orders import Activate, Extend
from provisiond.rebuild import Rebuilt, rebuild, rehearsed
from tests.rigs.lives import TODAY, ZONE, a_person
from tests.rigs.world import World

PEOPLE = [a_person(f"2000000{n}", surname="CHAN", given_names="Tai Man") for n in range(6)]


def a_world() -> World:
    world = World()
    world.registry.put(*PEOPLE)
    world.cycle()
    for person in PEOPLE[1:]:
        world.order(person.student_id, Activate(world.clock.now(), "portal"))
    world.settle()
    return world


def lost(world: World) -> World:
    """Everything but the ledger."""
    return World(policy=world.policy, registry=world.registry, directory=world.directory, clock=world.clock)


def the_cycle(world: World) -> Cycle:
    return Cycle([world.registry], world.directory, world.ledger, world.clock, world.policy, ZONE)


def rebuilt(world: World) -> Rebuilt:
    return rebuild(the_cycle(world), "somebody")


def facts(world: World) -> dict[str, tuple[str, str, State]]:
    return {
        student: (a.account_name, a.person_id, a.state)
        for student in world.ledger.all_students()
        for a in [world.account(student)]
    }


def says(world: World, number: int, status: Status) -> None:
    world.registry.put(replace(PEOPLE[number], status=status, status_on=world.today))


def due(world: World) -> set[NoticeKind]:
    return {item.notice.kind for item in world.ledger.outbox(NoticeStatus.DUE)}


def test_after_long_lives_nothing_is_written_and_nothing_old_is_told() -> None:
    """Active, pending, withdrawn, alumni, back again, on leave: a year later."""
    world = a_world()
    for number, status in ((1, Status.COMPLETED), (2, Status.WITHDRAWN), (3, Status.ON_LEAVE)):
        says(world, number, status)
    says(world, 4, Status.WITHDRAWN)
    world.sleep_until(TODAY + timedelta(days=30))
    says(world, 4, Status.REGISTERED)
    world.sleep_until(TODAY + timedelta(days=300))
    before, knew = dict(world.directory.entries), facts(world)
    assert {state for _, _, state in knew.values()} == set(State) - {State.GRACE}
    again = lost(world)
    found = rebuilt(again)
    assert (found.accounts, found.troubles, found.locked) == (6, [], [])
    again.cycle()
    again.cycle(everyone=True)
    assert again.directory.entries == before
    assert facts(again) == knew
    assert due(again) == set()
    again.sleep_until(again.today + timedelta(days=30))
    assert due(again) == set() and facts(again) == knew


def test_nobody_expires_without_being_told_again() -> None:
    """The old notices cannot be shown; an extension is lost with the ledger."""
    world = a_world()
    says(world, 1, Status.COMPLETED)
    world.cycle()
    world.settle()
    granted = Extension(TODAY + timedelta(days=200), world.clock.now(), "thesis", "supervisor")
    world.order("20000001", Extend(granted))
    world.sleep_until(TODAY + timedelta(days=150))
    again = lost(world)
    rebuilt(again)
    again.cycle()
    assert again.account("20000001").state is State.GRACE, "its expiry date by policy has passed"
    assert due(again) == {NoticeKind.GRACE_BEGUN, NoticeKind.EXPIRY_REMINDER}
    again.sleep_until(again.today + timedelta(days=30), settling=False)
    assert again.account("20000001").state is State.GRACE
    again.sleep_until(again.today + timedelta(days=20))
    assert again.account("20000001").state is State.ALUMNI


def test_an_entry_that_does_not_say_enough_is_told_and_its_name_kept() -> None:
    world = a_world()
    accounts = [world.account(person.student_id) for person in PEOPLE]
    dns = [f"uid={account.account_name},{world.directory.people_base}" for account in accounts]
    world.directory.strip(dns[0], provisiondstate=())
    copy = dict(world.directory.look(dns[2])) | {"uid": ("copy",), "mail": ("copy@example.edu",)}
    world.directory.plant(f"uid=copy,{world.directory.people_base}", copy)
    again = lost(world)
    found = rebuilt(again)
    assert found.accounts == 4
    assert sorted(trouble.partition(" ")[2] for trouble in found.troubles) == [
        f"and uid=copy,{world.directory.people_base} carry the same person ID",
        "has no state",
    ]
    names = {account.account_name for account in accounts}
    assert set(again.ledger.identifiers()) == names | {"copy"}
    again.cycle()
    assert facts(again)["20000000"] == facts(world)["20000000"], "found by its mark, as after a crash"
    assert [parked.student_id for parked in again.ledger.parked()] == ["20000002"]


def test_a_rebuild_that_was_cut_off_is_taken_up_again() -> None:
    world = a_world()
    again = lost(world)
    world.registry.refuses = UnavailableError("registry", "no answer")
    assert [refused.source for refused in rebuilt(again).refused] == ["students"]
    assert again.ledger.is_half_rebuilt()
    assert rehearsed(the_cycle(again)).accounts == 6
    world.registry.refuses = None
    assert rebuilt(again).accounts == 6
    assert not again.ledger.is_half_rebuilt()
    again.cycle()
    assert (facts(again), due(again)) == (facts(world), set())


def test_a_ledger_that_knows_somebody_is_not_made_again() -> None:
    world = a_world()
    for what in (rebuilt, lambda w: rehearsed(the_cycle(w))):
        with pytest.raises(RejectedError, match="knows accounts already"):
            what(world)
