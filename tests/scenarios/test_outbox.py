"""Notices on their way: what each answer of a mail server leads to, and what time does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from provisiond.adapters.ledger.tenure import lost
from provisiond.domain.delivery import MailPolicy
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import NoticeKind, NoticeStatus, OutboxItem, State
from provisiond.outbox import Delivered
from provisiond.ports import DeliveryOutcome
from tests.rigs.ledger import FakeLedger
from tests.rigs.ledgers import events
from tests.rigs.postoffice import HEAD, OPERATOR, PostOffice, own, private
from tests.rigs.relays import FakeMailer

DEFERRED, REFUSED = DeliveryOutcome.DEFERRED, DeliveryOutcome.REFUSED
UNKNOWN, UNAVAILABLE = DeliveryOutcome.UNKNOWN, DeliveryOutcome.UNAVAILABLE


@pytest.fixture
def server() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def office(server: FakeMailer) -> PostOffice:
    return PostOffice(FakeLedger(), server)


def test_what_is_due_goes_out_once(office: PostOffice, server: FakeMailer) -> None:
    office.due(3)
    assert office.deliver() == Delivered(accepted=3)
    assert office.deliver() == Delivered()
    assert [to for to, _ in server.taken()] == [private(n) for n in (1, 2, 3)]
    assert len({message_id for _, message_id in server.taken()}) == 3
    assert office.of(1).reply == "250 2.0.0 ok: queued"
    assert office.told_operators() == []
    (mail, *_) = [message for _, message in server.mails]
    assert mail["Reply-To"] == "help@example.edu" and mail["Date"].endswith("+0800")


def test_nothing_due_opens_no_connection(office: PostOffice, server: FakeMailer) -> None:
    office.deliver()
    assert server.taken() == []


def test_who_leads_no_more_sends_no_more_and_the_next_one_sends_each_once(
    office: PostOffice, server: FakeMailer
) -> None:
    office.due(3)
    leads = iter([True])

    @contextmanager
    def guard() -> Iterator[None]:
        if not next(leads, False):
            raise lost(4)
        yield

    with pytest.raises(UnavailableError, match="leadership: lost"):
        office.outbox(guard=guard).deliver()
    assert [to for to, _ in server.taken()] == [private(1)]
    office.sleep(hours=1)
    office.deliver()
    assert sorted(to for to, _ in server.taken()) == [private(n) for n in (1, 2, 3)]


# -- put off ---------------------------------------------------------------------------------------------
def test_what_was_put_off_goes_out_later(office: PostOffice, server: FakeMailer) -> None:
    office.due(2)
    server.does(DEFERRED, private(1), times=2)
    assert office.deliver() == Delivered(accepted=1, put_off=1)
    assert office.of(1).next_try_at == office.clock.now() + timedelta(minutes=5)
    assert office.deliver() == Delivered(), "not before its time"
    office.sleep(minutes=5)
    assert office.deliver() == Delivered(put_off=1)
    assert office.of(1).next_try_at == office.clock.now() + timedelta(minutes=10)
    office.sleep(minutes=10)
    assert office.deliver() == Delivered(accepted=1)
    assert office.of(1).attempts == 3


def test_who_puts_off_for_days_is_given_up_visibly(office: PostOffice, server: FakeMailer) -> None:
    office.due(1)
    server.does(DEFERRED, private(1))
    began_at = office.clock.now()
    office.deliver_for(5)
    item = office.of(1)
    assert (item.status, item.reply) == (NoticeStatus.GIVEN_UP, "451 4.7.1 come again later")
    assert item.settled_at and timedelta(days=3) <= item.settled_at - began_at < timedelta(days=4)
    assert item.attempts < 30
    (told,) = office.told_operators()
    assert (told.notice.kind, told.address) == (NoticeKind.OPERATOR, OPERATOR)
    assert told.status is NoticeStatus.ACCEPTED


def test_an_operator_revives_what_was_given_up(office: PostOffice, server: FakeMailer) -> None:
    (key,) = office.due(1)
    server.does(DEFERRED, private(1))
    office.deliver_for(5)
    server.well()
    office.ledger.retry([key], "alice", "their server is back", office.clock.now())
    assert office.deliver() == Delivered(accepted=1)


# -- refused ---------------------------------------------------------------------------------------------
def test_who_refuses_gets_it_at_the_other_address(office: PostOffice, server: FakeMailer) -> None:
    office.due(1)
    server.does(REFUSED, private(1))
    assert office.deliver() == Delivered(readdressed=1, accepted=1)
    assert (office.of(1).status, office.of(1).sent_to) == (NoticeStatus.ACCEPTED, own(1))
    assert [to for to, _ in server.taken()] == [own(1)]
    assert len(office.told_operators()) == 1


def test_what_every_address_refuses_is_never_tried_again(office: PostOffice, server: FakeMailer) -> None:
    office.due(1)
    server.does(REFUSED, private(1), times=1)
    server.does(REFUSED, own(1), times=1)
    assert office.deliver() == Delivered(readdressed=1, refused=1)
    office.deliver_for(5)
    assert office.statuses() == [NoticeStatus.REFUSED]
    assert [to for to, _ in server.taken()] == [OPERATOR]


def test_operators_are_told_once_a_day_however_many_are_refused(
    office: PostOffice, server: FakeMailer
) -> None:
    office.due(20)
    for n in range(1, 21):
        server.does(REFUSED, private(n))
    assert office.deliver() == Delivered(readdressed=20, accepted=20)
    office.deliver()
    assert [to for to, _ in server.taken()].count(OPERATOR) == 1


def test_a_refused_mail_to_the_operators_brings_no_further_one(
    office: PostOffice, server: FakeMailer
) -> None:
    office.due(1)
    server.does(REFUSED)
    office.deliver_for(1)
    assert [item.status for item in office.told_operators()] == [NoticeStatus.REFUSED]


# -- unknown ---------------------------------------------------------------------------------------------
def test_a_lost_answer_is_one_more_copy_with_the_same_message_id(
    office: PostOffice, server: FakeMailer
) -> None:
    office.due(1)
    server.does(UNKNOWN, private(1), times=1)
    assert office.deliver() == Delivered(unknown=1)
    assert office.deliver() == Delivered(), "not at once"
    office.sleep(minutes=5)
    assert office.deliver() == Delivered(accepted=1)
    (first, second) = server.taken()
    assert first == second


def test_a_copy_keeps_the_message_id_that_was_sent(office: PostOffice, server: FakeMailer) -> None:
    """Also where the key or the domain of Message-IDs was changed in between."""
    office.due(1)
    server.does(UNKNOWN, private(1), times=1)
    office.deliver()
    office.sleep(minutes=5)
    office.outbox(letterhead=replace(HEAD, message_id=lambda key: f"<{key}@other.edu>")).deliver()
    (first, second) = server.taken()
    assert first == second


def test_an_answer_lost_again_is_left_to_an_operator(office: PostOffice, server: FakeMailer) -> None:
    office.due(1)
    server.does(UNKNOWN, private(1))
    office.deliver_for(5)
    assert office.statuses() == [NoticeStatus.GIVEN_UP]
    assert [to for to, _ in server.taken()].count(private(1)) == 2
    assert len(office.told_operators()) == 1


def test_what_was_being_sent_when_we_died_is_sent_again(office: PostOffice, server: FakeMailer) -> None:
    """As often as we die: at most one copy each time."""
    office.due(2)
    outbox = office.outbox()
    for _ in range(4):
        (item, _other) = outbox.claim(10)
        written = outbox.write(item, None)
        assert office.ledger.turn(None, written.sending, office.clock.now())
    assert office.deliver() == Delivered(accepted=2)
    assert events(office.ledger).count("notice-unknown") == 4


# -- no server -------------------------------------------------------------------------------------------
def test_while_no_server_answers_everything_stays_due(office: PostOffice, server: FakeMailer) -> None:
    office.due(3)
    server.does(UNAVAILABLE, private(2))
    for _ in range(20):
        with pytest.raises(UnavailableError, match="nobody there"):
            office.deliver()
        office.sleep(minutes=30)
    assert office.statuses() == [NoticeStatus.ACCEPTED, NoticeStatus.DUE, NoticeStatus.DUE]
    assert office.of(2).attempts == 0
    server.well()
    assert office.deliver() == Delivered(accepted=2)
    assert len(server.taken()) == 3


# -- caps ------------------------------------------------------------------------------------------------
def test_no_more_a_minute_and_a_run_than_allowed(office: PostOffice, server: FakeMailer) -> None:
    office.policy = MailPolicy(per_minute=5, per_run=3)
    office.due(7)
    assert office.deliver() == Delivered(accepted=3, limited=True)
    assert office.deliver() == Delivered(accepted=2, limited=True)
    assert office.deliver() == Delivered(limited=True)
    office.sleep(seconds=61)
    assert office.deliver() == Delivered(accepted=2)
    assert len(server.taken()) == 7


def test_a_clock_that_is_put_back_stops_nothing(office: PostOffice, server: FakeMailer) -> None:
    office.policy = MailPolicy(per_minute=3)
    office.due(4)
    server.does(DEFERRED, private(1), times=1)
    office.deliver()
    office.sleep(days=-300)
    assert office.deliver() == Delivered(accepted=2)


def test_a_run_ends_between_two_mails_when_asked_to(office: PostOffice, server: FakeMailer) -> None:
    office.due(5)
    outbox = office.outbox(stopping=lambda: len(server.mails) >= 2)
    assert outbox.deliver() == Delivered(accepted=2)
    assert office.statuses().count(NoticeStatus.DUE) == 3


# -- what happened meanwhile -----------------------------------------------------------------------------
def test_a_letter_that_cannot_be_written_stops_no_other(office: PostOffice, server: FakeMailer) -> None:
    office.due(2)
    office.letters.unwritable = {NoticeKind.CREATED}
    assert office.deliver() == Delivered(put_off=2)
    assert "'expiry' is undefined" in (office.of(1).reply or "")
    office.letters.unwritable = set()
    office.sleep(minutes=5)
    assert office.deliver() == Delivered(accepted=2)


def test_an_address_that_is_none_gets_nothing(office: PostOffice, server: FakeMailer) -> None:
    office.due(2)
    item = office.of(1)
    office.ledger.items[item.notice.key] = _to(item, "x@y.example\r\nRCPT TO:<v@example.net>")  # type: ignore[attr-defined]
    assert office.deliver() == Delivered(readdressed=1, accepted=2)
    assert [to for to, _ in server.taken()] == [private(2), private(1)]


def test_what_is_not_true_any_more_is_dropped_with_the_reason(office: PostOffice, server: FakeMailer) -> None:
    office.due(2)
    office.moved(1, State.TERMINATED)
    assert office.deliver() == Delivered(accepted=1, dropped=1)
    assert (office.of(1).status, office.of(1).reply) == (
        NoticeStatus.DROPPED,
        "overtaken: the account is terminated now",
    )


def _to(item: OutboxItem, address: str) -> OutboxItem:
    return replace(item, notice=replace(item.notice, to=address))
