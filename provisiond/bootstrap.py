"""The one place where parts are put together: settings in, a ready cycle out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, assert_never

from provisiond import specimens
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.digests import Digests
from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.adapters.directory.setup import run_setup
from provisiond.adapters.directory.setup_ds389 import ds389_ldif, run_ds389_setup
from provisiond.adapters.directory.setup_steps import DirectoryLayout, setup_ldif
from provisiond.adapters.directory.target import LdapTarget
from provisiond.adapters.directory.watched import Watch, WatchedDirectory
from provisiond.adapters.inbox.mailbox import ImapInbox, MailAccount
from provisiond.adapters.ledger.copies import backup, checked, restore
from provisiond.adapters.ledger.leadership import Leader, Leadership, Tenure, leader
from provisiond.adapters.ledger.leadership import leadership as leadership_of
from provisiond.adapters.ledger.lock import exclusive
from provisiond.adapters.ledger.place import Place, place
from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.adapters.ledger.tenure import lost
from provisiond.adapters.mailer.relay import Relay, SmtpMailer
from provisiond.adapters.monitor import serving, status_of
from provisiond.adapters.registry.csv_drop import CsvRegistry, CsvSource
from provisiond.adapters.registry.http_json import HttpRegistry
from provisiond.adapters.registry.http_source import HttpSource
from provisiond.adapters.registry.sql import SqlRegistry
from provisiond.adapters.registry.sql_source import SqlSource
from provisiond.adapters.templates import JinjaTemplates
from provisiond.bounces import Bounces
from provisiond.cycle import Cycle, Progress
from provisiond.domain.entries import group_dn
from provisiond.domain.errors import ConfigError, UnavailableError
from provisiond.domain.model import Notice
from provisiond.domain.notices import operators_ticket
from provisiond.letters import WORDS, Sender, Writer
from provisiond.message import Letterhead
from provisiond.monitoring import Monitoring
from provisiond.outbox import Outbox
from provisiond.ports import Clock, Directory, Guard, Ledger, LedgerFacts, Registry, unguarded
from provisiond.settings import (
    CsvSettings,
    DirectorySettings,
    HttpSettings,
    InboxSettings,
    MailSettings,
    Outline,
    Settings,
    SqlSettings,
)
from provisiond.shipped_files import shipped

VERSION = version("provisiond")
SAMPLE_CODE = "ABCDEFGHIJKLMNOP"
_ABOUT_MAIL = {
    "mail": "notices were refused or given up: `provisiond outbox` lists them",
    "bounces": "notices came back: `provisiond inbox bad` lists their addresses",
}
EXTERNAL_ROOT = "gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth"  # root over ldapi:///


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a command may need, made from one configuration. `guard`: around each mail that is sent."""

    settings: Settings
    clock: Clock
    ledger: Ledger
    directory: Directory
    guard: Guard = unguarded

    def cycle(self, progress: Progress = lambda what, done, total: None) -> Cycle:
        return Cycle(
            registries=registries(self.settings),
            directory=self.directory,
            ledger=self.ledger,
            clock=self.clock,
            policy=self.settings.policy,
            zone=self.settings.zone,
            progress=progress,
        )

    def outbox(
        self,
        progress: Progress = lambda what, done, total: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> Outbox:
        """Raises ConfigError where no mail server is configured."""
        mail = mail_settings(self.settings)
        return Outbox(
            ledger=self.ledger,
            mailer=mailer(mail),
            letters=letters(self.settings, self.clock, self.ledger, code_of=code_of(self.settings)),
            clock=self.clock,
            policy=mail.policy,
            letterhead=Letterhead(mail.sender, mail.message_id_domain, mail.reply_to),
            zone=self.settings.zone,
            mail_domain=self.settings.university.mail_domain,
            operators=self.settings.policy.operators,
            progress=progress,
            stopping=stopping,
            guard=self.guard,
            code_lasts=self.settings.policy.portal.code_lasts,
        )

    def bounces(self, progress: Progress = lambda what, done, total: None) -> Bounces:
        """Raises ConfigError where no mailbox is configured."""
        wanted = inbox_settings(self.settings)
        return Bounces(
            inbox=inbox(wanted),
            ledger=self.ledger,
            clock=self.clock,
            zone=self.settings.zone,
            mail_domain=self.settings.university.mail_domain,
            operators=self.settings.policy.operators,
            believed_for=wanted.believed_for,
            progress=progress,
        )


@contextmanager
def parts(
    settings: Settings,
    clock: Clock,
    *,
    writes: bool,
    directory: Directory | None = None,
    rebuilding: bool = False,
    leadership: Leadership | None = None,
    watch: Watch | None = None,
) -> Iterator[Parts]:
    """Open what the configuration names; close it in the end. One process at a time may write. `directory`: another
    one than the configured; `rebuilding`: a ledger that knows only a part will do; `leadership`: nothing is written
    to ledger or directory once the time of leading is over that runs now, even when another one begins; `watch` is
    told how the directory answers."""
    tenure = _tenure(leadership) if leadership else None
    with exclusive(ledger_place(settings)) if writes else nullcontext() as fence:
        ledger = _open_ledger(settings, fence=fence, epoch=tenure.epoch if tenure else None)
        the_directory = directory or ldap_directory(settings, tenure.sending if tenure else unguarded)
        if watch:
            the_directory = WatchedDirectory(the_directory, watch)
        try:
            if writes and not rebuilding and ledger.is_half_rebuilt():
                raise UnavailableError(
                    "ledger", "its rebuild was interrupted; run `provisiond rebuild` again"
                )
            yield Parts(settings, clock, ledger, the_directory, tenure.lasting if tenure else unguarded)
        finally:
            the_directory.close()
            ledger.close()


def _tenure(leadership: Leadership) -> Tenure:
    tenure = leadership.tenure
    if tenure is None or not tenure.holds():
        raise lost(leadership.epoch)
    return tenure


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
        templates=JinjaTemplates(settings.letters.folder, shipped("mail")),
        policy=settings.policy,
        zone=settings.zone,
        clock=clock,
        sender=Sender(us.name, us.chinese_name, us.help_mail, us.help_telephone, us.help_url, us.portal_url),
        language=settings.letters.language,
        summary=lambda notice: _summary(notice, ledger),
        code_of=code_of,
    )


