"""What ports.Ledger promises of orders, brakes, fetches, outbox and history: on the fake and on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisiond.domain.errors import RejectedError
from provisiond.domain.model import (
    Block,
    Extension,
    Fetch,
    Hold,
    HoldKind,
    NoticeKind,
    NoticeStatus,
    Occurrence,
    Rejection,
    RowKey,
    State,
)
from provisiond.domain.plan import Parked
from provisiond.ports import Ledger
from tests.rigs.ledgers import AT, DOMAIN, KINDS, LATER, NEXT_YEAR, TODAY, committed, events, opened
from tests.rigs.steps import a_notice, a_record, a_step


@pytest.fixture(params=KINDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with opened(request, tmp_path) as ledger:
        yield ledger


def a_fetch(**told: Any) -> Fetch:
    """Of two rows that say nothing new."""
    facts: dict[str, Any] = {
        "source": "students",
        "file": "a.csv",
        "digest": "d1",
        "rows": 2,
        "rejections": (),
    }
    facts |= {"changed": (), "gone": (), "kept": frozenset(), "blocks": (), "complete": True}
    return Fetch(**(facts | {"etag": None, "watermark": None, "outline": ()} | told))


def a_block(number: int, *students: str) -> Block:
    mark = number.to_bytes(8, "big")
    return Block(mark * 2, tuple(RowKey(mark, s, "BSC", True) for s in students))


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


def test_an_order_is_open_until_a_cycle_that_began_after_it_answers(ledger: Ledger) -> None:
    person = committed(ledger, 1)
    student = ledger.load([person])[person].student_id
    assert ledger.open_orders(TODAY) == {}
    ledger.activate(person, "alice", LATER)
    seen = ledger.open_orders(TODAY)
    assert seen == {student: LATER}
    later = LATER + timedelta(seconds=1)
    ledger.hold(person, Hold(HoldKind.LOCK, later, None, "abuse", "alice"))
    ledger.answered(seen)
    assert ledger.open_orders(TODAY) == {student: later}, "which came after it was looked at"
    ledger.answered({student: later, "nobody": later})
    assert ledger.open_orders(TODAY) == {}
    assert student in ledger.due_students(TODAY), "what was not done stays due"


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


def test_what_happened_is_kept_and_calls_the_person(ledger: Ledger) -> None:
    """The portal tells changed credentials by this; each calls for a notice of its own."""
    person = committed(ledger, 1)
    told = [
        Occurrence(NoticeKind.EXTENSION_REFUSED, AT, "no thesis", "alice"),
        Occurrence(NoticeKind.PASSWORD_CHANGED, LATER, "by the person", "portal"),
    ]
    for occurrence in told:
        ledger.tell(person, occurrence)
    account = ledger.load([person])[person]
    assert account.occurrences == tuple(told)
    assert account.student_id in list(ledger.due_students(LATER.date()))
    assert events(ledger, person)[-2:] == ["extension-refused", "password-changed"]


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
    fetch = a_fetch(rejections=(refused,))
    assert ledger.last_fetch("students") is None
    ledger.mark_fetch(fetch, (), AT, TODAY)
    ledger.mark_fetch(fetch, (), LATER, TODAY)
    mark = ledger.last_fetch("students")
    assert mark is not None
    assert (mark.digest, mark.rows, mark.at) == ("d1", 2, LATER)
    assert ledger.rejections() == [refused]
    assert events(ledger) == ["fetch-accepted"], "the same content is not news"
    ledger.mark_fetch(replace(fetch, digest="d2", rejections=()), (), LATER, TODAY)
    assert ledger.rejections() == []
    assert events(ledger) == ["fetch-accepted", "fetch-accepted"]


def test_blocks_are_remembered_until_a_fetch_has_them_no_more(ledger: Ledger) -> None:
    one, two = a_block(1, "S1", "S2"), a_block(2, "S3")
    ledger.mark_fetch(a_fetch(blocks=(one, two)), ("S3",), AT, TODAY)
    memory = ledger.memory("students")
    assert memory.settled() == {one.digest} and memory.unsettled() == {two.digest}
    assert list(memory.blocks([one.digest])) == [one]
    (waiting,) = memory.blocks([two.digest])
    assert [row.settled for row in waiting.rows] == [False]
    ledger.mark_fetch(a_fetch(kept=frozenset({one.digest}), blocks=(a_block(3, "S3"),)), (), LATER, TODAY)
    assert memory.settled() == {one.digest, a_block(3).digest}
    assert memory.unsettled() == frozenset()
    assert ledger.memory("elsewhere").settled() == frozenset()


def test_a_block_that_comes_twice_is_one_block(ledger: Ledger) -> None:
    """The same rows twice in a file, near or far, and a block that is given again though it was kept."""
    blocks = tuple(a_block(n, f"S{n}") for n in range(600))
    ledger.mark_fetch(a_fetch(blocks=(blocks[0], *blocks, blocks[0], blocks[599])), (), AT, TODAY)
    memory = ledger.memory("students")
    assert memory.settled() == {block.digest for block in blocks}
    ledger.mark_fetch(a_fetch(kept=memory.settled(), blocks=(blocks[7],)), ("S7",), AT, TODAY)
    assert memory.unsettled() == {blocks[7].digest}


def test_memory_tells_records_and_hkids_of_who_is_still_named(ledger: Ledger) -> None:
    record = replace(a_record(1), hkid_digest="d" * 64)
    person = committed(ledger, 1)
    ledger.commit([a_step(1, from_state=State.PENDING, new=False)], {person: [record]}, AT)
    memory, digest = ledger.memory(record.source), "d" * 64
    assert memory.records([record.student_id]) == {record.student_id: (record,)}
    assert memory.students_with_hkids([digest, "x"]) == {digest: {record.student_id}}
    ledger.mark_fetch(a_fetch(source=record.source, gone=(record.key[1:],)), (), AT, TODAY)
    assert memory.records([record.student_id]) == {}
    assert memory.students_with_hkids([digest]) == {}


def test_an_absence_is_counted_by_complete_fetches_until_the_record_is_named_again(ledger: Ledger) -> None:
    person, record = committed(ledger, 1), a_record(1)
    nobody = ("S9999999", "NONE")
    ledger.mark_fetch(a_fetch(gone=(record.key[1:], nobody)), (), AT, TODAY)
    ledger.mark_fetch(a_fetch(), (), LATER, TODAY + timedelta(days=1))
    ledger.mark_fetch(a_fetch(complete=False), (), LATER, TODAY)
    (absence,) = ledger.absences()
    assert (absence.key, absence.since_on, absence.fetches) == (record.key, TODAY, 2)
    assert ledger.load([person])[person].absences == (absence,)
    ledger.call_absent(record.source, 3, LATER)
    assert list(ledger.due_students(TODAY)) == []
    ledger.call_absent(record.source, 2, LATER)
    assert list(ledger.due_students(TODAY)) == [record.student_id]
    ledger.named_again([record.key], LATER)
    assert ledger.absences() == []


@pytest.mark.parametrize("student", ["the same", None])
def test_a_fetch_that_may_name_the_student_in_a_rejected_record_is_not_one_without(
    ledger: Ledger, student: str | None
) -> None:
    committed(ledger, 1)
    record = a_record(1)
    ledger.mark_fetch(a_fetch(gone=(record.key[1:],)), (), AT, TODAY)
    bad = Rejection("students", "a.csv", 3, student and record.student_id, ("no date",))
    ledger.mark_fetch(a_fetch(rejections=(bad,)), (), LATER, TODAY)
    assert [absence.fetches for absence in ledger.absences()] == [1]
    ledger.mark_fetch(a_fetch(rejections=(replace(bad, student_id="S9999999"),)), (), LATER, TODAY)
    assert [absence.fetches for absence in ledger.absences()] == [2]


def test_who_is_named_again_is_due(ledger: Ledger) -> None:
    committed(ledger, 1)
    record = a_record(1)
    ledger.mark_fetch(a_fetch(gone=(record.key[1:],)), (), AT, TODAY)
    assert list(ledger.due_students(TODAY)) == []
    ledger.named_again([record.key], LATER)
    assert list(ledger.due_students(TODAY)) == [record.student_id]


def test_an_incremental_fetch_goes_on_and_remembers_who_waits(ledger: Ledger) -> None:
    """The source asks for who waits by name; how many rows there are only the whole tells."""
    row, other = RowKey(b"m" * 8, "S1", "BSC", True), RowKey(b"n" * 8, "S2", "BSC", True)
    whole, more = Block(b"a" * 16, (row,)), Block(b"b" * 16, (other,))
    ledger.mark_fetch(a_fetch(rows=2000, watermark="1", blocks=(whole,)), (), AT, TODAY)
    given = a_fetch(complete=False, rows=1, watermark="2", kept=frozenset({whole.digest}), blocks=(more,))
    ledger.mark_fetch(given, ("S2",), LATER, TODAY)
    mark, memory = ledger.last_fetch("students"), ledger.memory("students")
    assert mark is not None and (mark.rows, mark.watermark) == (2000, "2")
    assert memory.settled() == {whole.digest}
    assert memory.unsettled() == {more.digest}


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


def test_an_approval_that_ran_out_can_be_given_anew_but_not_once_it_was_used(ledger: Ledger) -> None:
    ledger.hold_plan("abc", "300 losses", [], AT)
    ledger.approve("abc", "one", AT)
    renewed = ledger.approve("abc", "two", LATER)
    assert renewed and (renewed.approved_by, renewed.approved_at) == ("two", LATER)
    assert ledger.spend("abc", LATER)
    assert ledger.approve("abc", "three", LATER) is None
    spent = ledger.held_plan("abc")
    assert spent and spent.spent_at == LATER and ledger.held_plan("xyz") is None


def test_what_was_committed_is_weighed_for_a_while(ledger: Ledger) -> None:
    committed(ledger, 1)
    quiet = a_step(1, from_state=State.PENDING, new=False)
    ledger.commit([quiet], {}, AT, {"losses": 2, "mails": 1})
    ledger.commit([quiet], {}, LATER, {"losses": 3})
    assert ledger.recent_weights(AT) == {"losses": 3}
    assert ledger.recent_weights(AT - timedelta(seconds=1)) == {"losses": 5, "mails": 1}


def test_the_watermark_of_drift_is_kept(ledger: Ledger) -> None:
    assert ledger.watermark() is None
    ledger.set_watermark("one")
    ledger.set_watermark("two")
    assert ledger.watermark() == "two"


def test_used_plans_are_forgotten_after_a_while_and_the_others_are_kept(ledger: Ledger) -> None:
    for name in ("used", "waits"):
        ledger.hold_plan(name, "300 losses", [], AT)
    ledger.approve("used", "alice", AT)
    ledger.spend("used", LATER)
    assert ledger.purge(LATER) == 0
    assert ledger.held_plan("used")
    assert ledger.purge(LATER + timedelta(days=1)) == 1
    assert ledger.held_plan("used") is None and ledger.held_plan("waits")
    assert events(ledger, None).count("plan-spent") == 1


# -- outbox and history ----------------------------------------------------------------------------------
def test_only_notices_that_are_due_are_settled(ledger: Ledger) -> None:
    committed(ledger, 1)
    notices = (a_notice(1), replace(a_notice(1), key="second"))
    ledger.commit([a_step(1, from_state=State.PENDING, new=False, notices=notices)], {}, AT)
    keys = [notice.key for notice in notices]
    assert ledger.settle(keys[:1], NoticeStatus.REFUSED, "550 no such user", "sink", LATER) == 1
    assert ledger.settle([*keys[1:], "unknown"], NoticeStatus.ACCEPTED, "250 ok", "sink", LATER) == 1
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


# -- facts for who watches -------------------------------------------------------------------------------
def test_facts_count_what_waits_and_since_when(ledger: Ledger) -> None:
    assert (ledger.facts().waiting, ledger.facts().next_on, ledger.facts().oldest_waiting_at) == (
        0,
        None,
        None,
    )
    person = committed(ledger, 1)
    committed(ledger, 2, State.ACTIVE)
    ledger.commit(
        [a_step(1, notices=(a_notice(1), replace(a_notice(1), key="later")), next_on=NEXT_YEAR)], {}, AT
    )
    ledger.settle(["later"], NoticeStatus.ACCEPTED, "250 ok", "sink", LATER)
    ledger.park([Parked(person, "s1", "no name"), Parked(person, "s1", "no date")], AT)
    ledger.mark_fetch(
        a_fetch(rejections=(Rejection("students", "a.csv", 3, None, ("empty",)),)), (), LATER, TODAY
    )
    for ticket in ("abc", "def", "fetch-ghi"):
        ledger.hold_plan(ticket, "300 losses", [], AT)
    ledger.approve("def", "alice", AT)
    found = ledger.facts()
    assert found.accounts == {State.PENDING: 1, State.ACTIVE: 1}
    assert (found.parked, found.rejections, found.held_plans, found.waiting) == (1, 1, 1, 1)
    assert found.notices == {NoticeStatus.DUE: 1, NoticeStatus.ACCEPTED: 1}
    assert (found.next_on, found.oldest_waiting_at) == (TODAY - timedelta(days=1), AT)
    assert found.fetched_at == {"students": LATER}


# -- records of students without an account -----------------------------------------------------------------
def test_records_put_aside_are_there_until_they_are_named_no_more(ledger: Ledger) -> None:
    kept = a_record(1), replace(a_record(1), programme="OLD"), a_record(2)
    ledger.set_aside(kept, ())
    ledger.set_aside((replace(kept[1], department="Another"),), [kept[2].key])
    assert ledger.aside(["S0000001", "S0000002"]) == {
        "S0000001": (kept[0], replace(kept[1], department="Another"))
    }
    gone = ("S0000001", kept[0].programme), ("S0000001", "OLD")
    ledger.mark_fetch(a_fetch(gone=gone[:1]), (), AT, TODAY)
    assert [record.programme for record in ledger.aside(["S0000001"])["S0000001"]] == ["OLD"]


def test_who_gets_an_account_has_nothing_put_aside_any_more(ledger: Ledger) -> None:
    ledger.set_aside([replace(a_record(n), programme="OLD") for n in (1, 2)], ())
    committed(ledger, 1)
    assert list(ledger.aside(["S0000001", "S0000002"])) == ["S0000002"]
