"""A letter becomes a mail (RFC 5322, MIME) as it stands on the wire: headers, date, Message-ID, text and HTML.

Made with the older half of the email package: its newer one (EmailMessage) takes longer for a mail than the sending
of it. What would end a header is refused. Nothing is sent here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import Compat32
from email.utils import format_datetime, formataddr, parseaddr
from functools import cache

from provisiond.ports import Letter

_ENDS_A_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_LONGEST = 900  # a line may have 998 octets (RFC 5322 2.1.1)


class _Unfolded(Compat32):
    """Headers of parts are short and ASCII; folding them took longest."""

    def fold_binary(self, name: str, value: str) -> bytes:
        return f"{name}: {value}\r\n".encode("ascii")


_ON_THE_WIRE = _Unfolded(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all our mails have in common. `sender`: an address, or `Name <address>`; `message_id`: from a notice's
    key, the same for every copy of it, so that receivers can tell (RFC 5322 3.6.4)."""

    sender: str
    message_id: Callable[[str], str]
    reply_to: str | None = None


def message(letter: Letter, head: Letterhead, to: str, message_id: str, at: datetime) -> bytes:
    """`at` shows in its own time zone. ASCII, unless the address is not. Raises ValueError where a header would hold
    a line break, or a text what is no character."""
    headers = {
        "From": _mailbox(head.sender),
        "To": to,
        "Reply-To": head.reply_to,
        "Subject": letter.subject,
        "Date": format_datetime(at),
        "Message-ID": message_id,
        "Auto-Submitted": "auto-generated",  # RFC 3834: no vacation notice answers it
    }
    for name, value in headers.items():
        if _ENDS_A_HEADER.search(value or ""):
            raise ValueError(f"the header {name} would hold a line break")
    headers["Subject"] = _encoded(letter.subject)
    # written plainly, since the package would encode an address of other letters, which SMTPUTF8 does not
    top = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
    return top.encode() + _body(letter, message_id).as_bytes(policy=_ON_THE_WIRE)


@cache
def _mailbox(sender: str) -> str:
    return formataddr(parseaddr(sender))


def _body(letter: Letter, message_id: str) -> MIMEBase:
    text = _part("plain", letter.text)
    if letter.html is None:
        return text
    boundary = "=_" + message_id.strip("<>").partition("@")[0]  # base64 has "=" only at its end
    return MIMEMultipart("alternative", boundary, [text, _part("html", letter.html)])


def _part(kind: str, text: str) -> MIMEText:
    return MIMEText("\r\n".join([*(text.splitlines() or [""]), ""]), kind, "utf-8")


def _encoded(subject: str) -> str:
    if subject.isascii() and len(subject) < _LONGEST and "=?" not in subject:
        return subject
    return Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")