def _summary(notice: Notice, ledger: Ledger | None) -> str:
    """What a brake or a fetch said when it was held; of other notices the key tells it."""
    ticket = operators_ticket(notice)
    held = ledger.held_plan(ticket) if ledger else None
    return held.summary if held else _ABOUT_MAIL.get(ticket.partition(":")[0], ticket)


def letter_faults(settings: Settings) -> list[str]:
    """Everything that is wrong with the templates of mails."""
    clock = SystemClock()
    templates = JinjaTemplates(settings.letters.folder, shipped("mail"))
    found = templates.faults(WORDS)
    found += specimens.faults(replace(letters(settings, clock), templates=templates), clock.now())
    return list(dict.fromkeys(found))


def registries(settings: Settings) -> list[Registry]:
    """How old their data are is judged by the real clock, also where the plan of another day is looked at."""
    digests, clock, zone = Digests(settings.digest_key), SystemClock(), settings.zone
    made: list[Registry] = []
    for source in settings.registries:
        given = {field.name: getattr(source, field.name) for field in fields(source)}
        match source:
            case CsvSettings():
                made.append(CsvRegistry(CsvSource(**given), digests, clock))
            case SqlSettings():
                made.append(SqlRegistry(SqlSource(**given), digests, clock, zone))
            case HttpSettings():
                made.append(HttpRegistry(HttpSource(**given), digests, clock, zone))
            case _:
                assert_never(source)
    return made


def mail_settings(settings: Settings) -> MailSettings:
    """Raises ConfigError where there are none."""
    if settings.mail is None:
        raise ConfigError(
            [
                f"{settings.path}: mail.host: missing: nothing can be sent, notices stay due; name the mail server"
            ]
        )
    return settings.mail


def mailer(mail: MailSettings) -> SmtpMailer:
    relay = {field.name: getattr(mail, field.name) for field in fields(Relay)}
    return SmtpMailer(Relay(**relay))


def inbox_settings(settings: Settings) -> InboxSettings:
    """Raises ConfigError where there are none."""
    if settings.inbox is None:
        raise ConfigError([f"{settings.path}: inbox.host: missing: no mailbox is read; name its server"])
    return settings.inbox


def inbox(wanted: InboxSettings) -> ImapInbox:
    given = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    del given["believed_for"]
    return ImapInbox(MailAccount(**given))


def ldap_directory(settings: Settings, guard: Guard = unguarded) -> LdapDirectory:
    where = settings.policy.directory
    return LdapDirectory(
        daemon_target(settings.directory),
        settings.directory.base,
        where.people_base,
        where.contacts_base,
        where.groups_base,
        [group_dn(name, where) for name in sorted(settings.policy.managed_groups)],
        where.login_end,
        where.account_bases,
        guard,
    )


def daemon_target(wanted: DirectorySettings) -> LdapTarget:
    """How the service itself binds."""
    return LdapTarget(
        urls=wanted.urls,
        bind="external" if wanted.bind == "external" else "simple",
        bind_dn=wanted.bind_dn,
        password=wanted.password,
        start_tls=wanted.start_tls,
        ca_file=wanted.ca_file,
        connect_timeout=wanted.connect_timeout,
        receive_timeout=wanted.receive_timeout,
    )


