"""Brakes of a whole day, and what an approval is good for: exactly that plan, once, for a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from provisiond.domain.model import State, Status
from provisiond.domain.policy import BrakePolicy, Limit, Window
from tests.rigs.lives import TODAY, a_person, a_policy
from tests.rigs.world import World

FEW = Limit(number=3, percent=100, always_allowed=3)


def campus(students: int = 20, **brakes: object) -> World:
    """Students with accounts; at most three may lose access in a day."""
    policy = replace(BrakePolicy(losses=FEW), **brakes)  # type: ignore[arg-type]
    world = World(policy=a_policy(brakes=policy))
    world.registry.put(
        *(a_person(student(n), surname="CHAN", given_names="Tai Man") for n in range(students))
    )
    world.cycle()
    world.settle()
    return world


def student(number: int) -> str:
    return str(20000000 + number)


def withdraw(world: World, *numbers: int) -> None:
    world.registry.put(
        *(
            a_person(
                student(n), surname="CHAN", given_names="Tai Man", status=Status.WITHDRAWN, status_on=TODAY
            )
            for n in numbers
        )
    )


def ended(world: World) -> int:
    return sum(account.state is State.TERMINATED for account in world.ledger.people.values())


def test_small_losses_add_up_within_a_day_and_are_forgotten_after_it() -> None:
    world = campus()
    for number in range(5):
        withdraw(world, number)
        world.clock.at += timedelta(hours=2)
        result = world.cycle()
    assert ended(world) == 3 and result.plan.held_count == 2
    assert result.plan.tripped[0].recent == 3
    world.clock.at += timedelta(hours=24)
    world.cycle()
    assert ended(world) == 5


def test_what_an_operator_let_through_does_not_count_on_the_day() -> None:
    world = campus()
    withdraw(world, *range(6))
    ticket = world.cycle().plan.held_hash
    assert ticket
    world.ledger.approve(ticket, "operator", world.clock.now())
    assert world.cycle().applied == 6
    withdraw(world, 7)
    assert world.cycle().applied == 1


@pytest.mark.parametrize("difference", ["one more", "one less", "another name"])
def test_one_differing_row_is_another_plan(difference: str) -> None:
    world = campus()
    withdraw(world, *range(6))
    ticket = world.cycle().plan.held_hash
    assert ticket
    world.ledger.approve(ticket, "operator", world.clock.now())
    match difference:
        case "one more":
            withdraw(world, 6)
        case "one less":
            world.registry.put(a_person(student(0), surname="CHAN", given_names="Tai Man"))
        case _:
            gone = a_person(student(0), surname="WONG", status=Status.WITHDRAWN, status_on=TODAY)
            world.registry.put(gone)
    result = world.cycle()
    assert ended(world) == 0 and result.plan.held_hash not in (None, ticket)


def test_an_approval_runs_out_and_can_be_given_anew() -> None:
    world = campus(approval_hours=10)
    withdraw(world, *range(6))
    ticket = world.cycle().plan.held_hash
    assert ticket
    world.ledger.approve(ticket, "operator", world.clock.now())
    world.clock.at += timedelta(hours=10)
    assert world.cycle().plan.held_count == 6 and ended(world) == 0
    world.ledger.approve(ticket, "operator", world.clock.now())
    world.cycle()
    assert ended(world) == 6


def test_an_approval_is_not_good_for_a_second_time() -> None:
    world = campus()
    withdraw(world, *range(6))
    ticket = world.cycle().plan.held_hash
    assert ticket
    world.ledger.approve(ticket, "operator", world.clock.now())
    world.cycle()
    assert world.ledger.approve(ticket, "operator", world.clock.now()) is None
    assert world.ledger.held_plans() == []


def test_a_window_of_the_year_has_its_own_limits() -> None:
    window = Window(
        "intake", (TODAY.month, TODAY.day), (TODAY.month, TODAY.day), {"losses": Limit(9, 100, 9)}
    )
    world = campus(windows=(window,))
    withdraw(world, *range(6))
    world.cycle()
    assert ended(world) == 6
    world.clock.at += timedelta(days=2)
    withdraw(world, *range(6, 12))
    assert world.cycle().plan.held_count == 6


def test_others_in_the_place_of_those_who_are_gone_do_not_hide_a_registry_that_shrank() -> None:
    world = campus()
    for number in range(12):
        del world.registry.records[student(number), a_person().programme]
    world.registry.put(*(a_person(student(100 + n), surname="LEE", given_names="Bo") for n in range(12)))
    (refused,) = world.cycle().refused
    assert "20 rows, students.csv has 20 and names no more than 8 of them" in str(refused)
    assert world.account(student(1)).state is not State.TERMINATED and world.ledger.population() == 20


def test_an_absent_student_is_withdrawn_after_as_many_fetches_as_policy_says_and_comes_back_when_named() -> (
    None
):
    policy = a_policy()
    policy = replace(policy, lifecycle=replace(policy.lifecycle, absent_fetches=3))
    world = World(policy=policy)
    here, gone = a_person(student(1), surname="LEE"), a_person(student(2), surname="WONG")
    world.registry.put(here, gone)
    world.cycle()
    del world.registry.records[gone.student_id, gone.programme]
    states = []
    for _ in range(5):
        world.cycle()
        states.append(world.account(gone.student_id).state)
    assert states == [State.PENDING] * 3 + [State.TERMINATED] * 2
    world.registry.put(gone)
    world.cycle()
    assert world.account(gone.student_id).state is State.PENDING
    assert world.account(gone.student_id).absences == ()
    assert world.today >= date(2026, 11, 24)
