"""What ports.Ledger promises of orders, brakes, fetches, outbox and history: on the fake and on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from provisiond.domain.errors import RejectedError
from provisiond.domain.model import (
    Extension,
    Fetch,
    Hold,
    HoldKind,
    NoticeStatus,
    Rejection,
    State,
)
from provisiond.domain.plan import Parked
from provisiond.ports import Ledger
from tests.rigs.ledgers import AT, DOMAIN, LATER, LEDGERS, NEXT_YEAR, TODAY, committed, events
from tests.rigs.steps import a_notice, a_record, a_step


@pytest.fixture(params=list(LEDGERS.values()), ids=list(LEDGERS))
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    opened: Callable[[Path], AbstractContextManager[Ledger]] = request.param
    with opened(tmp_path) as ledger:
        yield ledger


# -- orders ----------------------------------------------------------------------------------------------
def test_holds_of_both_kinds_stand_together_and_end_apart(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    lock = Hold(HoldKind.LOCK, AT, date(2025, 9, 30), "abuse", "alice")
    freeze = Hold(HoldKind.FREEZE, AT, None, "inquiry", "bob")
    ledger.hold(person, lock)
    ledger.hold(person, freeze)
    assert ledger.load([person])[person].holds == (lock, freeze)
    assert ledger.release(person, HoldKind.LOCK, "alice", "settled", LATER) == 1
    assert ledger.load([person])[person].holds == (freeze,)
    assert ledger.release(person, HoldKind.LOCK, "alice", "again", LATER) == 0
    assert events(ledger, person)[-3:] == ["hold-set", "hold-set", "hold-released"]


def test_a_second_hold_of_a_kind_replaces_the_first(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    second = Hold(HoldKind.LOCK, LATER, None, "longer", "bob")
    ledger.hold(person, Hold(HoldKind.LOCK, AT, TODAY, "short", "alice"))
    ledger.hold(person, second)
    assert ledger.load([person])[person].holds == (second,)


def test_the_first_activation_counts(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    ledger.activate(person, "portal", AT)
    ledger.activate(person, "portal", LATER)
    assert ledger.load([person])[person].activated_at == AT
    assert events(ledger, person).count("activated") == 1


def test_the_choice_to_be_unlisted_stays_until_it_is_made_again(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    for choice, expected in ((True, True), (None, True), (False, False)):
        ledger.activate(person, "portal", AT, choice)
        assert ledger.load([person])[person].unlisted is expected
    assert events(ledger, person).count("listing-choice") == 2


def test_extensions_are_kept_with_who_and_why(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    extension = Extension(NEXT_YEAR, AT, "thesis late", "alice")
    ledger.extend(person, extension)
    assert ledger.load([person])[person].extensions == (extension,)
    [line] = [line for line in ledger.history(person) if line.event == "extended"]
    assert (line.actor, line.reason, line.at) == ("alice", "thesis late", AT)


def test_an_order_for_nobody_is_rejected(ledger: Ledger) -> None:
    with pytest.raises(RejectedError):
        ledger.activate("nobody", "operator", AT)
    with pytest.raises(RejectedError):
        ledger.hold("nobody", Hold(HoldKind.LOCK, AT, None, "asked", "operator"))
    assert ledger.history() == []


# -- parking ---------------------------------------------------------------------------------------------
def test_a_reason_is_told_once_and_parking_ends_with_the_cause(ledger: Ledger) -> None:
    nameless = Parked("person-1", "S0000001", "no Latin letter in the name")
    ledger.park([nameless], AT)
    ledger.park([nameless], LATER)
    assert ledger.parked() == [nameless]
    assert events(ledger) == ["parked"]
    other = replace(nameless, reason="no department")
    ledger.park([other], LATER)
    assert ledger.parked() == [other]
    ledger.unpark([nameless.person_id])
    assert ledger.parked() == []


def test_a_commit_ends_parking(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    ledger.park([Parked(person, "S0000001", "refused")], AT)
    ledger.commit([a_step(1, from_state=State.PENDING, new=False)], {}, LATER)
    assert ledger.parked() == []


def test_who_waits_longest_comes_first(ledger: Ledger) -> None:
    early, late = Parked("person-9", "S0000009", "x"), Parked("person-1", "S0000001", "y")
    ledger.park([early], AT)
    ledger.park([late, replace(early, reason="z")], LATER)
    assert [one.person_id for one in ledger.parked()] == ["person-9", "person-1"]


# -- registry --------------------------------------------------------------------------------------------
def test_a_fetch_is_remembered_with_its_rejections(ledger: Ledger) -> None:
    refused = Rejection("students", "a.csv", 7, None, ("no student ID", "no surname"))
    fetch = Fetch("students", "a.csv", "d1", 2, (a_record(1),), (refused,))
    assert ledger.last_fetch("students") is None
    ledger.mark_fetch(fetch, AT)
    ledger.mark_fetch(fetch, LATER)
    mark = ledger.last_fetch("students")
    assert mark is not None
    assert (mark.digest, mark.rows, mark.at) == ("d1", 2, LATER)
    assert ledger.rejections() == [refused]
    assert events(ledger) == ["fetch-accepted"], "the same content is not news"
    ledger.mark_fetch(replace(fetch, digest="d2", rejections=()), LATER)
    assert ledger.rejections() == []
    assert events(ledger) == ["fetch-accepted", "fetch-accepted"]


# -- brakes ----------------------------------------------------------------------------------------------
def test_a_held_plan_is_told_once_approved_once_and_spent_once(ledger: Ledger) -> None:
    notice = replace(a_notice(1), key="operator:abc", person_id=None)
    assert ledger.hold_plan("abc", "300 losses", [notice], AT)
    assert not ledger.hold_plan("abc", "300 losses", [notice], LATER)
    assert [item.notice for item in ledger.outbox()] == [notice]
    assert not ledger.spend("abc", AT), "not approved yet"
    assert ledger.approve("unknown", "alice", AT) is None
    approved = ledger.approve("abc", "alice", AT)
    assert approved is not None
    assert approved.approved_by == "alice"
    assert ledger.approve("abc", "bob", LATER) == approved, "the first approval counts"
    assert ledger.spend("abc", LATER)
    assert not ledger.spend("abc", LATER)
    assert ledger.held_plans() == []
    assert ledger.approve("abc", "alice", LATER) is None
    assert events(ledger) == ["plan-held", "plan-approved", "plan-spent"]


def test_a_spent_plan_that_comes_again_is_held_again(ledger: Ledger) -> None:
    ledger.hold_plan("abc", "300 losses", [], AT)
    ledger.approve("abc", "alice", AT)
    ledger.spend("abc", AT)
    assert ledger.hold_plan("abc", "300 losses", [], LATER)
    [held] = ledger.held_plans()
    assert (held.told_at, held.approved_by) == (LATER, None)


def test_the_newest_held_plan_comes_first(ledger: Ledger) -> None:
    ledger.hold_plan("old", "1", [], AT)
    ledger.hold_plan("new", "2", [], LATER)
    assert [plan.hash for plan in ledger.held_plans()] == ["new", "old"]


# -- outbox and history ----------------------------------------------------------------------------------
def test_only_notices_that_are_due_are_settled(ledger: Ledger) -> None:
    committed(ledger, 1)
    notices = (a_notice(1), replace(a_notice(1), key="second"))
    ledger.commit([a_step(1, from_state=State.PENDING, new=False, notices=notices)], {}, AT)
    keys = [notice.key for notice in notices]
    assert ledger.settle(keys[:1], NoticeStatus.REFUSED, "550 no such user", "sink", LATER) == 1
    assert ledger.settle([*keys, "unknown"], NoticeStatus.ACCEPTED, "250 ok", "sink", LATER) == 1
    [refused] = ledger.outbox(NoticeStatus.REFUSED)
    assert (refused.notice.key, refused.reply, refused.settled_at) == (keys[0], "550 no such user", LATER)
    assert events(ledger).count("notice-settled") == 2


def test_the_history_is_whole(ledger: Ledger) -> None:
    assert ledger.verify_history() is None
    person = committed(ledger, 1)
    committed(ledger, 2)
    ledger.hold(person, Hold(HoldKind.LOCK, AT, None, "asked", "alice"))
    lines = ledger.history()
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    assert ledger.history(person) == [line for line in lines if line.person_id == person]
    assert ledger.verify_history() is None


def test_many_people_are_committed_and_loaded_at_once(ledger: Ledger) -> None:
    """More than one chunk of everything."""
    steps = [a_step(n, notices=(replace(a_notice(n), key=f"created:{n}"),)) for n in range(1201)]
    ledger.reserve(steps, DOMAIN, AT)
    ledger.commit(steps, {s.person_id: [a_record(n)] for n, s in enumerate(steps)}, AT)
    loaded = ledger.load(s.person_id for s in steps)
    assert len(loaded) == 1201
    assert all(len(one.records) == len(one.outbox) == 1 for one in loaded.values())
    assert ledger.verify_history() is None