def ledger_place(settings: Settings | Outline) -> Place:
    return place(settings.ledger.url, settings.ledger.password)


def ledger_leadership(settings: Settings) -> Leadership:
    """For a daemon: nothing is asked yet."""
    return leadership_of(ledger_place(settings))


def ledger_leader(settings: Settings | Outline) -> Leader | None:
    """Who leads now, if anybody does."""
    return leader(ledger_place(settings))


def _open_ledger(
    settings: Settings | Outline, *, create: bool = False, fence: int | None = None, epoch: int | None = None
) -> SqlLedger:
    where = settings.ledger
    return SqlLedger.open(where.url, create=create, password=where.password, fence=fence, epoch=epoch)


def create_ledger(settings: Settings) -> None:
    """Make the ledger, or bring an older one up to date."""
    where = ledger_place(settings)
    if where.path:
        where.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive(where) as fence:  # no cycle may be at work on a ledger that is being upgraded
        _open_ledger(settings, create=True, fence=fence).close()


def back_up_ledger(settings: Settings, file: Path) -> int:
    """How many accounts are in the backup."""
    return backup(ledger_place(settings), file)


def check_backup(file: Path) -> int:
    """How many accounts a restore would bring back; raises what is wrong with the backup."""
    return checked(file)


def restore_ledger(settings: Settings, file: Path) -> int:
    """How many accounts came back."""
    where = ledger_place(settings)
    if where.path:
        where.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive(where) as fence:
        return restore(file, where, fence)


def monitored(settings: Settings, monitoring: Monitoring) -> AbstractContextManager[None]:
    """Answers those who watch, where the configuration says."""
    where = settings.monitoring.listen
    return serving(where, monitoring.pages()) if where else nullcontext()


def ledger_facts(settings: Settings | Outline) -> LedgerFacts:
    """On a connection of its own, so that it can be asked beside a cycle."""
    with closing(_open_ledger(settings)) as ledger:
        return ledger.facts()


def daemon_status(settings: Settings | Outline) -> dict[str, Any] | None:
    """What the daemon on this machine says of itself; None where none answers, or none was told where to."""
    listen = settings.monitoring.listen
    return status_of(listen) if listen else None


def check_ledger(settings: Settings) -> None:
    """Raises what is wrong with the ledger."""
    ledger = _open_ledger(settings)
    try:
        if fault := ledger.verify_history():
            raise UnavailableError("ledger", f"the history was tampered with: {fault}")
    finally:
        ledger.close()


def birth_digest(settings: Settings) -> Callable[[date], str]:
    """As it stands in records."""
    return Digests(settings.digest_key).birth


def today(settings: Settings) -> date:
    """Today in the university's time zone."""
    return SystemClock().now().astimezone(settings.zone).date()


def set_up_directory(settings: Settings, say: Callable[[str], None]) -> None:
    """`directory init`: make what the server lacks, and say so."""
    admin = settings.directory.admin
    target = LdapTarget(
        urls=(admin.url,),
        bind="external" if admin.bind == "external" else "simple",
        bind_dn=admin.bind_dn or EXTERNAL_ROOT,
        password=admin.password_file.read() if admin.password_file else None,
        start_tls=settings.directory.start_tls,
        ca_file=settings.directory.ca_file,
    )
    run = {"openldap": run_setup, "389ds": run_ds389_setup}[settings.directory.kind]
    run(target, directory_layout(settings), say)


def directory_setup_ldif(settings: Settings) -> str:
    """The same as LDIF, for those who apply it themselves."""
    made = {"openldap": setup_ldif, "389ds": ds389_ldif}[settings.directory.kind]
    return made(directory_layout(settings))


def directory_layout(settings: Settings) -> DirectoryLayout:
    """What `directory init` makes, from the configuration."""
    admin, base = settings.directory.admin, settings.directory.base
    portal, reader = admin.portal_password_file, admin.reader_password_file
    return DirectoryLayout(
        base=base,
        organisation=admin.organisation or settings.university.name,
        daemon_dn=settings.directory.bind_dn,
        daemon_password=settings.directory.password,
        portal_dn=f"uid=portal,ou=services,{base}",
        listing_reader_dn=f"uid=directory-reader,ou=services,{base}",
        groups=tuple(sorted(settings.policy.managed_groups)),
        database_directory=str(admin.database_directory),
        portal_password=portal.read() if portal else None,
        listing_reader_password=reader.read() if reader else None,
        admin_dn=admin.bind_dn or EXTERNAL_ROOT,
    )
