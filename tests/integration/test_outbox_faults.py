"""Notices through the real outbox, a SQLite ledger and real SMTP to a server that fails: nothing is lost, a refusal
is never repeated, and a doubt costs one copy with the same Message-ID."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.adapters.mailer.relay import SmtpMailer
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import NoticeStatus
from provisiond.ports import Sending
from tests.rigs.postoffice import OPERATOR, PostOffice, own, private
from tests.rigs.relays import relay
from tests.rigs.smtp import DROP, STALL, SmtpRig

TRIALS = int(os.environ.get("PROVISIOND_TRIALS", "5"))
NOTICES = 12
SHORT = {"connect_timeout": 1, "reply_timeout": 1, "data_timeout": 1}  # seconds, where a server is silent


@pytest.fixture
def rig() -> Iterator[SmtpRig]:
    with SmtpRig() as made:
        yield made


@pytest.fixture
def office(rig: SmtpRig, tmp_path: Path) -> Iterator[PostOffice]:
    with closing(SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db", create=True)) as ledger:
        yield PostOffice(ledger, SmtpMailer(relay(rig)))


def delivered(office: PostOffice, tries: int = 60) -> None:
    """Ten minutes between two tries, as long as anything waits."""
    for _ in range(tries):
        try:
            office.deliver()
        except UnavailableError as error:
            assert error.system == "mail"
        if not {NoticeStatus.DUE, NoticeStatus.UNKNOWN} & set(office.ledger.facts().notices):
            return
        office.sleep(minutes=10)
    raise AssertionError(office.ledger.facts().notices)


@pytest.mark.parametrize(
    ("stage", "says", "doubtful"),
    [
        ("greeting", "421 4.3.2 closing", False),
        ("greeting", "SSH-2.0-OpenSSH_9.2", False),
        ("greeting", STALL, False),
        ("MAIL", "421 4.3.2 closing", False),
        ("MAIL", "451 4.3.0 not now", False),
        ("RCPT", "421 4.3.2 closing", False),
        ("RCPT", "450 4.2.1 greylisted", False),
        ("RCPT", "451 4.7.1 greylisted", False),
        ("RCPT", DROP, False),
        ("DATA", "450 4.3.0 not now", False),
        ("DATA", "451 4.3.0 not now", False),
        ("DATA", STALL, False),
        ("content", DROP, False),
        ("final", "421 4.3.2 closing", False),
        ("final", "451 4.3.0 not now", False),
        ("final", DROP, True),
        ("final", STALL, True),
    ],
)
def test_a_fault_that_passes_costs_nothing_but_time(
    office: PostOffice, rig: SmtpRig, stage: str, says: str, doubtful: bool
) -> None:
    office.due(3)
    if says == STALL:
        office.mailer = SmtpMailer(relay(rig, **SHORT))
    rig.when(stage, says, times=1)
    delivered(office)
    assert office.statuses() == [NoticeStatus.ACCEPTED] * 3
    copies = sorted(len(rig.to(private(n))) for n in (1, 2, 3))
    assert copies == [1, 1, 2 if doubtful else 1]
    assert len({mail.message_id for mail in rig.mails}) == 3


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("RCPT", "550 5.1.1 no such user"),
        ("RCPT", "552 5.2.2 mailbox full"),
        ("DATA", "554 5.5.1 no valid recipients"),
        ("final", "550 5.7.1 spam"),
        ("final", "552 5.3.4 too large"),
    ],
)
def test_one_who_refuses_is_asked_once_and_the_others_get_theirs(
    office: PostOffice, rig: SmtpRig, stage: str, says: str
) -> None:
    office.due(3)
    rig.when(stage, says, to=private(2))
    rig.when(stage, says, to=own(2))
    delivered(office)
    a = NoticeStatus.ACCEPTED
    assert [office.of(n).status for n in (1, 2, 3)] == [a, NoticeStatus.REFUSED, a]
    assert office.of(2).reply == says
    asked = Counter(command for command in rig.commands if command.startswith("RCPT"))
    assert (asked[f"RCPT TO:<{private(2)}>"], asked[f"RCPT TO:<{own(2)}>"]) == (1, 1)
    assert len(rig.to(OPERATOR)) == 1


def test_a_server_that_was_away_gets_everything_when_it_is_back(office: PostOffice, rig: SmtpRig) -> None:
    office.due(NOTICES)
    rig.when("greeting", "554 5.3.2 no service")
    for _ in range(10):
        with pytest.raises(UnavailableError, match="no service"):
            office.deliver()
        office.sleep(minutes=1)
    rig.well()
    assert office.deliver().accepted == NOTICES
    assert len(rig.mails) == NOTICES


@pytest.mark.parametrize("seed", range(TRIALS))
def test_whatever_fails_in_whatever_order_nothing_is_lost(
    office: PostOffice, rig: SmtpRig, seed: int
) -> None:
    """A server that fails at random, and ourselves dying with a mail on its way."""
    dice = random.Random(seed)
    office.due(NOTICES)
    losses = deaths = 0
    for _ in range(25):
        rig.well()
        for _ in range(dice.randint(0, 3)):
            stage, says = dice.choice(_PASSING)
            losses += says == DROP and stage in ("content", "final")
            rig.when(stage, says, times=1)
        try:
            office.deliver()
        except UnavailableError as error:
            assert error.system == "mail"
        if dice.random() < 0.3:
            deaths += _die(office)
        office.sleep(minutes=dice.choice((1, 30, 300)))
    rig.well()
    delivered(office)
    copies = Counter(mail.message_id for mail in rig.mails if mail.to != OPERATOR)
    statuses = Counter(office.statuses())
    assert set(statuses) <= {NoticeStatus.ACCEPTED, NoticeStatus.GIVEN_UP}
    assert statuses[NoticeStatus.GIVEN_UP] * 2 <= losses, "only where an answer was lost twice"
    accepted = {i.message_id for i in office.ledger.outbox(NoticeStatus.ACCEPTED)}
    assert accepted - {mail.message_id for mail in rig.mails} == set()
    assert copies.total() - len(copies) <= losses + deaths


_PASSING = [
    ("greeting", "421 4.3.2 closing"),
    ("greeting", DROP),
    ("MAIL", "421 4.3.2 closing"),
    ("MAIL", DROP),
    ("RCPT", "451 4.7.1 greylisted"),
    ("RCPT", DROP),
    ("DATA", "451 4.3.0 not now"),
    ("DATA", DROP),
    ("content", DROP),
    ("final", "451 4.3.0 not now"),
    ("final", DROP),
]


def _die(office: PostOffice) -> int:
    """As a kill between the server's 250 and our commit would leave it."""
    outbox = office.outbox()
    for item in outbox.claim(1):
        written = outbox.write(item, None)
        assert written.mail
        office.ledger.turn(
            None, Sending(item.notice.key, written.sending.message_id, item.address), office.clock.now()
        )
        with office.mailer.batch() as batch:
            batch.send(written.mail, item.address)
        return 1
    return 0
