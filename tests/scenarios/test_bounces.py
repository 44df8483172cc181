"""Mails that come back: the real outbox and the real reader of bounces on a mailbox in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisiond.bounces import PER_RUN, Reading, Verdict
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import NoticeStatus
from tests.rigs.inboxes import FakeBox
from tests.rigs.ledger import FakeLedger
from tests.rigs.ledgers import events
from tests.rigs.postoffice import PostOffice, own, private
from tests.rigs.relays import FakeMailer
from tests.rigs.reports import VACATION, a_report, forwarded

DUE, ACCEPTED, REFUSED = NoticeStatus.DUE, NoticeStatus.ACCEPTED, NoticeStatus.REFUSED


@pytest.fixture
def office() -> PostOffice:
    """Whose notices to persons 1, 2 and 3 were accepted."""
    office = PostOffice(FakeLedger(), FakeMailer())
    office.due(3)
    office.deliver()
    return office


@pytest.fixture
def box() -> FakeBox:
    return FakeBox()


def bounce(
    office: PostOffice, number: int, to: str | None = None, own_id: str | None = None, **told: str
) -> bytes:
    """Of the notice to person N. Each report has a Message-ID of its own unless it is told."""
    about = office.of(number).message_id
    own_id = own_id or f"<{number}.{to}.{office.clock.at.timestamp()}@mx>"
    return a_report(about, to or private(number), own_id=own_id, **told)


def read(office: PostOffice, box: FakeBox) -> Reading:
    return office.bounces(box).read()


def test_a_notice_that_came_back_goes_to_the_other_address_with_the_same_message_id(
    office: PostOffice, box: FakeBox
) -> None:
    before = office.of(1).message_id
    box.put(bounce(office, 1))
    reading = read(office, box)
    assert (reading.mails, reading.returned, reading.readdressed) == ({Verdict.BOUNCE: 1}, 1, 1)
    assert (office.of(1).status, office.of(1).address) == (DUE, own(1))
    assert box.done() == 1
    office.deliver()
    assert (office.of(1).status, office.of(1).address) == (ACCEPTED, own(1))
    assert office.of(1).message_id == before
    assert [office.of(n).address for n in (2, 3)] == [private(2), private(3)]


def test_one_that_comes_back_from_both_is_refused_and_the_expiry_waits_for_an_operator(
    office: PostOffice, box: FakeBox
) -> None:
    box.put(bounce(office, 1))
    read(office, box)
    office.deliver()
    box.put(bounce(office, 1, own(1)))
    assert read(office, box).readdressed == 0
    assert (office.of(1).status, office.of(1).address) == (REFUSED, own(1))
    assert (office.of(1).reply or "").startswith("came back: 550 5.1.1")
    assert {bad.address for bad in office.ledger.bad_addresses()} == {private(1), own(1)}


def test_the_next_notices_avoid_an_address_that_will_not_do_until_it_is_trusted_again(
    office: PostOffice, box: FakeBox
) -> None:
    box.put(bounce(office, 1))
    read(office, box)
    assert sent_next(office, "a") == own(1)
    office.sleep(days=91)
    assert sent_next(office, "b") == private(1)
    office.sleep(days=-91)
    assert sent_next(office, "c") == own(1)
    office.ledger.trust([private(1)], "alice", "mended", office.clock.at)
    assert sent_next(office, "d") == private(1)


def sent_next(office: PostOffice, mark: str) -> str:
    """Where another notice to the private address of person 1 goes."""
    notice = replace(office.of(1).notice, key=f"person-1:{mark}")
    office.ledger.notify([notice], office.clock.at)
    office.deliver()
    (item,) = office.ledger.notices([notice.key])
    assert item.status is ACCEPTED
    return item.address


def test_late_is_told_and_changes_nothing(office: PostOffice, box: FakeBox) -> None:
    box.put(bounce(office, 1, action="delayed", status="4.4.1"))
    assert read(office, box).mails == {Verdict.REPORT: 1}
    assert office.statuses() == [ACCEPTED] * 3
    assert office.ledger.bad_addresses() == [] and box.done() == 1


def test_one_given_up_after_being_late_goes_on_but_its_address_is_not_marked(
    office: PostOffice, box: FakeBox
) -> None:
    box.put(bounce(office, 1, status="4.4.7"))
    assert read(office, box).returned == 1
    assert office.of(1).address == own(1) and office.ledger.bad_addresses() == []


def test_operators_are_told_once_a_day(office: PostOffice, box: FakeBox) -> None:
    for number in (1, 2):
        box.put(bounce(office, number))
        read(office, box)
    (told,) = office.told_operators()
    assert told.notice.key.startswith("operator:bounces:")
    office.sleep(days=1)
    box.put(bounce(office, 3))
    read(office, box)
    assert len(office.told_operators()) == 2


# -- other mail --------------------------------------------------------------------------------------------
def test_answers_and_letters_stay_as_they_are(office: PostOffice, box: FakeBox) -> None:
    report = bounce(office, 1)
    box.put(VACATION, b"", forwarded(report), a_report("<unknown@example.org>", private(1)))
    assert read(office, box).mails == {Verdict.OTHER: 4}
    assert (box.flags(), box.done()) == ([False] * 4, 0)
    assert office.statuses() == [ACCEPTED] * 3
    assert read(office, box).mails == {}, "looked at once"


def test_a_mail_that_makes_no_sense_does_not_stop_the_others(office: PostOffice, box: FakeBox) -> None:
    box.put(b"\x00" * 1000, b"Content-Type: multipart/report; boundary=\r\n\r\n", bounce(office, 1))
    assert read(office, box).returned == 1


# -- whom to believe ---------------------------------------------------------------------------------------
def test_a_forged_bounce_of_an_address_we_did_not_send_to_is_left_there(
    office: PostOffice, box: FakeBox
) -> None:
    box.put(bounce(office, 1, private(2)), bounce(office, 1, own(1)))
    assert read(office, box).mails == {Verdict.DOUBTFUL: 2}
    assert office.statuses() == [ACCEPTED] * 3 and office.ledger.bad_addresses() == []
    assert box.flags() == [False] * 2


def test_a_bounce_that_comes_too_late_is_left_there(office: PostOffice, box: FakeBox) -> None:
    box.put(bounce(office, 1))
    office.sleep(days=15)
    assert read(office, box).mails == {Verdict.DOUBTFUL: 1}


def test_a_report_of_many_recipients_tells_of_ours_only(office: PostOffice, box: FakeBox) -> None:
    others = "Final-Recipient: rfc822; person2@example.net\nAction: failed\nStatus: 5.1.1\n"
    box.put(bounce(office, 1, action="delivered", status="2.0.0", more=others))
    assert read(office, box).mails == {Verdict.REPORT: 1}
    assert office.statuses() == [ACCEPTED] * 3


def test_an_address_is_known_in_any_spelling(office: PostOffice, box: FakeBox) -> None:
    box.put(bounce(office, 1, "someone@forward.example", original=private(1).upper()))
    assert read(office, box).returned == 1


# -- once --------------------------------------------------------------------------------------------------
def test_both_copies_of_a_notice_may_come_back(office: PostOffice, box: FakeBox) -> None:
    box.put(bounce(office, 1, own_id="<r1@mx>"), bounce(office, 1, own_id="<r2@mx>"))
    reading = read(office, box)
    assert (reading.mails, reading.returned) == ({Verdict.BOUNCE: 2}, 1)
    assert (office.of(1).status, office.of(1).address, box.done()) == (DUE, own(1), 2)


def test_a_mailbox_made_anew_is_read_again_and_nothing_happens_twice(
    office: PostOffice, box: FakeBox
) -> None:
    box.moves = False
    box.put(VACATION, bounce(office, 1, own_id="<r1@mx>"))
    read(office, box)
    office.deliver()
    office.ledger.retry(["person-1:created"], "alice", "mended", office.clock.at)
    office.ledger.settle(["person-1:created"], ACCEPTED, "250", "alice", office.clock.at)
    box.made_anew()
    assert read(office, box).returned == 0
    assert office.of(1).status is ACCEPTED
    assert events(office.ledger).count("notice-returned") == 1


def test_a_bounce_that_is_quicker_than_our_own_books_waits_for_them(office: PostOffice, box: FakeBox) -> None:
    item = office.of(1)
    office.ledger.items["person-1:created"] = type(item)(  # type: ignore[attr-defined]
        **{f: getattr(item, f) for f in item.__slots__} | {"status": NoticeStatus.SENDING}
    )
    box.put(bounce(office, 1), bounce(office, 2))
    assert read(office, box).mails == {Verdict.EARLY: 1, Verdict.BOUNCE: 1}
    office.ledger.items["person-1:created"] = item  # type: ignore[attr-defined]
    assert read(office, box).returned == 1
    assert [office.of(n).status for n in (1, 2)] == [DUE, DUE]


def test_a_mail_that_cannot_be_read_is_tried_again_until_a_later_one_can(
    office: PostOffice, box: FakeBox
) -> None:
    box.put(VACATION, bounce(office, 1))
    box.dumb = {2}
    assert read(office, box).mails == {Verdict.OTHER: 1, Verdict.UNREADABLE: 1}
    box.dumb = set()
    assert read(office, box).returned == 1
    box.put(bounce(office, 2), bounce(office, 3))
    box.dumb = {3}
    assert read(office, box).returned == 1
    assert read(office, box).mails == {}


def test_a_full_mailbox_is_read_run_by_run(office: PostOffice, box: FakeBox) -> None:
    box.put(*[VACATION] * PER_RUN, bounce(office, 1))
    first = read(office, box)
    assert not first.is_complete and first.returned == 0
    second = read(office, box)
    assert second.is_complete and second.returned == 1


def test_who_only_looks_changes_nothing(office: PostOffice, box: FakeBox) -> None:
    box.put(VACATION, bounce(office, 1))
    other, ours = office.bounces(box).look()
    assert (other.verdict, ours.verdict) == (Verdict.OTHER, Verdict.BOUNCE)
    assert ours.bounces[0].goes_to == own(1)
    assert office.statuses() == [ACCEPTED] * 3 and box.done() == 0
    assert read(office, box).returned == 1


def test_a_mailbox_that_is_away_loses_nothing(office: PostOffice, box: FakeBox) -> None:
    box.put(bounce(office, 1))
    box.away = True
    with pytest.raises(UnavailableError, match="inbox"):
        read(office, box)
    box.away = False
    office.sleep(days=3)
    assert read(office, box).returned == 1
