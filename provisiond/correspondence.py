"""What writes, sends and reads mails, made from the configuration; bootstrap puts it together with the rest. Jinja2,
aiosmtplib and imaplib are imported when one of them is wanted: most commands neither write nor read a mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from typing import TYPE_CHECKING

from provisiond import specimens
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.digests import Digests
from provisiond.domain.errors import ConfigError
from provisiond.domain.model import Notice
from provisiond.domain.notices import operators_ticket
from provisiond.letters import WORDS, Sender, Writer
from provisiond.message import Letterhead
from provisiond.ports import Clock, Ledger
from provisiond.settings import InboxSettings, MailSettings, Settings
from provisiond.shipped_files import shipped

if TYPE_CHECKING:
    from provisiond.adapters.inbox.mailbox import ImapInbox
    from provisiond.adapters.mailer.relay import SmtpMailer
    from provisiond.adapters.templates import JinjaTemplates

SAMPLE_CODE = "ABCDEFGHIJKLMNOP"
_ABOUT_MAIL = {
    "mail": "notices were refused or given up: `provisiond outbox` lists them",
    "bounces": "notices came back: `provisiond inbox bad` lists their addresses",
}


def code_of(settings: Settings) -> Callable[[str, datetime], str]:
    """The activation code that the portal issued to a person at an instant."""
    return Digests(settings.digest_key).activation_code


def letters(
    settings: Settings,
    clock: Clock,
    ledger: Ledger | None = None,
    code_of: Callable[[str, datetime], str] = lambda person_id, at: SAMPLE_CODE,
) -> Writer:
    """`ledger`: knows what operator notices are about; without `code_of` a sample stands for a code, so that only the
    very mail shows one."""
    us = settings.university
    return Writer(
        templates=_templates(settings),
        policy=settings.policy,
        zone=settings.zone,
        clock=clock,
        sender=Sender(us.name, us.chinese_name, us.help_mail, us.help_telephone, us.help_url, us.portal_url),
        language=settings.letters.language,
        summary=lambda notice: _summary(notice, ledger),
        code_of=code_of,
    )


def _templates(settings: Settings) -> JinjaTemplates:
    from provisiond.adapters.templates import JinjaTemplates  # see above

    return JinjaTemplates(settings.letters.folder, shipped("mail"))


def _summary(notice: Notice, ledger: Ledger | None) -> str:
    """What a brake or a fetch said when it was held; of other notices the key tells it."""
    ticket = operators_ticket(notice)
    held = ledger.held_plan(ticket) if ledger else None
    return held.summary if held else _ABOUT_MAIL.get(ticket.partition(":")[0], ticket)


def letter_faults(settings: Settings) -> list[str]:
    """Everything that is wrong with the templates of mails."""
    clock = SystemClock()
    templates = _templates(settings)
    found = templates.faults(WORDS)
    found += specimens.faults(replace(letters(settings, clock), templates=templates), clock.now())
    return list(dict.fromkeys(found))


def mail_settings(settings: Settings) -> MailSettings:
    """Raises ConfigError where there are none."""
    if settings.mail is None:
        raise ConfigError(
            [
                f"{settings.path}: mail.host: missing: nothing can be sent, notices stay due; name the mail server"
            ]
        )
    return settings.mail


def letterhead(settings: Settings, mail: MailSettings) -> Letterhead:
    """Whoever could make a Message-ID could return a mail to us that was never sent back."""
    digests = Digests(settings.digest_key)
    domain = mail.message_id_domain
    return Letterhead(mail.sender, lambda key: f"<{digests.notice(key)}@{domain}>", mail.reply_to)


def mailer(mail: MailSettings) -> SmtpMailer:
    from provisiond.adapters.mailer.relay import Relay, SmtpMailer  # see above

    relay = {field.name: getattr(mail, field.name) for field in fields(Relay)}
    return SmtpMailer(Relay(**relay))


def inbox_settings(settings: Settings) -> InboxSettings:
    """Raises ConfigError where there are none."""
    if settings.inbox is None:
        raise ConfigError([f"{settings.path}: inbox.host: missing: no mailbox is read; name its server"])
    return settings.inbox


def inbox(wanted: InboxSettings) -> ImapInbox:
    from provisiond.adapters.inbox.mailbox import ImapInbox, MailAccount  # see above

    given = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    del given["believed_for"]
    return ImapInbox(MailAccount(**given))
