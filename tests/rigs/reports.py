"""Mails as a mail server sends them back (RFC 3464), and others that merely look so."""

from __future__ import annotations

REPORT_ID = "<20261124.4252AA96019@mx.example.edu>"


def a_report(
    about: str | None,
    to: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    reply: str = "smtp; 550 5.1.1 no such user",
    original: str | None = None,
    kind: str = "rfc822",
    own_id: str | None = REPORT_ID,
    more: str = "",
) -> bytes:
    """`about`: Message-ID of the mail that is told of; `to`, `original`: its recipient as RFC 3464 writes it, after
    the type; `more`: further blocks of recipients."""
    lines = [f"Final-Recipient: {kind}; {to}", f"Action: {action}", f"Status: {status}"]
    lines += [f"Diagnostic-Code: {reply}"]
    lines += [f"Original-Recipient: {kind};{original}"] if original else []
    headers = ["Subject: hello"] + ([f"Message-ID: {about}"] if about else [])
    text = _FRAME.format(
        own_id=f"Message-Id: {own_id}\n" if own_id else "",
        recipients="\n".join(lines) + "\n" + (f"\n{more}" if more else ""),
        headers="\n".join(headers),
    )
    return text.replace("\n", "\r\n").encode()


_FRAME = """\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.edu>
Subject: Undelivered Mail Returned to Sender
To: bounces@example.edu
Auto-Submitted: auto-replied
{own_id}MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="cut/here"

--cut/here
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--cut/here
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.edu

{recipients}
--cut/here
Content-Type: text/rfc822-headers

{headers}

--cut/here--
"""

VACATION = b"""\
From: name1@connect.example.edu\r
To: bounces@example.edu\r
Subject: Out of office: Your account expires\r
Auto-Submitted: auto-replied\r
In-Reply-To: <known@example.edu>\r
\r
I am away.\r
"""


def forwarded(report: bytes) -> bytes:
    """Somebody sends us a report that somebody else got."""
    head = b"From: a@example.net\r\nSubject: Fwd\r\nMIME-Version: 1.0\r\n"
    head += b"Content-Type: multipart/mixed; boundary=out\r\n"
    return head + b"\r\n--out\r\nContent-Type: message/rfc822\r\n\r\n" + report + b"\r\n--out--\r\n"
