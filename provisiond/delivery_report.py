"""What a mail that came back says (RFC 3464): which mail, to whom, failed or merely late. Nothing is believed here.

Anybody may send us anything: what is not a delivery report is None, and nothing in a mail raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from email.policy import compat32
from email.utils import unquote
from typing import TypeGuard

REPLY_LENGTH = 500  # of what is kept of a server's words
RECIPIENTS = 100  # of one report: ours have one

_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_ADDRESS_TYPES = ("rfc822", "utf-8")
_BLANK_LINE = re.compile(r"\r?\n[ \t]*\r?\n")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")  # RFC 3461 4
_UNICODE = re.compile(r"\\x\{(10[0-9A-Fa-f]{4}|[0-9A-Fa-f]{2,5})\}")  # RFC 6533 3


@dataclass(frozen=True, slots=True)
class Recipient:
    """What became of a mail for one of its recipients. `addresses`: as the reporting server knew it, and as it was
    first told; `action`: in lower case; `status`: as 5.1.1, empty where none is said; `reply`: one line."""

    addresses: tuple[str, ...]
    action: str
    status: str
    reply: str

    @property
    def has_failed(self) -> bool:
        return self.action == "failed"


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """`message_id`: the report's own; `about`: that of the mail it tells of, None where it does not say."""

    message_id: str | None
    about: str | None
    recipients: tuple[Recipient, ...]


def delivery_report(raw: bytes) -> DeliveryReport | None:
    """None: an auto-reply, a person's mail, rubbish. `raw` may have been cut off at its end."""
    try:
        return _report(message_from_bytes(raw, policy=compat32))
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # the email package on rubbish
        return None


def _report(mail: Message) -> DeliveryReport | None:
    """Only of parts that stand in the mail itself: a report that a person forwards is that person's mail."""
    if mail.get_content_type() != "multipart/report" or not mail.is_multipart():
        return None
    parts = [part for part in mail.get_payload() if _is_mail(part)]
    report = next((part for part in parts if part.get_content_type() in _REPORTS), None)
    if report is None:
        return None
    blocks = list(_blocks(report))
    recipients = tuple(found for block in blocks if (found := _recipient(block)))
    returned = next((part for part in parts if part.get_content_type() in _RETURNED), None)
    about = _message_id(_headers(returned)) if returned is not None else None
    return DeliveryReport(_message_id(mail), about, recipients[:RECIPIENTS])


def _blocks(report: Message) -> Iterator[Message]:
    """The email package cuts message/delivery-status into blocks of headers, but not its younger sister."""
    inner = report.get_payload()
    if report.get_content_type() == _REPORTS[0] and isinstance(inner, list):
        yield from (block for block in inner if _is_mail(block))
        return
    for block in _BLANK_LINE.split(_text(report)):
        yield message_from_string(block.strip() + "\n\n", policy=compat32)


def _headers(returned: Message) -> Message:
    inner = returned.get_payload()
    if isinstance(inner, list) and _is_mail(inner[0]):
        return inner[0]
    return message_from_string(_text(returned).lstrip(), policy=compat32)


def _text(part: Message) -> str:
    """Of a part, decoded. Bytes that are not ASCII are UTF-8 (RFC 6533) or nothing we can use."""
    inner = part.get_payload()
    if isinstance(inner, list):  # what the email package took for a mail within the mail
        return "\n\n".join(each.as_bytes().decode("utf-8", "replace") for each in inner if _is_mail(each))
    decoded = part.get_payload(decode=True)
    return decoded.decode("utf-8", "replace") if isinstance(decoded, bytes) else str(inner)


def _is_mail(part: object) -> TypeGuard[Message]:
    return isinstance(part, Message)


def _recipient(block: Message) -> Recipient | None:
    action = _line(block, "Action").lower()
    addresses = [_address(_line(block, name)) for name in ("Final-Recipient", "Original-Recipient")]
    found = tuple(dict.fromkeys(address for address in addresses if address))
    if not action or not found:
        return None
    status = _line(block, "Status").partition(" ")[0]
    reply = _line(block, "Diagnostic-Code").partition(";")[2].strip()
    return Recipient(found, action, status, (reply or status or action)[:REPLY_LENGTH])


def _address(field: str) -> str | None:
    kind, _, text = field.partition(";")
    if kind.strip().lower() not in _ADDRESS_TYPES:
        return None
    plain = _UNICODE.sub(_sign, _XTEXT.sub(_sign, text.strip()))
    return unquote(plain) or None  # some write <address>


def _sign(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _message_id(headers: Message) -> str | None:
    found = re.search(r"<[^<>\s]+>", _line(headers, "Message-ID"))
    return found[0] if found else None


def _line(headers: Message, name: str) -> str:
    """A header on one line, without what a terminal would obey; empty where there is none. The first counts."""
    fields = (value for key, value in headers.raw_items() if key.lower() == name.lower())
    text = str(next(fields, "")).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
