"""A letter becomes a mail (RFC 5322, MIME) as it stands on the wire: headers, date, Message-ID, text and HTML.

Written here and not by the email package, which needs longer for a mail than the sending of it; a test reads with
that package what comes out. What would end a header is refused. Nothing is sent here."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, formataddr, parseaddr

from provisiond.ports import Letter

_ENDS_A_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_LONGEST = 900  # a line may have 998 octets (RFC 5322 2.1.1)
_WORD = 45  # octets of an encoded word, which may have 75 with all that is around them (RFC 2047 2)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all our mails have in common. `sender`: an address, or `Name <address>`."""

    sender: str
    message_id_domain: str
    reply_to: str | None = None


def message(letter: Letter, head: Letterhead, to: str, message_id: str, at: datetime) -> bytes:
    """`at` shows in its own time zone. ASCII, unless the address is not. Raises ValueError where a header would hold
    a line break, or a text what is no character."""
    headers = {
        "From": formataddr(parseaddr(head.sender)),
        "To": to,
        "Reply-To": head.reply_to,
        "Subject": _words(letter.subject),
        "Date": format_datetime(at),
        "Message-ID": message_id,
        "Auto-Submitted": "auto-generated",  # RFC 3834: no vacation notice answers it
        "MIME-Version": "1.0",
    }
    for name, value in headers.items():
        if name != "Subject" and _ENDS_A_HEADER.search(value or ""):
            raise ValueError(f"the header {name} would hold a line break")
    top = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
    return top.encode() + _body(letter, message_id)


def _body(letter: Letter, message_id: str) -> bytes:
    text = _part("plain", letter.text)
    if letter.html is None:
        return text
    # no encoded text holds "=_": quoted-printable writes "=" otherwise, base64 has it only at its end
    boundary = b"=_" + message_id.strip("<>").partition("@")[0].encode()
    head = b'Content-Type: multipart/alternative; boundary="%b"\r\n\r\n' % boundary
    parts = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in (text, _part("html", letter.html)))
    return head + parts + b"--%b--\r\n" % boundary


def _part(kind: str, text: str) -> bytes:
    """Never 8 bit: whether the next server understands 8BITMIME is not known here."""
    octets = "\n".join(text.splitlines()).encode() + b"\n"
    if len(octets) > len(text) * 1.2:
        coding, lines = b"base64", base64.encodebytes(octets.replace(b"\n", b"\r\n"))
    else:
        coding, lines = b"quoted-printable", binascii.b2a_qp(octets, istext=True)
    head = b'Content-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: %b\r\n\r\n'
    return head % (kind.encode(), coding) + lines.replace(b"\n", b"\r\n")


def _words(subject: str) -> str:
    """As it is, or as encoded words (RFC 2047)."""
    if _ENDS_A_HEADER.search(subject):
        raise ValueError("the header Subject would hold a line break")
    if subject.isascii() and len(subject) < _LONGEST and "=?" not in subject:
        return subject
    words, word = [], b""
    for sign in subject:
        octets = sign.encode()
        if len(word) + len(octets) > _WORD:
            words.append(word)
            word = b""
        word += octets
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(w).decode()}?=" for w in (*words, word))
