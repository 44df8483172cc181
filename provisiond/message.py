"""A letter becomes a mail (RFC 5322): headers, date, Message-ID, text and HTML. Nothing is sent here.

Every value goes through EmailMessage, which refuses line breaks in headers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from provisiond.ports import Letter

# Never 8 bit: whether the next server understands 8BITMIME is not known here.
_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all our mails have in common. `sender`: an address, or `Name <address>`."""

    sender: str
    message_id_domain: str
    reply_to: str | None = None


def message(letter: Letter, head: Letterhead, to: str, message_id: str, at: datetime) -> EmailMessage:
    """`at` shows in its own time zone. Raises ValueError where a header would hold a line break."""
    mail = EmailMessage(_POLICY)
    mail["From"] = head.sender
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
