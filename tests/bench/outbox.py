"""Mails through the real outbox on a SQLite ledger, beside a bare aiosmtplib loop over one connection to the same
sink."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from statistics import median

import aiosmtplib

from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.adapters.mailer.relay import Relay, SmtpMailer
from provisiond.domain.delivery import MailPolicy
from tests.bench.figures import at_least, figure
from tests.rigs.plain_letters import PlainLetters
from tests.rigs.postoffice import HEAD, PostOffice, private
from tests.rigs.relays import SENDER
from tests.rigs.steps import a_notice

MAILS = 2000
TURNS = 5  # of each, in turn: their medians are compared, since a busy moment meets one only


def figures(folder: Path, scale: float) -> None:
    count = max(100, int(MAILS * scale))
    with sink() as port:
        bare, ours = [], []
        for turn in range(TURNS):
            bare.append(count / bare_seconds(port, count))
            ours.append(count / our_seconds(port, folder / f"{turn}.db", count))
    figure("outbox-rate", median(ours), "mails/s")
    figure("outbox", median(ours) / median(bare), "x-bare", at_least(0.8))


def bare_seconds(port: int, count: int) -> float:
    """The mails are made before: only the sending is measured."""
    mails = [_mail(n) for n in range(count)]

    async def send() -> float:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            began = time.perf_counter()
            for mail in mails:
                await client.send_message(mail)
            return time.perf_counter() - began

    return asyncio.run(send())


def _mail(number: int) -> EmailMessage:
    """As anybody would make it."""
    letter, mail = PlainLetters().letter(a_notice(number), None), EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = HEAD.sender, private(number), letter.subject
    mail["Date"], mail["Message-ID"] = datetime.now(UTC), f"<{number}@example.edu>"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail


def our_seconds(port: int, path: Path, count: int) -> float:
    relay = Relay("127.0.0.1", port, "none", SENDER)
    with closing(SqlLedger.open(f"sqlite:///{path}", create=True)) as ledger:
        policy = MailPolicy(per_minute=count, per_run=count)
        office = PostOffice(ledger, SmtpMailer(relay), policy)
        office.due(count)
        began = time.perf_counter()
        delivered = office.deliver()
        took = time.perf_counter() - began
    assert delivered.accepted == count, delivered
    return took


@contextmanager
def sink() -> Iterator[int]:
    """A mail server that takes everything and keeps nothing, in a process of its own."""
    command = [sys.executable, "-m", "tests.rigs.smtp"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        yield int(process.stdout.readline())
        process.stdin.close()
