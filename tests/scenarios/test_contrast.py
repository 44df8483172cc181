"""A changed policy compared with the present one: who would lose, keep or get something by the next cycle."""

from __future__ import annotations

from dataclasses import replace

from provisiond.contrast import Contrast, contrasts
from provisiond.domain.model import Level, State, Status
from provisiond.domain.orders import Activate
from provisiond.domain.policy import LifecyclePolicy, Policy
from tests.rigs.lives import TODAY, a_person
from tests.rigs.world import World

WHO = "20000001"


def compared(world: World, other: Policy) -> list[Contrast]:
    present = world.plan(everyone=True).plan
    world.policy = other
    return list(contrasts(present, world.plan(everyone=True).plan))


def active() -> World:
    world = World()
    world.registry.put(a_person(WHO), a_person("20000002", surname="LEE", status=Status.ON_LEAVE))
    world.cycle()
    for who in (WHO, "20000002"):
        world.order(who, Activate(world.clock.now(), "test"))
    world.settle()
    world.cycle()
    return world


def test_the_same_policy_changes_nobody() -> None:
    world = active()
    assert compared(world, world.policy) == []


def test_a_group_that_is_earned_no_more_is_a_loss_of_those_who_have_it() -> None:
    world = active()
    earned = world.policy.entitlements
    poorer = replace(earned[State.ACTIVE], groups=frozenset({"students"}))
    other = replace(world.policy, entitlements={**earned, State.ACTIVE: poorer})
    (one,) = compared(world, other)
    assert one.student_id == WHO and one.loses and not one.keeps and not one.gone
    assert [sentence for sentence in one.new if "cn=library" in sentence] == list(one.new)


def test_a_longer_grace_period_keeps_whoever_would_lose_access_now() -> None:
    world = active()
    world.registry.put(a_person(WHO, status=Status.COMPLETED, status_on=TODAY))
    world.sleep_until(TODAY.replace(year=2027, month=3))
    longer = LifecyclePolicy(grace_months=dict.fromkeys(Level, 9))
    other = replace(world.policy, lifecycle=longer)
    world.clock.at = world.clock.at.replace(day=25)
    (one,) = compared(world, other)
    assert one.keeps and "becomes alumni" in one.gone
