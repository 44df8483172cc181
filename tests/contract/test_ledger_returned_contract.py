"""What ports.Ledger promises of mails that came back: on the fake, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from provisiond.domain.model import NoticeStatus, OutboxItem
from provisiond.ports import Answer, Bounce, Ledger, Looked, ReturnedMail, Sending
from tests.rigs.ledgers import AT, KINDS, LATER, NEXT_YEAR, TODAY, committed, events, opened
from tests.rigs.steps import a_notice, a_step

OWN, PRIVATE = "name1@connect.example.edu", "tai.man@example.net"
KEY = "person-1:created"
VALIDITY = 4294967295  # the largest
BOUNCE = Bounce(KEY, PRIVATE, "550 5.1.1 no such user", is_lasting=True, goes_to=OWN)


@pytest.fixture(params=KINDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with opened(request, tmp_path) as ledger:
        yield ledger


def sent(ledger: Ledger, status: NoticeStatus = NoticeStatus.ACCEPTED, to: str = PRIVATE) -> None:
    """The notice of person 1, who is not due."""
    committed(ledger, 1)
    step = a_step(1, new=False, notices=(a_notice(1),), next_on=NEXT_YEAR)
    ledger.commit([step], {}, AT)
    ledger.turn(None, Sending(KEY, "<a@example.edu>", to), AT)
    ledger.turn(Answer(KEY, status, "250 ok", to), None, AT)
    ledger.commit([a_step(1, new=False, next_on=NEXT_YEAR)], {}, AT)


def a_mail(uid: int = 7, message_id: str | None = "<r1@mx>", validity: int = VALIDITY) -> ReturnedMail:
    return ReturnedMail("INBOX", validity, uid, message_id)


def the_notice(ledger: Ledger) -> OutboxItem:
    (found,) = ledger.notices([KEY])
    return found


def test_a_notice_that_came_back_goes_to_the_other_address_and_the_first_is_marked(ledger: Ledger) -> None:
    sent(ledger)
    assert list(ledger.due_students(TODAY)) == []
    assert ledger.take_returned(a_mail(), [BOUNCE], LATER) == 1
    item = the_notice(ledger)
    assert (item.status, item.address, item.settled_at) == (NoticeStatus.DUE, OWN, None)
    assert (item.reply, item.attempts, item.next_try_at) == ("came back: 550 5.1.1 no such user", 0, None)
    assert [i.notice.key for i in ledger.claim(LATER, 10, timedelta(hours=4))] == [KEY]
    (bad,) = ledger.bad_addresses()
    assert (bad.address, bad.reply, bad.at) == (PRIVATE, BOUNCE.reply, LATER)
    assert (bad.notice, bad.person_id) == (KEY, "person-1")
    assert list(ledger.due_students(TODAY)) == ["S0000001"], "an expiry may wait for it again"
    told = events(ledger, "person-1")
    assert told[-1] == "notice-returned" and told.count("notice-settled") == 1
    assert "notice-put-off" not in told


def test_where_there_is_no_other_address_it_counts_as_refused(ledger: Ledger) -> None:
    sent(ledger)
    ledger.take_returned(a_mail(), [replace(BOUNCE, goes_to=None)], LATER)
    item = the_notice(ledger)
    assert (item.status, item.address, item.settled_at) == (NoticeStatus.REFUSED, PRIVATE, LATER)


def test_a_failure_that_may_pass_marks_nobody(ledger: Ledger) -> None:
    sent(ledger)
    assert ledger.take_returned(a_mail(), [replace(BOUNCE, is_lasting=False)], LATER) == 1
    assert ledger.bad_addresses() == []


@pytest.mark.parametrize("status", [NoticeStatus.DUE, NoticeStatus.REFUSED])
def test_what_does_not_count_as_delivered_cannot_come_back(ledger: Ledger, status: NoticeStatus) -> None:
    sent(ledger, status)
    assert ledger.take_returned(a_mail(), [BOUNCE], LATER) == 0
    assert the_notice(ledger).status is status and ledger.bad_addresses() == []
    assert "notice-returned" not in events(ledger)


def test_a_mail_whose_answer_was_lost_was_taken_if_it_comes_back(ledger: Ledger) -> None:
    sent(ledger, NoticeStatus.UNKNOWN)
    assert ledger.take_returned(a_mail(), [BOUNCE], LATER) == 1


def test_it_counts_only_for_the_address_it_went_to(ledger: Ledger) -> None:
    sent(ledger, to=OWN)
    assert ledger.take_returned(a_mail(), [BOUNCE], LATER) == 0
    assert the_notice(ledger).status is NoticeStatus.ACCEPTED


def test_a_mail_is_taken_once_by_place_and_by_message_id(ledger: Ledger) -> None:
    sent(ledger)
    assert ledger.take_returned(a_mail(), [], LATER) == 0
    assert ledger.take_returned(a_mail(), [BOUNCE], LATER) == 0
    assert ledger.take_returned(a_mail(8, validity=1), [BOUNCE], LATER) == 0
    assert the_notice(ledger).status is NoticeStatus.ACCEPTED
    assert ledger.take_returned(a_mail(9, message_id=None), [BOUNCE], LATER) == 1


def test_what_was_taken_waits_to_be_put_away(ledger: Ledger) -> None:
    for uid in (9, 7):
        ledger.take_returned(a_mail(uid, None), [], AT)
    ledger.take_returned(a_mail(7, None, validity=1), [], AT)
    assert ledger.unfiled("INBOX", VALIDITY) == [7, 9]
    ledger.file_returned("INBOX", VALIDITY, [7], LATER)
    assert ledger.unfiled("INBOX", VALIDITY) == [9]
    assert ledger.unfiled("other", VALIDITY) == []
    assert ledger.purge(LATER + timedelta(seconds=1)) == 1
    assert ledger.take_returned(a_mail(7, None), [], LATER) == 0
    assert ledger.unfiled("INBOX", VALIDITY) == [7, 9]


def test_how_far_a_folder_was_read_is_remembered(ledger: Ledger) -> None:
    assert ledger.looked("INBOX") is None
    ledger.look_on("INBOX", Looked(1, 500))
    ledger.look_on("INBOX", Looked(VALIDITY, 3))
    ledger.look_on("other", Looked(1, 1))
    assert ledger.looked("INBOX") == Looked(VALIDITY, 3)


def test_marks_are_found_in_any_case_as_long_as_they_count(ledger: Ledger) -> None:
    sent(ledger)
    ledger.take_returned(a_mail(), [BOUNCE], LATER)
    asked = ["Tai.Man@EXAMPLE.net", PRIVATE, OWN]
    assert ledger.bad_among(asked, AT) == {"Tai.Man@EXAMPLE.net", PRIVATE}
    assert ledger.bad_among(asked, LATER) == frozenset() and ledger.bad_addresses(LATER) == []
    assert len(ledger.bad_addresses(AT)) == 1


def test_an_operator_trusts_an_address_again(ledger: Ledger) -> None:
    sent(ledger)
    ledger.take_returned(a_mail(), [BOUNCE], LATER)
    assert ledger.trust([PRIVATE.upper(), OWN], "alice", "mended", LATER) == 1
    assert ledger.bad_addresses() == [] and ledger.trust([PRIVATE], "alice", "again", LATER) == 0
    assert events(ledger, "person-1")[-1] == "address-trusted"


def test_whoever_has_a_notice_sent_again_trusts_its_address(ledger: Ledger) -> None:
    sent(ledger)
    ledger.take_returned(a_mail(), [replace(BOUNCE, goes_to=None)], LATER)
    assert ledger.retry([KEY], "alice", "mended", LATER) == 1
    assert ledger.bad_addresses() == []
    assert the_notice(ledger).address == PRIVATE
