"""What ports.Ledger promises of notices while they are sent: on the fake, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from provisiond.domain.model import NoticeStatus, OutboxItem, State
from provisiond.ports import Answer, Ledger, Sending
from tests.rigs.ledgers import AT, KINDS, LATER, NEXT_YEAR, TODAY, committed, events, opened
from tests.rigs.steps import a_notice, a_step

HOURS = timedelta(hours=4)
OWN, PRIVATE = "name1@connect.example.edu", "tai.man@example.net"


@pytest.fixture(params=KINDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with opened(request, tmp_path) as ledger:
        yield ledger


def due(ledger: Ledger, *keys: str) -> None:
    """Notices of these keys, decided one after the other, of one person who is not due."""
    committed(ledger, 1)
    for n, key in enumerate(keys):
        step = a_step(1, from_state=State.PENDING, new=False, notices=(replace(a_notice(1), key=key),))
        ledger.commit([replace(step, next_on=NEXT_YEAR)], {}, AT + timedelta(seconds=n))


def sending(key: str, to: str = PRIVATE) -> Sending:
    return Sending(key, f"<{key}@example.edu>", to)


def answer(key: str, status: NoticeStatus = NoticeStatus.ACCEPTED, **told: object) -> Answer:
    return replace(Answer(key, status, "250 ok", PRIVATE), **told)  # type: ignore[arg-type]


def keys(items: list[OutboxItem]) -> list[str]:
    return [item.notice.key for item in items]


def one(ledger: Ledger, key: str) -> OutboxItem:
    (found,) = ledger.notices([key])
    return found


def claimed(ledger: Ledger, limit: int = 10) -> list[str]:
    return keys(ledger.claim(LATER, limit, HOURS))


def test_a_notice_is_sent_and_the_next_one_begun_in_one_step(ledger: Ledger) -> None:
    due(ledger, "a", "b")
    assert claimed(ledger) == ["a", "b"] and claimed(ledger, 1) == ["a"]
    assert ledger.turn(None, sending("a"), LATER)
    assert (one(ledger, "a").status, one(ledger, "a").message_id) == (
        NoticeStatus.SENDING,
        "<a@example.edu>",
    )
    assert list(ledger.due_students(TODAY)) == []
    assert ledger.turn(answer("a"), sending("b"), LATER)
    first = one(ledger, "a")
    assert (first.status, first.reply, first.settled_at) == (NoticeStatus.ACCEPTED, "250 ok", LATER)
    assert (first.attempts, first.sent_to, first.tried_at) == (1, PRIVATE, LATER)
    assert one(ledger, "b").status is NoticeStatus.SENDING
    assert not ledger.turn(answer("b"), None, LATER)
    assert claimed(ledger) == []
    assert list(ledger.due_students(TODAY)) == ["S0000001"], "an accepted notice may let an expiry go on"
    assert events(ledger).count("notice-settled") == 2
    assert ledger.sent_as("<b@example.edu>") == one(ledger, "b")
    assert ledger.sent_as("<c@example.edu>") is None


def test_what_was_left_as_sending_is_unknown_and_comes_again(ledger: Ledger) -> None:
    due(ledger, "a", "b")
    ledger.turn(None, sending("a"), AT)
    assert claimed(ledger) == ["a", "b"]
    left = one(ledger, "a")
    assert (left.status, left.attempts, left.doubts) == (NoticeStatus.UNKNOWN, 1, 0)
    assert (left.message_id, left.tried_at) == ("<a@example.edu>", AT)
    assert events(ledger).count("notice-unknown") == 1
    assert ledger.turn(None, sending("a"), LATER)


def test_a_lost_answer_is_counted_and_waits(ledger: Ledger) -> None:
    due(ledger, "a")
    ledger.turn(None, sending("a"), AT)
    ledger.turn(answer("a", NoticeStatus.UNKNOWN, next_try_at=LATER), None, AT)
    assert ledger.claim(AT, 10, HOURS) == []
    (again,) = ledger.claim(LATER, 10, HOURS)
    assert (again.status, again.attempts, again.doubts) == (NoticeStatus.UNKNOWN, 1, 1)


def test_what_was_put_off_waits_for_its_time_but_not_for_a_clock_that_was_wrong(ledger: Ledger) -> None:
    due(ledger, "a")
    ledger.turn(None, sending("a"), AT)
    ledger.turn(answer("a", NoticeStatus.DUE, reply="450 later", next_try_at=LATER), None, AT)
    waits = one(ledger, "a")
    assert (waits.status, waits.reply, waits.next_try_at) == (NoticeStatus.DUE, "450 later", LATER)
    assert waits.settled_at is None and waits.attempts == 1
    assert ledger.claim(AT, 10, HOURS) == []
    assert keys(ledger.claim(LATER, 10, HOURS)) == ["a"]
    assert keys(ledger.claim(AT - timedelta(days=30), 10, HOURS)) == ["a"]
    assert list(ledger.due_students(TODAY)) == []


def test_without_a_server_nothing_was_tried(ledger: Ledger) -> None:
    due(ledger, "a")
    ledger.turn(None, sending("a"), AT)
    ledger.turn(answer("a", NoticeStatus.DUE, reply="nobody there", counts=False), None, AT)
    assert (one(ledger, "a").attempts, one(ledger, "a").reply) == (0, "nobody there")
    assert "notice-put-off" not in events(ledger)
    assert claimed(ledger) == ["a"]


def test_the_other_address_is_remembered(ledger: Ledger) -> None:
    due(ledger, "a")
    ledger.turn(None, sending("a"), AT)
    ledger.turn(answer("a", NoticeStatus.DUE, reply="550 no", sent_to=OWN), None, AT)
    (item,) = ledger.claim(LATER, 10, HOURS)
    assert (item.address, item.notice.to) == (OWN, PRIVATE)


def test_the_last_minute_is_counted(ledger: Ledger) -> None:
    due(ledger, "a", "b")
    ledger.turn(None, sending("a"), AT)
    ledger.turn(answer("a"), sending("b"), LATER)
    assert ledger.tried_between(AT - HOURS, LATER) == 2
    assert ledger.tried_between(AT, LATER) == 1
    assert ledger.tried_between(AT - HOURS, AT) == 1


def test_an_operator_drops_and_retries(ledger: Ledger) -> None:
    due(ledger, "a", "b", "c")
    ledger.settle(["c"], NoticeStatus.ACCEPTED, "250 ok", "sink", AT)
    assert ledger.drop(["a", "c", "nothing"], "alice", "told by telephone", LATER) == 1
    dropped = one(ledger, "a")
    assert (dropped.status, dropped.reply, dropped.settled_at) == (
        NoticeStatus.DROPPED,
        "told by telephone",
        LATER,
    )
    assert claimed(ledger) == ["b"]
    assert not ledger.turn(None, sending("a"), LATER), "dropped between claim and send"
    assert ledger.retry(["a", "b", "c"], "alice", "after all", LATER) == 1, "b waits for nothing"
    assert claimed(ledger) == ["a", "b"]
    assert events(ledger).count("notice-dropped") == events(ledger).count("notice-retried") == 1
    assert ledger.verify_history() is None


def test_a_retry_forgets_what_was_tried(ledger: Ledger) -> None:
    due(ledger, "a")
    ledger.turn(None, sending("a", OWN), AT)
    ledger.turn(answer("a", NoticeStatus.REFUSED, reply="550 no", sent_to=OWN), None, AT)
    assert ledger.retry(["a"], "alice", "mailbox mended", LATER) == 1
    assert events(ledger)[-2:] == ["notice-settled", "notice-retried"]
    fresh = one(ledger, "a")
    assert (fresh.status, fresh.attempts, fresh.address, fresh.settled_at) == (
        NoticeStatus.DUE,
        0,
        PRIVATE,
        None,
    )


def test_nothing_is_dropped_or_retried_while_it_is_being_sent(ledger: Ledger) -> None:
    due(ledger, "a")
    ledger.turn(None, sending("a"), AT)
    assert ledger.drop(["a"], "alice", "no", LATER) == 0
    assert ledger.retry(["a"], "alice", "no", LATER) == 0
    assert ledger.settle(["a"], NoticeStatus.ACCEPTED, "250 ok", "alice", LATER) == 0


def test_who_was_told_otherwise_counts_as_told(ledger: Ledger) -> None:
    due(ledger, "a", "b")
    ledger.settle(["a"], NoticeStatus.REFUSED, "550 no", "sink", AT)
    ledger.drop(["b"], "alice", "no", AT)
    assert ledger.settle(["a", "b"], NoticeStatus.REFUSED, "550 no", "sink", LATER) == 0
    assert ledger.settle(["a", "b"], NoticeStatus.ACCEPTED, "told by telephone", "alice", LATER) == 2
    assert ledger.settle(["a", "b"], NoticeStatus.ACCEPTED, "250 ok", "alice", LATER) == 0


def test_the_depth_and_the_age_of_the_outbox_are_known(ledger: Ledger) -> None:
    assert (ledger.facts().notices, ledger.facts().oldest_waiting_at) == ({}, None)
    due(ledger, "a", "b")
    ledger.settle(["a"], NoticeStatus.ACCEPTED, "250 ok", "sink", AT)
    assert ledger.facts().notices == {NoticeStatus.ACCEPTED: 1, NoticeStatus.DUE: 1}
    assert ledger.facts().oldest_waiting_at == AT + timedelta(seconds=1)


def test_operators_are_told_once(ledger: Ledger) -> None:
    told = replace(a_notice(1), key="operator:mail:x", person_id=None)
    assert ledger.notify([told, told], AT) == 1
    assert ledger.notify([told], LATER) == 0
    assert [item.notice for item in ledger.outbox()] == [told]
    ledger.turn(None, sending(told.key), AT)
    ledger.turn(answer(told.key), None, AT)
    assert ledger.facts().notices == {NoticeStatus.ACCEPTED: 1}
