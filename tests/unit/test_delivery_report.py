"""What mails that came back say, as mail servers really write them and as nobody should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.delivery_report import Recipient, delivery_report
from tests.rigs.reports import REPORT_ID, VACATION, a_report, forwarded

ABOUT = "<abc@example.edu>"


def recipients(raw: bytes) -> tuple[Recipient, ...]:
    report = delivery_report(raw)
    assert report is not None
    return report.recipients


def test_a_failure_names_mail_recipient_status_and_reply() -> None:
    report = delivery_report(a_report(ABOUT, "gone@example.net", original="Gone@example.net"))
    assert report is not None
    assert (report.message_id, report.about) == (REPORT_ID, ABOUT)
    (one,) = report.recipients
    assert one.addresses == ("gone@example.net", "Gone@example.net")
    assert (one.action, one.status, one.reply) == ("failed", "5.1.1", "550 5.1.1 no such user")
    assert one.has_failed


def test_late_is_not_failed() -> None:
    (one,) = recipients(a_report(ABOUT, "late@example.net", action="Delayed", status="4.4.1"))
    assert not one.has_failed


def test_each_of_several_recipients_has_its_own_fate() -> None:
    more = "Final-Recipient: RFC822;<b@example.net>\nAction: failed\nStatus: 5.2.2 (full)\n"
    one, other = recipients(a_report(ABOUT, "a@example.net", action="delivered", status="2.0.0", more=more))
    assert not one.has_failed
    assert (other.addresses, other.status, other.reply) == (("b@example.net",), "5.2.2", "5.2.2")


def test_addresses_are_decoded() -> None:
    (one,) = recipients(a_report(ABOUT, "a+2Bb@example.net"))
    assert one.addresses == ("a+b@example.net",)
    (one,) = recipients(a_report(ABOUT, r"\x{5927}\x{6587}@example.net", kind="utf-8"))
    assert one.addresses == ("大文@example.net",)
    (one,) = recipients(a_report(ABOUT, "大文@example.net", kind="utf-8"))
    assert one.addresses == ("大文@example.net",)


def test_an_international_report_is_read_too() -> None:
    raw = a_report(ABOUT, "大文@example.net", kind="utf-8")
    raw = raw.replace(b"message/delivery-status", b"message/global-delivery-status")
    raw = raw.replace(b"text/rfc822-headers", b"message/global-headers")
    report = delivery_report(raw)
    assert report is not None and report.about == ABOUT
    assert report.recipients[0].addresses == ("大文@example.net",)


def test_the_whole_mail_may_have_come_back() -> None:
    report = delivery_report(
        a_report(ABOUT, "a@example.net").replace(b"text/rfc822-headers", b"message/rfc822")
    )
    assert report is not None and report.about == ABOUT


def test_a_report_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    raw = a_report(ABOUT, "a@example.net")
    report = delivery_report(raw[: raw.index(ABOUT.encode()) + len(ABOUT) + 2])
    assert report is not None and report.about == ABOUT


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff rubbish",
        VACATION,
        forwarded(a_report(ABOUT, "a@example.net")),
        b"Content-Type: multipart/report; boundary=x\r\n\r\nno parts\r\n",
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: message/disposition-notification\r\n\r\nDisposition: displayed\r\n\r\n--x--\r\n",
    ],
)
def test_anything_else_is_no_report(raw: bytes) -> None:
    assert delivery_report(raw) is None


def test_blocks_without_recipient_or_action_are_passed_over() -> None:
    more = "Final-Recipient: x400; /C=HK/\nAction: failed\n\nFinal-Recipient: rfc822; b@example.net\n"
    assert [r.addresses for r in recipients(a_report(ABOUT, "a@example.net", more=more))] == [
        ("a@example.net",)
    ]
    report = delivery_report(a_report(None, "a@example.net"))
    assert report is not None and report.about is None


def test_what_a_server_says_is_one_short_line_that_no_terminal_obeys() -> None:
    (one,) = recipients(a_report(ABOUT, "a@example.net", reply="smtp; 550 \x1b[2J no\n " + "x" * 3000))
    assert one.reply.startswith("550 [2J no xxx") and len(one.reply) == 500


@given(st.binary(max_size=300), st.integers(0, 900))
def test_nothing_in_a_mail_raises(junk: bytes, at: int) -> None:
    raw = a_report(ABOUT, "a@example.net")
    delivery_report(junk)
    delivery_report(raw[:at] + junk + raw[at:])
