"""A letter becomes a mail (RFC 5322): headers, date, Message-ID, text and HTML. Nothing is sent here.

Every value goes through EmailMessage, which here refuses what would end a header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr, parseaddr
from typing import Any

from provisiond.ports import Letter

_ENDS_A_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_SHORT = 900  # a line may have 998 octets (RFC 5322 2.1.1)


class _Plainly(EmailPolicy):
    """Headers as they are given: parsing and refolding them takes longer than sending. What would end a header
    is refused; what is not ASCII is encoded (RFC 2047) or, where the whole way is UTF-8, left."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, str]:
        text = str(value)
        if _ENDS_A_HEADER.search(text):
            raise ValueError(f"the header {name} would hold a line break")
        return name, text

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value

    def fold(self, name: str, value: str) -> str:
        if self.utf8 or (value.isascii() and len(value) < _SHORT):
            return f"{name}: {value}\r\n"
        folded = Header(value, "utf-8", header_name=name).encode(linesep="\r\n")
        return f"{name}: {folded}\r\n"

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode()


# Never 8 bit: whether the next server understands 8BITMIME is not known here.
_POLICY = _Plainly(linesep="\r\n", cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all our mails have in common. `sender`: an address, or `Name <address>`."""

    sender: str
    message_id_domain: str
    reply_to: str | None = None


def message(letter: Letter, head: Letterhead, to: str, message_id: str, at: datetime) -> EmailMessage:
    """`at` shows in its own time zone. Raises ValueError where a header would hold a line break."""
    mail = EmailMessage(_POLICY)
    mail["From"] = formataddr(parseaddr(head.sender))
    mail["To"] = to
    if head.reply_to:
        mail["Reply-To"] = head.reply_to
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice answers it
    mail.set_content(letter.text)
    if letter.html is not None:
        mail.add_alternative(letter.html, subtype="html")
    return mail
