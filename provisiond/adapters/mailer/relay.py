"""ports.Mailer by aiosmtplib: one server, one connection a batch, opened when needed and again when it was lost.

Decides when no server serves us at all; what is said about one message is conversation's. asyncio lives in here."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from provisiond.adapters.mailer.conversation import Envelope, LostError, Work, envelope, handed_over
from provisiond.adapters.mailer.wire import Wire, WireError, one_line
from provisiond.domain.delivery import is_mail_address
from provisiond.domain.errors import ProvisiondError, UnavailableError
from provisiond.ports import Delivery, DeliveryOutcome

LOSSES = (
    3  # so many mails in a row whose connection was lost before anything was handed over: it is the server
)
FAREWELL = 5  # seconds that QUIT may take


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail server that takes our mails. `tls`: "tls", "starttls" or "none"; `bounces_to`: the envelope sender.
    Time-outs in seconds: for connecting with encryption and log-in, for a command's reply, for that to the final dot
    (RFC 5321 4.5.3.2 wants ten minutes: a short one makes mails go out twice)."""

    host: str
    port: int
    tls: str
    bounces_to: str
    ca_file: Path | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    connect_timeout: float = 10
    reply_timeout: float = 60
    data_timeout: float = 600

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class SmtpMailer:
    """Made for one relay; holds nothing between batches."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    @contextmanager
    def batch(self) -> Iterator[SmtpBatch]:
        with asyncio.Runner() as runner:
            made = SmtpBatch(self._relay, runner)
            try:
                yield made
            finally:
                made.close()

    def check(self) -> list[ProvisiondError]:
        with self.batch() as batch:
            fault = batch.connected()
        return [fault] if fault else []


class SmtpBatch:
    """ports.MailBatch: one connection at a time."""

    def __init__(self, relay: Relay, runner: asyncio.Runner) -> None:
        self._relay, self._loop = relay, runner.get_loop()
        self._wire: Wire | None = None
        self._losses = 0

    def send(
        self,
        message: bytes,
        to: str,
        begin: Callable[[], bool] = lambda: True,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Delivery | None:
        if not is_mail_address(to):
            return Delivery(DeliveryOutcome.REFUSED, "not sent: that is no mail address")
        try:
            mail = envelope(message, self._relay.bounces_to, to)
        except (
            ValueError
        ):  # a label too long for the DNS, a sign that is none: not quoted, it may be anything
            return Delivery(DeliveryOutcome.REFUSED, "not sent: mail or address cannot be encoded")
        work = Work(cache(begin), cache(meanwhile))  # once, on whichever connection
        return self._loop.run_until_complete(self._send(mail, work))

    def connected(self) -> UnavailableError | None:
        """What is in the way of a connection that can be used."""
        return self._loop.run_until_complete(self._connect())

    def close(self) -> None:
        self._loop.run_until_complete(self._quit())

    async def _send(self, mail: Envelope, work: Work) -> Delivery | None:
        """An old connection may have ended since its last mail: that is no fault of this one, which gets another."""
        for _ in range(2):
            fresh = self._wire is None or not self._wire.is_open
            if fresh and (fault := await self._connect()):
                return Delivery(DeliveryOutcome.UNAVAILABLE, fault.reason)
            assert self._wire
            try:
                said = await handed_over(self._wire, mail, self._relay, work)
            except LostError as lost:
                self._drop()
                if not fresh:
                    continue
                return self._lost(lost)
            self._losses = 0
            return said
        raise AssertionError("the second connection is a fresh one")

    def _lost(self, lost: LostError) -> Delivery:
        """Nothing was handed over. Several in a row are no accident of one mail, and neither is a server that closes
        before it heard of any."""
        self._losses += 1
        serves = lost.serves and self._losses < LOSSES
        outcome = DeliveryOutcome.DEFERRED if serves else DeliveryOutcome.UNAVAILABLE
        return Delivery(outcome, f"{self._relay}: {lost}")

    async def _connect(self) -> UnavailableError | None:
        self._drop()
        relay = self._relay
        try:
            client = SMTP(
                hostname=relay.host,
                port=relay.port,
                use_tls=relay.tls == "tls",
                start_tls=relay.tls == "starttls",
                tls_context=_trust(relay) if relay.tls != "none" else None,
                timeout=relay.connect_timeout,
            )
            await client.connect()
            self._wire = await _ready(client, relay)
        except SMTPAuthenticationError as error:
            why = f"{relay} refused the log-in of {relay.user}: {_told(error)}"
            return UnavailableError("mail", why, lasts=_lasts(error))
        except (SMTPException, OSError, ValueError) as error:
            return UnavailableError("mail", f"{relay} cannot be used: {_told(error)}", lasts=_lasts(error))
        return None

    async def _quit(self) -> None:
        if self._wire and self._wire.is_open:
            with suppress(WireError):
                self._wire.say("QUIT")
                await self._wire.reply(FAREWELL)
        self._drop()
        await _turns()

    def _drop(self) -> None:
        """At once: a polite end of TLS would wait for the server's."""
        if self._wire:
            self._wire.end()
        self._wire = None


def _trust(relay: Relay) -> ssl.SSLContext:
    """Certificate and name are verified."""
    return ssl.create_default_context(cafile=relay.ca_file)


async def _ready(client: SMTP, relay: Relay) -> Wire:
    """Greeted and logged in."""
    transport = client.transport
    try:
        await _greet(client)
        if relay.user is not None:
            await client.login(relay.user, relay.password or "")
        assert isinstance(transport, asyncio.Transport)
        return Wire(transport, frozenset(client.esmtp_extensions))
    except BaseException:
        client.close()
        if isinstance(transport, asyncio.Transport):
            transport.abort()
        await _turns()
        raise


async def _turns() -> None:
    """Of the loop, in which it closes what is to be closed."""
    for _ in range(3):
        await asyncio.sleep(0)


async def _greet(client: SMTP) -> None:
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except SMTPHeloError:
            await client.helo()


def _lasts(error: Exception) -> bool:
    """A server that is not there, or has no time now (4xx), may come back; a certificate that is not trusted, TLS
    that is not offered or a refusal (5xx) are for somebody to mend."""
    if isinstance(error, SMTPResponseException):
        return error.code >= 500
    away = OSError | SMTPConnectError | SMTPServerDisconnected | SMTPTimeoutError
    return isinstance(error.__cause__ or error, ssl.SSLError | FileNotFoundError) or not isinstance(
        error, away
    )


def _told(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return one_line(f"{error.code} {error.message}")
    cause = error.__cause__ or error
    if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError) and cause.errno:
        return os.strerror(cause.errno) if cause.errno > 0 else one_line(cause.strerror or str(cause))
    return one_line(str(error) or type(error).__name__)
