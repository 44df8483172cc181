"""Whole lives, day by day, through the real cycle."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from provisiond.domain.errors import UnavailableError, UnsafeFetchError, UnsafePlanError
from provisiond.domain.model import (
    Extension,
    Hold,
    HoldKind,
    Level,
    NoticeKind,
    Rejection,
    State,
    Status,
)
from provisiond.domain.orders import Activate, Extend, Release, SetHold
from tests.rigs.ledger import FakeLedger
from tests.rigs.lives import TODAY, a_person
from tests.rigs.world import World

WHO = "20000001"


def enrolled() -> World:
    """One active student."""
    world = World()
    world.registry.put(a_person(WHO, surname="CHAN", given_names="Tai Man"))
    world.cycle()
    world.order(WHO, Activate(world.clock.now(), "test"))
    world.settle()
    return world


def test_a_joiner_becomes_active_and_a_second_cycle_writes_nothing() -> None:
    world = enrolled()
    assert world.account(WHO).state is State.ACTIVE
    assert [kind for _, kind in world.notices(WHO)] == [NoticeKind.ACTIVATED, NoticeKind.CREATED]
    assert not world.plan().plan.is_due
    assert world.cycle().applied == 0


def test_a_leaver_of_31_october_is_served_to_the_end_of_february() -> None:
    world = World()
    world.clock.at -= timedelta(days=25)  # 30 October
    world.registry.put(a_person(WHO, surname="CHAN", given_names="Tai Man"))
    world.cycle()
    world.order(WHO, Activate(world.clock.now(), "test"))
    world.settle()
    world.registry.put(
        a_person(
            WHO, surname="CHAN", given_names="Tai Man", status=Status.COMPLETED, status_on=date(2026, 10, 31)
        )
    )
    world.sleep_until(date(2027, 2, 28))
    assert world.account(WHO).state is State.GRACE
    world.sleep_until(date(2027, 3, 1))
    assert world.account(WHO).state is State.ALUMNI
    milestones = [(day, kind) for day, kind in world.notices(WHO) if day > date(2026, 10, 30)]
    assert milestones == [
        (date(2026, 10, 31), NoticeKind.GRACE_BEGUN),
        (date(2027, 1, 29), NoticeKind.EXPIRY_REMINDER),
        (date(2027, 2, 21), NoticeKind.EXPIRY_REMINDER),
        (date(2027, 2, 27), NoticeKind.EXPIRY_REMINDER),
        (date(2027, 2, 28), NoticeKind.EXPIRY),
        (date(2027, 3, 1), NoticeKind.ALUMNI),
    ]


def test_no_notice_no_expiry() -> None:
    world = enrolled()
    world.registry.put(a_person(WHO, status=Status.COMPLETED, status_on=TODAY))
    world.sleep_until(TODAY + timedelta(days=200), settling=False)
    assert world.account(WHO).state is State.GRACE
    world.settle()
    world.sleep_until(world.today + timedelta(days=7))
    assert world.account(WHO).state is State.GRACE
    world.sleep_until(world.today + timedelta(days=1))
    assert world.account(WHO).state is State.ALUMNI


def test_a_returner_keeps_the_account_name() -> None:
    world = enrolled()
    world.registry.put(a_person(WHO, status=Status.COMPLETED, status_on=TODAY))
    world.sleep_until(date(2027, 6, 1))
    assert world.account(WHO).state is State.ALUMNI
    name = world.account(WHO).account_name
    world.registry.put(
        a_person(WHO, programme="PHD", level=Level.RESEARCH_POSTGRADUATE, status_on=world.today)
    )
    world.cycle()
    assert (world.account(WHO).state, world.account(WHO).account_name) == (State.ACTIVE, name)


def test_an_extension_moves_the_expiry() -> None:
    world = enrolled()
    world.registry.put(a_person(WHO, status=Status.COMPLETED, status_on=TODAY))
    world.cycle()
    until = date(2027, 9, 30)
    world.order(WHO, Extend(Extension(until, world.clock.now(), "thesis", "supervisor")))
    world.sleep_until(until)
    assert world.account(WHO).state is State.GRACE
    world.sleep_until(until + timedelta(days=1))
    assert world.account(WHO).state is State.ALUMNI


def test_an_extension_granted_twice_is_told_once() -> None:
    """Even where both were granted before the studies ended."""
    world = enrolled()
    until = date(2027, 9, 30)
    for who in ("supervisor", "dean"):
        world.order(WHO, Extend(Extension(until, world.clock.now(), "thesis", who)))
    world.registry.put(a_person(WHO, status=Status.COMPLETED, status_on=TODAY))
    (step,) = world.plan().plan.due
    assert [n.kind for n in step.notices].count(NoticeKind.EXTENDED) == 1


def test_who_chooses_to_be_unlisted_has_no_listing() -> None:
    world = enrolled()
    listing = "uid=tmchan,ou=contacts,dc=example,dc=edu"
    assert listing in world.directory.entries
    world.order(WHO, Activate(world.clock.now(), "test", unlisted=True))
    assert listing not in world.directory.entries
    world.order(WHO, Activate(world.clock.now(), "test"))
    assert listing not in world.directory.entries
    world.order(WHO, Activate(world.clock.now(), "test", unlisted=False))
    assert listing in world.directory.entries


def test_a_frozen_person_stays_until_released_and_then_catches_up() -> None:
    world = enrolled()
    world.order(WHO, SetHold(Hold(HoldKind.FREEZE, world.clock.now(), None, "court", "test")))
    world.registry.put(a_person(WHO, status=Status.WITHDRAWN, status_on=TODAY))
    world.cycle()
    assert world.account(WHO).state is State.ACTIVE
    world.order(WHO, Release(None, world.clock.now(), "test", "settled"))
    world.cycle()
    assert world.account(WHO).state is State.TERMINATED


def test_a_lock_is_told_when_set_and_when_lifted() -> None:
    """By an operator or by its end date; once each, the second lock as the first."""
    world = enrolled()
    world.order(WHO, SetHold(Hold(HoldKind.LOCK, world.clock.now(), None, "theft", "test")))
    assert [kind for _, kind in world.notices(WHO)][-1] is NoticeKind.HOLD_SET
    world.order(WHO, Release(None, world.clock.now(), "test", "found"))
    world.sleep_until(TODAY + timedelta(days=1))
    until = TODAY + timedelta(days=5)
    world.order(WHO, SetHold(Hold(HoldKind.LOCK, world.clock.now(), until, "theft", "test")))
    world.sleep_until(TODAY + timedelta(days=8))
    told = [(day, kind) for day, kind in world.notices(WHO) if "hold" in kind]
    assert told == [
        (TODAY, NoticeKind.HOLD_LIFTED),
        (TODAY, NoticeKind.HOLD_SET),
        (TODAY + timedelta(days=1), NoticeKind.HOLD_SET),
        (until + timedelta(days=1), NoticeKind.HOLD_LIFTED),
    ]


def test_a_lock_that_ends_after_the_account_is_not_told_as_a_log_in() -> None:
    world = enrolled()
    world.order(WHO, SetHold(Hold(HoldKind.LOCK, world.clock.now(), None, "theft", "test")))
    world.registry.put(a_person(WHO, status=Status.WITHDRAWN, status_on=TODAY))
    world.cycle()
    world.order(WHO, Release(None, world.clock.now(), "test", "found"))
    assert NoticeKind.HOLD_LIFTED not in [kind for _, kind in world.notices(WHO)]


def test_an_absent_record_takes_nothing_and_is_reported() -> None:
    world = enrolled()
    world.registry.put(a_person("20000002", surname="LEE", given_names="Bo"))
    world.cycle()
    del world.registry.records[WHO, a_person().programme]
    result = world.cycle()
    assert [absent.student_ids for absent in result.absent] == [(WHO,)]
    assert world.account(WHO).state is State.ACTIVE and not result.plan.due_count


def test_a_rejected_record_takes_nothing_from_an_existing_account() -> None:
    world = enrolled()
    world.registry.records.clear()
    world.registry.rejections = (Rejection("students", "students.csv", 2, WHO, ("unknown status",)),)
    world.cycle()
    assert world.account(WHO).state is State.ACTIVE
    assert [r.student_id for r in world.ledger.rejections()] == [WHO]


def test_half_of_a_person_is_not_believed_while_the_other_half_is_rejected() -> None:
    world = enrolled()
    world.registry.put(a_person(WHO, status=Status.WITHDRAWN, status_on=TODAY))
    world.registry.rejections = (Rejection("students", "students.csv", 3, WHO, ("unknown level",)),)
    world.cycle()
    assert world.account(WHO).state is State.ACTIVE
    world.registry.rejections = ()
    world.cycle()
    assert world.account(WHO).state is State.TERMINATED


def test_a_registry_that_shrank_is_held_told_once_and_taken_after_approval() -> None:
    world = World()
    world.registry.put(
        *(
            a_person(str(20000000 + i), surname="CHAN", given_names=f"Tai {chr(65 + i % 26)}")
            for i in range(50)
        )
    )
    world.cycle()
    for student_id, programme in list(world.registry.records)[:30]:
        del world.registry.records[student_id, programme]
    for _ in range(3):
        (refused,) = world.cycle().refused
        assert isinstance(refused.error, UnsafeFetchError)
    told = [i for i in world.ledger.outbox() if i.notice.kind is NoticeKind.OPERATOR]
    assert len(told) == 1
    world.ledger.approve(refused.ticket, "operator", world.clock.now())
    assert not world.cycle().refused
    assert world.ledger.population() == 50


def test_mass_withdrawal_is_held_told_once_and_approved_once() -> None:
    world = World()
    people = [
        a_person(str(20000000 + i), surname="CHAN", given_names=f"Tai {chr(65 + i % 26)}") for i in range(50)
    ]
    world.registry.put(*people)
    world.cycle()
    world.registry.put(*(a_person(p.student_id, status=Status.WITHDRAWN, status_on=TODAY) for p in people))
    for _ in range(2):
        result = world.cycle()
        assert result.plan.held_count == 50 and result.applied == 0
    assert len([i for i in world.ledger.outbox() if i.notice.kind is NoticeKind.OPERATOR]) == 1
    assert result.plan.held_hash
    world.ledger.approve(result.plan.held_hash, "operator", world.clock.now())
    assert world.cycle().applied == 50
    assert world.ledger.held_plans() == []


def test_an_outage_before_the_first_write_does_not_use_up_an_approval() -> None:
    world = World()
    people = [a_person(str(20000000 + i), surname="CHAN", given_names="Tai Man") for i in range(20)]
    world.registry.put(*people)
    world.cycle()
    world.registry.put(*(a_person(p.student_id, status=Status.WITHDRAWN, status_on=TODAY) for p in people))
    ticket = world.cycle().plan.held_hash
    assert ticket
    world.ledger.approve(ticket, "operator", world.clock.now())
    world.directory.dies_after = 0
    with pytest.raises(UnavailableError):
        world.cycle()
    world.directory.dies_after, world.directory.unavailable = None, None
    assert world.cycle().applied == 20


def test_a_programme_that_vanishes_is_reported() -> None:
    world = enrolled()
    del world.registry.records[WHO, a_person().programme]
    world.registry.put(a_person(WHO, programme="NEW"))
    assert [absent.student_ids for absent in world.cycle().absent] == [(WHO,)]


def test_a_registry_out_of_reach_stops_no_milestone() -> None:
    world = enrolled()
    world.registry.put(a_person(WHO, status=Status.COMPLETED, status_on=TODAY))
    world.cycle()
    world.settle()
    world.registry.refuses = UnavailableError("registry", "no such file")
    world.sleep_until(date(2027, 3, 25))
    assert world.account(WHO).state is State.ALUMNI


def test_three_days_down_sends_what_fell_due_once_and_nothing_overtaken() -> None:
    world = enrolled()
    world.registry.put(a_person(WHO, status=Status.COMPLETED, status_on=TODAY))
    world.sleep_until(date(2027, 3, 16))
    world.clock.at += timedelta(
        days=8
    )  # the expiry date, 24 March; the reminders of 17 and 23 March were missed
    world.cycle()
    due = [kind for day, kind in world.notices(WHO) if day > date(2027, 3, 16)]
    assert due == [NoticeKind.EXPIRY]


def test_a_ledger_that_was_lost_is_told_and_nothing_is_done_without_it() -> None:
    world = enrolled()
    before = dict(world.directory.entries)
    world.ledger = FakeLedger()
    for act in (world.cycle, world.plan):
        with pytest.raises(UnsafePlanError, match="provisiond rebuild"):
            act()
    assert world.directory.entries == before and world.ledger.outbox() == []


def test_an_account_that_somebody_moved_away_parks_the_person_and_makes_no_second_one() -> None:
    world = enrolled()
    attributes = world.directory.look("uid=tmchan,ou=people,dc=example,dc=edu")
    world.directory.uproot("uid=tmchan,ou=people,dc=example,dc=edu")
    world.directory.plant("uid=tmchan,ou=old,dc=example,dc=edu", attributes)
    world.cycle(everyone=True)
    assert "uid=tmchan,ou=people,dc=example,dc=edu" not in world.directory.entries
    (parked,) = world.ledger.parked()
    assert "uid=tmchan,ou=old,dc=example,dc=edu" in parked.reason
