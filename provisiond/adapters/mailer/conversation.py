"""One mail to one address over an open connection: MAIL, RCPT, DATA, content, and what each reply means (RFC 5321).

Spoken here command by command, because aiosmtplib's `sendmail` does not tell a connection lost before the content
from one lost after it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Protocol

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPServerDisconnected, SMTPTimeoutError

from provisiond.domain.delivery import with_ascii_domain
from provisiond.ports import Delivery, DeliveryOutcome

LONGEST_REPLY = 400
NOT_SERVED = 530  # log-in or encryption wanted: says nothing of this mail
TOO_LARGE = 552
CLOSING = 421


@dataclass(frozen=True, slots=True)
class Envelope:
    """A mail as it goes over the wire. `utf8`: its address needs SMTPUTF8 (RFC 6531)."""

    content: bytes
    sender: str
    to: str
    utf8: bool


class LostError(Exception):
    """The connection was lost, or spoke rubbish, before anything was handed over. `knows_recipient`: the server had
    accepted our sender before, so it is perhaps about this mail only."""

    def __init__(self, reason: str, *, knows_recipient: bool) -> None:
        super().__init__(reason)
        self.knows_recipient = knows_recipient


def envelope(message: EmailMessage, sender: str, to: str) -> Envelope:
    """Line ends made CRLF, leading dots doubled, the final dot added."""
    address, policy = with_ascii_domain(to), message.policy
    utf8 = not address.isascii()
    if utf8 and isinstance(policy, EmailPolicy):
        policy = policy.clone(utf8=True)
    content = message.as_bytes(policy=policy)
    content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    content = re.sub(rb"(?m)^\.", b"..", content)
    return Envelope(
        content + (b"" if content.endswith(b"\r\n") else b"\r\n") + b".\r\n", sender, address, utf8
    )


class Patience(Protocol):
    """Seconds to wait for a reply to a command, and to the final dot."""

    @property
    def reply_timeout(self) -> float: ...

    @property
    def data_timeout(self) -> float: ...


async def handed_over(
    client: SMTP, mail: Envelope, patience: Patience, meanwhile: Callable[[], None]
) -> Delivery:
    """Raises LostError; once the content was written a lost connection is an unknown outcome."""
    if mail.utf8 and not client.supports_extension("smtputf8"):
        return Delivery(
            DeliveryOutcome.REFUSED, "not sent: the mail server has no SMTPUTF8, which this address needs"
        )
    talk = _Talk(client, patience.reply_timeout)
    refused = (
        _sender_refused(await talk.say(f"MAIL FROM:<{mail.sender}>{_options(client, mail)}"), talk)
        or _refused(await talk.say(f"RCPT TO:<{mail.to}>"))
        or _refused(await talk.say("DATA"), 354)
    )
    if refused is None:
        return await _content(client, mail.content, patience.data_timeout, meanwhile)
    await _reset(client, patience.reply_timeout)
    return refused


@dataclass(slots=True)
class _Talk:
    client: SMTP
    timeout: float
    sender_is_known: bool = False

    async def say(self, command: str) -> SMTPResponse:
        try:
            return await self.client.execute_command(command.encode(), timeout=self.timeout)
        except (SMTPException, OSError) as error:
            word = command.partition(" ")[0]
            raise LostError(
                f"{_what_happened(error)} at {word}, before the mail was handed over",
                knows_recipient=self.sender_is_known,
            ) from error


def _options(client: SMTP, mail: Envelope) -> str:
    size = f" SIZE={len(mail.content)}" if client.supports_extension("size") else ""
    return size + (" SMTPUTF8 BODY=8BITMIME" if mail.utf8 else "")


def _sender_refused(said: SMTPResponse, talk: _Talk) -> Delivery | None:
    """A server that does not take our sender, or is closing, refuses no certain mail."""
    if said.code == CLOSING:
        raise LostError(reply(said), knows_recipient=False)
    found = _refused(said)
    talk.sender_is_known = found is None
    if found and found.outcome is DeliveryOutcome.REFUSED and said.code != TOO_LARGE:
        return Delivery(DeliveryOutcome.UNAVAILABLE, f"the sender was refused: {found.reply}")
    return found


def _refused(said: SMTPResponse, wanted: int = 250) -> Delivery | None:
    """None: go on."""
    if said.code // 100 == wanted // 100:
        return None
    if said.code == NOT_SERVED:
        return Delivery(DeliveryOutcome.UNAVAILABLE, reply(said))
    outcome = DeliveryOutcome.REFUSED if said.code // 100 == 5 else DeliveryOutcome.DEFERRED
    return Delivery(outcome, reply(said))


async def _content(client: SMTP, content: bytes, timeout: float, meanwhile: Callable[[], None]) -> Delivery:
    protocol = client.protocol
    if protocol is None:
        raise LostError("connection lost at DATA, before the mail was handed over", knows_recipient=True)
    try:
        protocol.write(content)
        meanwhile()  # the server has it on its disk before it answers
        said = await protocol.read_response(timeout=timeout)
    except (SMTPException, OSError) as error:
        client.close()
        return Delivery(
            DeliveryOutcome.UNKNOWN, f"{_what_happened(error)} before the answer to the final dot came"
        )
    if said.code == CLOSING:
        client.close()
    if said.code // 100 not in (2, 4, 5):
        client.close()
        return Delivery(DeliveryOutcome.UNKNOWN, f"an answer to the final dot that is none: {reply(said)}")
    return _refused(said) or Delivery(DeliveryOutcome.ACCEPTED, reply(said))


async def _reset(client: SMTP, timeout: float) -> None:
    """The next mail begins anew; where that is not possible, on a new connection."""
    try:
        if client.is_connected:
            await client.rset(timeout=timeout)
    except (SMTPException, OSError):
        client.close()


def _what_happened(error: Exception) -> str:
    if isinstance(error, SMTPTimeoutError):
        return "no reply in time"
    if isinstance(error, SMTPServerDisconnected | OSError):
        return "the connection was lost"
    return f"a reply that is none ({one_line(str(error))})"


def reply(said: SMTPResponse) -> str:
    return one_line(f"{said.code} {said.message}")


def one_line(text: str) -> str:
    """Without control characters; a server may say anything."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(plain.split())[:LONGEST_REPLY]
