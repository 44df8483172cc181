"""Our mailer against a mail server that fails in every way: what it does is what `Delivery` says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisiond.adapters.mailer.relay import SmtpMailer
from provisiond.ports import Delivery, DeliveryOutcome
from tests.contract.test_mailer_contract import MINE, OTHER, a_mail
from tests.contract.test_mailer_contract import sent as sent_one
from tests.rigs.front import certificate
from tests.rigs.relays import SENDER, relay
from tests.rigs.smtp import DROP, STALL, SmtpRig

ACCEPTED, DEFERRED = DeliveryOutcome.ACCEPTED, DeliveryOutcome.DEFERRED
REFUSED, UNKNOWN, UNAVAILABLE = DeliveryOutcome.REFUSED, DeliveryOutcome.UNKNOWN, DeliveryOutcome.UNAVAILABLE
PATIENCE = {"connect_timeout": 0.7, "reply_timeout": 0.7, "data_timeout": 0.7}


@pytest.fixture(params=["pipelining", "one by one"])
def rig(request: pytest.FixtureRequest) -> Iterator[SmtpRig]:
    """Servers that take several commands at once, and others."""
    with SmtpRig() as made:
        if request.param != "pipelining":
            made.offers = made.offers[1:]
        yield made


def sent(rig: SmtpRig, *addresses: str, **told: object) -> list[Delivery]:
    """One mail to each, in one batch."""
    with SmtpMailer(relay(rig, **told)).batch() as batch:
        return [sent_one(batch, a_mail(n, to), to) for n, to in enumerate(addresses)]


def outcomes(said: list[Delivery]) -> list[DeliveryOutcome]:
    return [one.outcome for one in said]


# -- a mail as it arrives --------------------------------------------------------------------------------
def test_a_batch_is_one_connection_that_ends_politely(rig: SmtpRig) -> None:
    sent(rig, MINE, OTHER, MINE)
    assert rig.connections == 1
    assert rig.commands[-1] == "QUIT"
    assert [mail.sender for mail in rig.mails] == [SENDER] * 3


def test_the_mail_arrives_as_it_was_written(rig: SmtpRig) -> None:
    sent(rig, MINE)
    (mail,) = rig.mails
    assert mail.message["Subject"] == "Hello 通知"
    assert mail.message["To"] == MINE
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["Date"].datetime.isoformat() == "2025-09-01T08:30:00+00:00"
    assert [part.get_content_type() for part in mail.message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert mail.content.isascii() and b"\r\n" in mail.content
    assert "SIZE=" in mail.options and "SMTPUTF8" not in mail.options


def test_an_address_that_needs_smtputf8_gets_it_where_it_is_offered(rig: SmtpRig) -> None:
    assert outcomes(sent(rig, "大文@example.net")) == [ACCEPTED]
    assert rig.mails[0].to == "大文@example.net"
    assert "SMTPUTF8" in rig.mails[0].options
    assert rig.mails[0].message["To"] == "大文@example.net"
    rig.offers = ()
    (said,) = sent(rig, "大文@example.net")
    assert said.outcome is REFUSED and "SMTPUTF8" in said.reply


def test_a_domain_of_other_letters_needs_no_smtputf8(rig: SmtpRig) -> None:
    rig.offers = ()
    assert outcomes(sent(rig, "man@大學.example")) == [ACCEPTED]
    assert rig.mails[0].to == "man@xn--pssu7c.example"


# -- replies ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("stage", "says", "outcome"),
    [
        ("MAIL", "451 4.3.0 not now", DEFERRED),
        ("MAIL", "452 4.3.1 disk full", DEFERRED),
        ("MAIL", "552 5.3.4 too large", REFUSED),
        ("MAIL", "553 5.1.8 who are you", UNAVAILABLE),
        ("MAIL", "421 4.3.2 closing", UNAVAILABLE),
        ("MAIL", "530 5.7.0 log in first", UNAVAILABLE),
        ("RCPT", "421 4.3.2 closing", DEFERRED),
        ("RCPT", "450 4.2.1 greylisted", DEFERRED),
        ("RCPT", "451 4.7.1 greylisted", DEFERRED),
        ("RCPT", "550 5.1.1 no such user", REFUSED),
        ("RCPT", "552 5.2.2 mailbox full", REFUSED),
        ("RCPT", "530 5.7.0 log in first", UNAVAILABLE),
        ("DATA", "421 4.3.2 closing", DEFERRED),
        ("DATA", "451 4.3.0 not now", DEFERRED),
        ("DATA", "554 5.5.1 no valid recipients", REFUSED),
        ("final", "421 4.3.2 closing", DEFERRED),
        ("final", "450 4.2.0 not now", DEFERRED),
        ("final", "451 4.3.0 not now", DEFERRED),
        ("final", "552 5.3.4 too large", REFUSED),
        ("final", "550 5.7.1 spam", REFUSED),
    ],
)
def test_a_reply_means_what_it_says_and_the_next_mail_goes_on(
    rig: SmtpRig, stage: str, says: str, outcome: DeliveryOutcome
) -> None:
    rig.when(stage, says, to=None if stage == "MAIL" else MINE, times=1)
    first, second = sent(rig, MINE, OTHER)
    assert (first.outcome, second.outcome) == (outcome, ACCEPTED)
    assert says in first.reply
    assert [mail.to for mail in rig.mails] == [OTHER]


# -- lost connections ------------------------------------------------------------------------------------
@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
def test_a_connection_lost_before_the_content_sends_nothing(rig: SmtpRig, stage: str) -> None:
    rig.when(stage, DROP, to=MINE, times=1)
    assert outcomes(sent(rig, MINE, OTHER)) == [DEFERRED, ACCEPTED]
    assert rig.to(MINE) == []


@pytest.mark.parametrize(("stage", "copies"), [("content", 0), ("final", 1)])
def test_a_connection_lost_around_the_final_dot_is_unknown(rig: SmtpRig, stage: str, copies: int) -> None:
    """Before it nothing arrived, after it the mail did: we cannot tell."""
    rig.when(stage, DROP, to=MINE, times=1)
    assert outcomes(sent(rig, MINE, OTHER)) == [UNKNOWN, ACCEPTED]
    assert len(rig.to(MINE)) == copies


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
def test_a_server_that_is_silent_before_the_content_is_left(rig: SmtpRig, stage: str) -> None:
    rig.when(stage, STALL, to=MINE, times=1)
    assert outcomes(sent(rig, MINE, OTHER, **PATIENCE)) == [DEFERRED, ACCEPTED]


def test_a_server_that_is_silent_after_the_final_dot_leaves_it_unknown(rig: SmtpRig) -> None:
    rig.when("final", STALL, to=MINE, times=1)
    assert outcomes(sent(rig, MINE, OTHER, **PATIENCE)) == [UNKNOWN, ACCEPTED]


def test_an_answer_to_the_final_dot_that_is_none_is_unknown(rig: SmtpRig) -> None:
    rig.when("final", "hello?", times=1)
    rig.when("final", "199 perhaps", times=1)
    assert outcomes(sent(rig, MINE, OTHER, MINE)) == [UNKNOWN, UNKNOWN, ACCEPTED]


def test_a_connection_that_ended_between_two_mails_costs_nothing(rig: SmtpRig) -> None:
    """Servers close what is idle, or after so many mails (421): the next mail gets a new connection."""
    with SmtpMailer(relay(rig)).batch() as batch:
        assert sent_one(batch, a_mail(1), MINE).outcome is ACCEPTED
        rig.when("MAIL", "421 4.7.0 enough for one connection", times=1)
        assert sent_one(batch, a_mail(2), MINE).outcome is ACCEPTED
        rig.when("MAIL", DROP, times=1)
        assert sent_one(batch, a_mail(3), MINE).outcome is ACCEPTED
    assert rig.connections == 3
    assert len(rig.mails) == 3


def test_one_recipient_who_breaks_connections_does_not_stop_the_others(rig: SmtpRig) -> None:
    rig.when("RCPT", DROP, to=MINE)
    assert outcomes(sent(rig, MINE, OTHER, MINE, OTHER)) == [DEFERRED, ACCEPTED] * 2


def test_a_server_that_breaks_every_connection_serves_nobody(rig: SmtpRig) -> None:
    rig.when("RCPT", DROP)
    assert outcomes(sent(rig, MINE, OTHER, MINE)) == [DEFERRED, DEFERRED, UNAVAILABLE]


# -- no server -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("greeting", "421 4.3.2 try later"),
        ("greeting", "554 5.3.2 no service"),
        ("greeting", "SSH-2.0-OpenSSH_9.2"),
        ("greeting", DROP),
        ("greeting", STALL),
        ("EHLO", DROP),
        ("EHLO", STALL),
    ],
)
def test_a_server_that_does_not_begin_well_is_unavailable(rig: SmtpRig, stage: str, says: str) -> None:
    rig.when(stage, says)
    (said,) = sent(rig, MINE, **PATIENCE)
    assert said.outcome is UNAVAILABLE
    assert f"127.0.0.1:{rig.port}" in said.reply
    rig.well()
    assert outcomes(sent(rig, MINE)) == [ACCEPTED]


def test_nobody_at_that_port_is_unavailable(rig: SmtpRig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    (said,) = sent(rig, MINE, port=port)
    assert said.outcome is UNAVAILABLE and "refused" in said.reply.lower()


# -- encryption and log-in -------------------------------------------------------------------------------
@pytest.mark.parametrize("implicit", [False, True])
def test_mails_go_encrypted_and_logged_in(tmp_path: Path, implicit: bool) -> None:
    ca_file, context = certificate(tmp_path, "localhost")
    told = {"host": "localhost", "tls": "tls" if implicit else "starttls", "ca_file": ca_file}
    account = ("accounts", "s3cret-of-the-relay")
    with SmtpRig(tls=context, implicit_tls=implicit, account=account) as rig:
        assert outcomes(sent(rig, MINE, user=account[0], password=account[1], **told)) == [ACCEPTED]
        (said,) = sent(rig, MINE, user=account[0], password="wrong-s3cret", **told)
        assert said.outcome is UNAVAILABLE
        assert "log-in of accounts" in said.reply and "s3cret" not in said.reply
        assert "s3cret" not in repr(relay(rig, password=account[1]))
        assert len(rig.mails) == 1


def test_a_certificate_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    ca_file, context = certificate(tmp_path, "elsewhere.example.edu")
    with SmtpRig(tls=context) as rig:
        for told in ({"ca_file": ca_file}, {}):  # another name; an issuer we do not know
            (said,) = sent(rig, MINE, host="localhost", tls="starttls", **told)
            assert said.outcome is UNAVAILABLE and "certificate" in said.reply.lower()
        assert rig.mails == []


def test_without_starttls_nothing_is_said(rig: SmtpRig) -> None:
    """Somebody on the way may have stripped it."""
    (said,) = sent(rig, MINE, tls="starttls", user="accounts", password="secret")
    assert said.outcome is UNAVAILABLE and "STARTTLS" in said.reply
    assert not [command for command in rig.commands if command.startswith(("AUTH", "MAIL"))]
