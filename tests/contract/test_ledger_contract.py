"""What ports.Ledger promises of accounts, identifiers and steps: on the fake, SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from provisiond.domain.digest import record_digest
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import (
    Extension,
    Hold,
    HoldKind,
    NoticeStatus,
    State,
)
from provisiond.ports import AccountFilter, Ledger
from tests.rigs.ledgers import AT, DOMAIN, KINDS, LATER, NEXT_YEAR, TODAY, committed, events, opened
from tests.rigs.steps import a_notice, a_record, a_step


@pytest.fixture(params=KINDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with opened(request, tmp_path) as ledger:
        yield ledger


def due(ledger: Ledger, today: date) -> list[str]:
    return list(ledger.due_students(today))


# -- identifiers -----------------------------------------------------------------------------------------
def test_a_reserved_account_is_due_until_its_step_is_committed(ledger: Ledger) -> None:
    step = a_step(1, next_on=NEXT_YEAR)
    ledger.reserve([step], DOMAIN, AT)
    assert due(ledger, TODAY) == [step.student_id]
    reserved = ledger.load([step.person_id])[step.person_id]
    assert (reserved.applied, reserved.state, reserved.records) == (False, State.PENDING, ())
    assert (reserved.created_at, reserved.uid_number) == (AT, 100001)
    ledger.commit([step], {}, AT)
    assert due(ledger, TODAY) == []


def test_who_may_be_half_written_is_due_until_the_step_is_committed(ledger: Ledger) -> None:
    committed(ledger, 1)
    change = a_step(1, from_state=State.PENDING, new=False, next_on=NEXT_YEAR)
    ledger.reserve([change], DOMAIN, LATER)
    assert due(ledger, TODAY) == [change.student_id]
    ledger.commit([change], {}, LATER)
    assert due(ledger, TODAY) == []


def test_students_come_in_the_order_of_their_ids_as_text(ledger: Ledger) -> None:
    for number, student_id in enumerate(("b", "A", "a10", "a9", "é", "Z")):
        ledger.reserve([replace(a_step(number), student_id=student_id)], DOMAIN, AT)
    assert list(ledger.all_students()) == sorted(("b", "A", "a10", "a9", "é", "Z"))
    assert due(ledger, TODAY) == list(ledger.all_students())
    assert set(ledger.identifiers()) == {f"name{number}" for number in range(6)}


def test_reserving_twice_is_the_same_as_once(ledger: Ledger) -> None:
    step = a_step(1)
    assert ledger.reserve([step], DOMAIN, AT) == []
    once = ledger.load([step.person_id])
    assert ledger.reserve([step], DOMAIN, LATER) == []
    assert ledger.load([step.person_id]) == once
    assert events(ledger) == ["account-created"]


def test_a_name_of_another_is_refused_and_all_others_go_on(ledger: Ledger) -> None:
    committed(ledger, 1)
    thief, honest = a_step(2, account_name="name1"), a_step(3)
    parked = ledger.reserve([thief, honest], DOMAIN, AT)
    assert [(p.person_id, p.student_id) for p in parked] == [(thief.person_id, thief.student_id)]
    assert "name1" in parked[0].reason
    assert list(ledger.load([thief.person_id, honest.person_id])) == [honest.person_id]


def test_two_of_one_batch_cannot_have_one_name(ledger: Ledger) -> None:
    first, second = a_step(1, account_name="tmchan"), a_step(2, account_name="tmchan")
    assert [p.person_id for p in ledger.reserve([first, second], DOMAIN, AT)] == [second.person_id]


def test_a_uid_number_is_never_given_twice(ledger: Ledger) -> None:
    committed(ledger, 1)
    assert ledger.next_uid_number(100000) == 100002
    assert ledger.next_uid_number(200000) == 200000
    [refused] = ledger.reserve([a_step(2, uid_number=100001)], DOMAIN, AT)
    assert "100001" in refused.reason


def test_a_person_keeps_the_first_identifiers(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    [refused] = ledger.reserve([a_step(1, account_name="other", uid_number=100009)], DOMAIN, AT)
    assert refused.person_id == person
    assert ledger.find("other") is None


def test_without_uid_numbers_many_accounts_can_be_made(ledger: Ledger) -> None:
    steps = [a_step(n, uid_number=None) for n in (1, 2)]
    assert ledger.reserve(steps, DOMAIN, AT) == []
    assert ledger.next_uid_number(100000) == 100000


def test_names_are_found_by_prefix(ledger: Ledger) -> None:
    names = ["tmchan", "tmchanaa", "tmcham", "tmchb"]
    ledger.reserve([a_step(n, account_name=name) for n, name in enumerate(names)], DOMAIN, AT)
    assert ledger.names_with_prefixes(["tmchan", "tm", "zz"]) == {
        "tmchan": frozenset({"tmchan", "tmchanaa"}),
        "tm": frozenset(names),
        "zz": frozenset(),
    }


# -- commit ----------------------------------------------------------------------------------------------
def test_a_record_comes_back_as_it_was_committed(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    second = replace(a_record(1), programme="MPHIL", expected_end_on=None, chinese_name="陳大文")
    ledger.commit([a_step(1, from_state=State.PENDING, new=False)], {person: [second]}, LATER)
    assert set(ledger.load([person])[person].records) == {a_record(1), second}


def test_a_record_that_moved_in_its_file_has_the_same_digest() -> None:
    record = a_record(1)
    assert record_digest(replace(record, file="other.csv", line=99)) == record_digest(record)
    assert record_digest(replace(record, surname="WONG")) != record_digest(record)


def test_a_notice_is_decided_once(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    notice = a_notice(1)
    step = a_step(1, from_state=State.PENDING, new=False, notices=(notice,))
    ledger.commit([step], {}, AT)
    ledger.settle([notice.key], NoticeStatus.ACCEPTED, "250 ok", "sink", AT)
    ledger.commit([replace(step, notices=(replace(notice, to="new@example.net"),))], {}, LATER)
    [item] = ledger.load([person])[person].outbox
    assert (item.notice, item.status, item.decided_at) == (notice, NoticeStatus.ACCEPTED, AT)
    assert ledger.outbox(NoticeStatus.DUE) == []


def test_only_steps_that_others_would_see_are_told_in_the_history(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    quiet = a_step(1, from_state=State.PENDING, new=False)
    ledger.commit([quiet], {}, LATER)
    assert events(ledger, person) == ["account-created", "state-changed"]
    ledger.commit([replace(quiet, notices=(a_notice(1),))], {}, LATER)
    assert events(ledger, person)[2:] == ["notices-decided"]


def test_a_step_of_nobody_is_refused_whole(ledger: Ledger) -> None:
    committed(ledger, 1)
    known, unknown = a_step(1, to_state=State.ACTIVE), a_step(2)
    with pytest.raises(RejectedError, match=unknown.person_id):
        ledger.commit([known, unknown], {}, LATER)
    assert ledger.accounts(AccountFilter(state=State.ACTIVE)) == []


# -- due -------------------------------------------------------------------------------------------------
def test_a_person_is_due_from_the_day_on(ledger: Ledger) -> None:
    committed(ledger, 1)
    assert due(ledger, NEXT_YEAR - timedelta(days=1)) == []
    assert due(ledger, NEXT_YEAR) == [a_record(1).student_id]
    assert due(ledger, NEXT_YEAR + timedelta(days=9)) == [a_record(1).student_id]


def test_the_next_day_on_which_anybody_falls_due_is_known(ledger: Ledger) -> None:
    assert ledger.next_due(TODAY) is None
    committed(ledger, 1)
    committed(ledger, 2)
    days = sorted({a.next_on for a in ledger.accounts(AccountFilter()) if a.next_on})
    assert ledger.next_due(days[0] - timedelta(days=1)) == days[0]
    assert ledger.next_due(days[-1]) is None, "after that day"


@pytest.mark.parametrize("order", ["activate", "hold", "release", "extend", "settle"])
def test_every_order_makes_the_person_due(ledger: Ledger, order: str) -> None:
    person = committed(ledger, 1)
    calm = a_step(1, from_state=State.PENDING, new=False, notices=(a_notice(1),), next_on=NEXT_YEAR)
    ledger.hold(person, Hold(HoldKind.LOCK, AT, None, "asked", "operator"))
    ledger.commit([calm], {}, AT)
    assert due(ledger, TODAY) == []
    match order:
        case "activate":
            ledger.activate(person, "operator", AT)
        case "hold":
            ledger.hold(person, Hold(HoldKind.FREEZE, AT, None, "asked", "operator"))
        case "release":
            assert ledger.release(person, None, "operator", "done", AT) == 1
        case "extend":
            ledger.extend(person, Extension(NEXT_YEAR, AT, "thesis", "operator"))
        case "settle":
            ledger.settle([a_notice(1).key], NoticeStatus.ACCEPTED, "250 ok", "sink", AT)
    assert due(ledger, TODAY) == [a_record(1).student_id]
    assert due(ledger, TODAY - timedelta(days=1)) == [a_record(1).student_id], (
        "the day begins earlier in the west"
    )
    ledger.commit([calm], {}, AT)
    assert due(ledger, TODAY) == []


def test_an_order_given_while_a_cycle_runs_is_not_lost(ledger: Ledger) -> None:
    """The cycle began at AT and did not see the order of LATER: its commit must leave the person due."""
    person = committed(ledger, 1)
    ledger.activate(person, "portal", LATER)
    ledger.commit([a_step(1, from_state=State.PENDING, new=False, next_on=NEXT_YEAR)], {}, AT)
    assert due(ledger, TODAY) == [a_record(1).student_id]


# -- find and list ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["S0000001", "name1", "NAME1", "Name1@connect.example.edu", "person-1"])
def test_a_person_is_found_by_each_of_their_names(ledger: Ledger, text: str) -> None:
    person, _ = committed(ledger, 1), committed(ledger, 2)
    found = ledger.find(text)
    assert found is not None
    assert found.person_id == person


@pytest.mark.parametrize("text", ["", "@", "nam", "S000000", "%", "person-"])
def test_nobody_is_found_by_half_a_name(ledger: Ledger, text: str) -> None:
    committed(ledger, 1)
    assert ledger.find(text) is None


def test_students_without_an_account_are_missing_from_the_answer(ledger: Ledger) -> None:
    committed(ledger, 1)
    assert list(ledger.load_students(["S0000001", "S0000009"])) == ["S0000001"]
    assert ledger.load(["nobody"]) == {}


def test_accounts_are_listed_by_state_text_and_due_date(ledger: Ledger) -> None:
    for number, state in enumerate((State.PENDING, State.ACTIVE, State.ALUMNI), start=1):
        committed(ledger, number, state)
    ledger.activate("person-2", "portal", AT)

    def names(wanted: AccountFilter) -> list[str]:
        return [account.account_name for account in ledger.accounts(wanted)]

    assert names(AccountFilter()) == ["name1", "name2", "name3"]
    assert names(AccountFilter(state=State.ALUMNI)) == ["name3"]
    assert names(AccountFilter(text="name")) == ["name1", "name2", "name3"]
    assert names(AccountFilter(text="S0000001")) == ["name1"]
    assert names(AccountFilter(text="bsc")) == ["name1", "name2", "name3"]
    assert names(AccountFilter(text="%")) == []
    assert names(AccountFilter(due_by=TODAY)) == ["name2"]
    assert names(AccountFilter(due_by=NEXT_YEAR, state=State.PENDING)) == ["name1"]
    assert ledger.population() == 2


def test_it_is_known_when_the_last_audit_ended(ledger: Ledger) -> None:
    """In the history, which shows who looked, and what was found."""
    assert ledger.last_audit() is None
    for hours in (1, 25):
        ledger.audited(AT + timedelta(hours=hours), "daemon", "3 entries")
    assert ledger.last_audit() == AT + timedelta(hours=25)
    lines = [line for line in ledger.history() if line.event == "audited"]
    assert [(line.person_id, line.actor, line.reason) for line in lines] == [
        (None, "daemon", "3 entries")
    ] * 2
    assert ledger.verify_history() is None
