"""One mail to one address over an open connection: MAIL, RCPT, DATA, content, and what each reply means (RFC 5321).

Command by command, because only so a connection lost before the content (nothing was sent) is told from one lost
after it (unknown)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from provisiond.adapters.mailer.wire import Reply, Wire, WireError
from provisiond.domain.delivery import with_ascii_domain
from provisiond.ports import Delivery, DeliveryOutcome

NOT_SERVED = 530  # log-in or encryption wanted: says nothing of this mail
TOO_LARGE = 552
CLOSING = 421
_OTHER_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")


class Patience(Protocol):
    """Seconds to wait for a reply to a command, and to the final dot."""

    @property
    def reply_timeout(self) -> float: ...

    @property
    def data_timeout(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Work:
    """What whoever sends does in between: `begin` once the server is busy with the first commands, before any content
    (False: do not send), `meanwhile` while it is busy with the content."""

    begin: Callable[[], bool]
    meanwhile: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A mail as it goes over the wire. `utf8`: its address needs SMTPUTF8 (RFC 6531)."""

    content: bytes
    sender: str
    to: str
    utf8: bool


class LostError(Exception):
    """The connection was lost, or spoke rubbish, before anything was handed over. `serves`: the server had accepted
    our sender before, so it is perhaps about this mail only."""

    def __init__(self, reason: str, *, serves: bool) -> None:
        super().__init__(f"{reason} before the mail was handed over")
        self.serves = serves


def envelope(message: bytes, sender: str, to: str) -> Envelope:
    """Line ends made CRLF (others let servers disagree about where a mail ends), leading dots doubled, the final dot
    added. Raises ValueError."""
    address = with_ascii_domain(to)
    utf8 = not address.isascii()
    content = _OTHER_LINE_END.sub(b"\r\n", message)
    content = content.replace(b"\r\n.", b"\r\n..")
    if content.startswith(b"."):
        content = b"." + content
    return Envelope(
        content + (b"" if content.endswith(b"\r\n") else b"\r\n") + b".\r\n", sender, address, utf8
    )


async def handed_over(wire: Wire, mail: Envelope, patience: Patience, work: Work) -> Delivery | None:
    """None: not begun. Raises LostError; once the content was written a lost connection is an unknown outcome."""
    if mail.utf8 and "smtputf8" not in wire.extensions:
        return Delivery(
            DeliveryOutcome.REFUSED, "not sent: the mail server has no SMTPUTF8, which this address needs"
        )
    talk = _Talk(wire, patience.reply_timeout)
    begun = await talk.prepared(mail, work.begin)
    if begun and talk.refused is None:
        return await _content(wire, mail.content, patience.data_timeout, work.meanwhile)
    await talk.take_back()
    return talk.refused if begun else None


@dataclass(slots=True)
class _Talk:
    """`serves`: the server took our sender; `wants_content`: it waits for the mail itself."""

    wire: Wire
    timeout: float
    serves: bool = False
    wants_content: bool = False
    refused: Delivery | None = None

    async def prepared(self, mail: Envelope, begin: Callable[[], bool]) -> bool:
        """MAIL, RCPT and DATA, together where the server allows it (RFC 2920). Whether to go on."""
        sender = f"MAIL FROM:<{mail.sender}>{_options(self.wire, mail)}"
        commands = [sender, f"RCPT TO:<{mail.to}>", "DATA"]
        together = "pipelining" in self.wire.extensions
        self.wire.say(*(commands if together else commands[:1]))
        begun = begin()
        for number, command in enumerate(commands):
            if number and not together:
                if self.refused or not begun:
                    break
                self.wire.say(command)
            if not await self._heard(command[:4]):
                break
        return begun

    async def _heard(self, command: str) -> bool:
        """False: nothing more will come."""
        try:
            said = await self.wire.reply(self.timeout)
        except WireError as error:
            if self.refused:
                return False
            raise LostError(f"{error} at {command},", serves=self.serves) from error
        if self.refused is None:
            self.refused = self._sender_refused(said) if command == "MAIL" else _refused(said)
        self.wants_content = command == "DATA" and said.is_yes
        if said.code == CLOSING:
            self.wire.end()
        return said.code != CLOSING

    async def take_back(self) -> None:
        """The next mail begins anew; where that is not possible, on a new connection."""
        if self.wants_content or not self.wire.is_open:
            self.wire.end()
            return
        try:
            self.wire.say("RSET")
            said = await self.wire.reply(self.timeout)
        except WireError:
            return
        if not said.is_yes:
            self.wire.end()

    def _sender_refused(self, said: Reply) -> Delivery | None:
        """A server that does not take our sender, or is closing, refuses no certain mail."""
        if said.code == CLOSING:
            raise LostError(f"{said},", serves=False)
        found = _refused(said)
        self.serves = found is None
        if found and found.outcome is DeliveryOutcome.REFUSED and said.code != TOO_LARGE:
            return Delivery(DeliveryOutcome.UNAVAILABLE, f"the sender was refused: {found.reply}")
        return found


def _options(wire: Wire, mail: Envelope) -> str:
    size = f" SIZE={len(mail.content)}" if "size" in wire.extensions else ""
    return size + (" SMTPUTF8 BODY=8BITMIME" if mail.utf8 else "")


def _refused(said: Reply) -> Delivery | None:
    """None: go on."""
    if said.is_yes:
        return None
    if said.code == NOT_SERVED:
        return Delivery(DeliveryOutcome.UNAVAILABLE, str(said))
    outcome = DeliveryOutcome.REFUSED if said.code // 100 == 5 else DeliveryOutcome.DEFERRED
    return Delivery(outcome, str(said))


async def _content(wire: Wire, content: bytes, timeout: float, meanwhile: Callable[[], None]) -> Delivery:
    wire.send(content)
    meanwhile()  # the server has it on its disk before it answers
    try:
        said = await wire.reply(timeout)
    except WireError as error:
        return Delivery(DeliveryOutcome.UNKNOWN, f"{error}, before the answer to the final dot came")
    if said.code == CLOSING:
        wire.end()
    return _refused(said) or Delivery(DeliveryOutcome.ACCEPTED, str(said))
