"""What ports.Mailer promises: on the fake, and on aiosmtplib in front of a server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from provisiond.message import Letterhead, message
from provisiond.ports import Delivery, DeliveryOutcome, Letter, MailBatch
from tests.rigs.relays import PLACES, SENDER, Place

MINE, OTHER = "tai.man@example.net", "siu.ming@example.net"
HEAD = Letterhead(f"Accounts <{SENDER}>", lambda key: f"<{key}@example.edu>")


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with PLACES[request.param]() as made:
        yield made


def a_mail(number: int, to: str = MINE) -> bytes:
    at = datetime(2025, 9, 1, 8, 30, tzinfo=UTC)
    return message(Letter("Hello 通知", "Text", "<p>Text</p>"), HEAD, to, f"<{number}@example.edu>", at)


def sent(batch: MailBatch, mail: bytes, to: str) -> Delivery:
    said = batch.send(mail, to)
    assert said is not None
    return said


def test_a_batch_takes_mails_one_by_one(place: Place) -> None:
    with place.mailer.batch() as batch:
        said = [sent(batch, a_mail(n), MINE) for n in range(3)]
    assert {one.outcome for one in said} == {DeliveryOutcome.ACCEPTED}
    assert said[0].reply.startswith("250 ")
    assert place.taken() == [(MINE, f"<{n}@example.edu>") for n in range(3)]


@pytest.mark.parametrize("outcome", [DeliveryOutcome.DEFERRED, DeliveryOutcome.REFUSED])
def test_what_one_address_gets_does_not_touch_the_next_one(place: Place, outcome: DeliveryOutcome) -> None:
    place.does(outcome, to=MINE)
    with place.mailer.batch() as batch:
        said = [sent(batch, a_mail(1), MINE), sent(batch, a_mail(2, OTHER), OTHER)]
    assert [one.outcome for one in said] == [outcome, DeliveryOutcome.ACCEPTED]
    assert said[0].reply[0] in "45"
    assert place.taken() == [(OTHER, "<2@example.edu>")]


def test_a_lost_answer_is_unknown_and_the_batch_goes_on(place: Place) -> None:
    place.does(DeliveryOutcome.UNKNOWN, times=1)
    with place.mailer.batch() as batch:
        said = [sent(batch, a_mail(n), MINE).outcome for n in range(2)]
    assert said == [DeliveryOutcome.UNKNOWN, DeliveryOutcome.ACCEPTED]


def test_without_a_server_nothing_is_sent_and_the_check_says_so(place: Place) -> None:
    assert place.mailer.check() == []
    place.does(DeliveryOutcome.UNAVAILABLE)
    with place.mailer.batch() as batch:
        assert sent(batch, a_mail(1), MINE).outcome is DeliveryOutcome.UNAVAILABLE
    assert place.taken() == []
    (fault,) = place.mailer.check()
    assert str(fault).startswith("mail: ")


@pytest.mark.parametrize(
    "address",
    [
        "a@example.net\r\nRCPT TO:<victim@example.net>",
        "a@example.net>\r\nDATA",
        "a@example.net> SIZE=1",
        "a b@example.net",
        "victim@example.net,a@example.net",
        "<a@example.net>",
        "a@example.net\x00",
        "a\u2028b@example.net",
        "a@exam\u202eple.net",
        "a@straße.example.net",
        "a@localhost",
        "@example.net",
        "a..b@example.net",
        "a@-x.example.net",
        "x" * 65 + "@example.net",
        "",
    ],
)
def test_what_is_no_address_is_refused_and_nothing_of_it_is_said(place: Place, address: str) -> None:
    with place.mailer.batch() as batch:
        said = sent(batch, a_mail(1), address)
        assert sent(batch, a_mail(2), MINE).outcome is DeliveryOutcome.ACCEPTED
    assert said.outcome is DeliveryOutcome.REFUSED
    assert place.taken() == [(MINE, "<2@example.edu>")]


def test_who_sends_may_change_their_mind_before_anything_is_sent(place: Place) -> None:
    """And does other work while the server is busy."""
    asked: list[str] = []

    def begin(answer: bool) -> bool:
        asked.append("begin")
        return answer

    with place.mailer.batch() as batch:
        assert batch.send(a_mail(1), MINE, lambda: begin(False)) is None
        assert place.taken() == []
        said = batch.send(a_mail(2), MINE, lambda: begin(True), lambda: asked.append("meanwhile"))
    assert said is not None and said.outcome is DeliveryOutcome.ACCEPTED
    assert asked == ["begin", "begin", "meanwhile"]


def test_without_a_server_nothing_is_begun(place: Place) -> None:
    place.does(DeliveryOutcome.UNAVAILABLE)
    begun: list[str] = []

    def begin() -> bool:
        begun.append("begun")
        return True

    with place.mailer.batch() as batch:
        said = batch.send(a_mail(1), MINE, begin)
    assert said is not None and said.outcome is DeliveryOutcome.UNAVAILABLE
    assert begun == []
