"""What the registry leaves in doubt takes nothing from anybody, and nobody is forgotten over it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provisiond.cycle import Cycle
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import NoticeKind, RegistryRecord, Rejection, State, Status
from provisiond.domain.orders import Activate
from provisiond.domain.policy import BrakePolicy, Limit
from tests.rigs.lives import TODAY, ZONE, a_person, a_policy
from tests.rigs.world import Rows, World

WHO = "20000002"
NONE_AT_ALL = Limit(number=0, percent=0, always_allowed=0)


def campus(**overrides: object) -> tuple[World, RegistryRecord]:
    """Two students; whom three complete fetches do not name has withdrawn."""
    policy = a_policy(**overrides)
    policy = replace(policy, lifecycle=replace(policy.lifecycle, absent_fetches=3))
    world, who = World(policy=policy), a_person(WHO, surname="WONG", given_names="Bo")
    world.registry.put(a_person("20000001", surname="LEE", given_names="Al"), who)
    world.cycle()
    return world, who


def vanish(world: World, who: RegistryRecord) -> None:
    del world.registry.records[who.student_id, who.programme]


def rejected(student_id: str | None) -> Rejection:
    return Rejection("students", "students.csv", 9, student_id, ("status_on is no date",))


def test_a_fetch_that_names_a_student_in_a_rejected_record_does_not_count_as_one_without() -> None:
    world, who = campus()
    vanish(world, who)
    world.cycle()
    world.registry.rejections = (rejected(WHO),)
    for _ in range(5):
        world.cycle()
    assert world.account(WHO).state is State.PENDING
    assert [absence.fetches for absence in world.ledger.absences()] == [1]


def test_while_it_is_not_known_whose_a_record_is_nobody_is_counted_as_absent() -> None:
    world, who = campus()
    vanish(world, who)
    world.cycle()
    world.registry.rejections = (rejected(None),)
    for _ in range(5):
        world.cycle()
    assert world.account(WHO).state is State.PENDING


def test_who_was_absent_long_enough_and_is_named_in_a_rejected_record_keeps_what_they_have() -> None:
    world, who = campus()
    vanish(world, who)
    for _ in range(3):
        world.cycle()
    world.registry.rejections = (rejected(WHO),)
    world.cycle()
    assert world.account(WHO).state is State.PENDING


def test_a_rejected_record_gives_nothing_back_either() -> None:
    world, who = campus()
    vanish(world, who)
    for _ in range(4):
        world.cycle()
    assert world.account(WHO).state is State.TERMINATED
    world.registry.rejections = (rejected(WHO),)
    world.cycle(everyone=True)
    assert world.account(WHO).state is State.TERMINATED


def test_who_is_named_again_while_a_brake_holds_comes_back_when_it_is_released() -> None:
    world, who = campus()
    vanish(world, who)
    for _ in range(4):
        world.cycle()
    assert world.account(WHO).state is State.TERMINATED
    calm, world.policy = world.policy, replace(world.policy, brakes=BrakePolicy(mails=NONE_AT_ALL))
    world.registry.put(who)
    assert world.cycle().plan.held_count == 1
    world.policy = calm
    world.cycle()
    assert world.account(WHO).state is State.PENDING


def test_who_asked_for_confidentiality_in_studies_before_the_account_has_no_listing_after_it() -> None:
    world, before = World(), a_person(WHO, programme="OLD", status=Status.COMPLETED, confidential=True)
    world.registry.put(before)
    world.cycle()
    assert world.ledger.find(WHO) is None
    assert world.cycle().looked_at == 0
    world.registry.put(a_person(WHO, programme="NEW"))
    world.cycle()
    world.order(WHO, Activate(world.clock.now(), "test"))
    assert world.account(WHO).state is State.ACTIVE
    assert not [dn for dn in world.directory.entries if dn.endswith(world.directory.contacts_base)]


def test_numbers_of_others_are_passed_over_however_many_stand_together() -> None:
    policy = a_policy()
    world = World(policy=replace(policy, directory=replace(policy.directory, posix=True)))
    first = policy.directory.first_uid_number
    for number in range(first, first + 50):
        world.directory.plant(f"cn=n{number},ou=others,dc=example,dc=edu", {"uidnumber": (str(number),)})
    world.registry.put(a_person(WHO))
    world.cycle()
    assert world.account(WHO).uid_number == first + 50


def test_alumni_who_are_called_withdrawn_lose_their_mail_and_count_as_losses() -> None:
    world = World(policy=a_policy(brakes=BrakePolicy(losses=NONE_AT_ALL)))
    world.registry.put(a_person(WHO))
    world.cycle()
    world.settle()
    done = a_person(WHO, status=Status.COMPLETED, status_on=TODAY)
    world.registry.put(done)
    world.policy = a_policy()
    world.sleep_until(TODAY + timedelta(days=150))
    assert world.account(WHO).state is State.ALUMNI
    world.policy = a_policy(brakes=BrakePolicy(losses=NONE_AT_ALL))
    world.registry.put(replace(done, status=Status.WITHDRAWN))
    assert [held.brake for held in world.cycle().plan.tripped] == ["losses"]
    assert world.account(WHO).state is State.ALUMNI


def test_operators_are_told_anew_of_a_plan_that_comes_again_after_it_was_let_through() -> None:
    world = World(policy=a_policy(brakes=BrakePolicy(losses=NONE_AT_ALL)))
    here, left = a_person(WHO), a_person(WHO, status=Status.WITHDRAWN, status_on=TODAY)
    world.registry.put(here)
    world.cycle()
    for times in (1, 2, 3):
        world.registry.put(left)
        ticket = world.cycle().plan.held_hash
        world.cycle()
        told = [i.notice for i in world.ledger.outbox() if i.notice.kind is NoticeKind.OPERATOR]
        assert ticket is not None and len(told) == times
        world.ledger.approve(ticket, "operator", world.clock.now())
        world.cycle()
        assert world.account(WHO).state is State.TERMINATED
        world.registry.put(here)
        world.clock.at += timedelta(days=1)
        world.cycle()


@pytest.mark.parametrize("then", ["completed", "no longer named"])
def test_who_waits_for_an_operator_and_needs_no_account_any_more_waits_no_longer(then: str) -> None:
    world, nameless = World(), a_person(WHO, surname="陳", given_names="大文")
    world.registry.put(a_person("20000001", surname="LEE", given_names="Al"), nameless)
    world.cycle()
    world.cycle()
    assert [parked.student_id for parked in world.ledger.parked()] == [WHO]
    if then == "completed":
        world.registry.put(replace(nameless, status=Status.COMPLETED))
    else:
        vanish(world, nameless)
    world.cycle()
    assert world.ledger.parked() == []


def test_doubt_that_a_source_left_stays_while_it_cannot_be_reached() -> None:
    world, who = World(), a_person(WHO)
    second, clock = Rows("second"), world.clock
    cycle = Cycle([world.registry, second], world.directory, world.ledger, clock, world.policy, ZONE)
    world.registry.put(who)
    second.put(a_person("20000001", surname="LEE", given_names="Al"))
    cycle.run()
    second.rejections = (replace(rejected(WHO), source="second"),)
    cycle.run()
    second.refuses = UnavailableError("registry", "no answer")
    world.registry.put(replace(who, status=Status.WITHDRAWN, status_on=TODAY))
    cycle.run()
    assert world.account(WHO).state is State.PENDING
    second.refuses, second.rejections = None, ()
    cycle.run()
    assert world.account(WHO).state is State.TERMINATED
