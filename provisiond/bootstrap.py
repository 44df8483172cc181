"""The one place where parts are put together: settings in, a ready cycle out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, fields
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING, assert_never

from provisiond.adapters.clock import SystemClock
from provisiond.adapters.digests import Digests
from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.adapters.directory.target import LdapTarget
from provisiond.adapters.directory.watched import Watch, WatchedDirectory
from provisiond.adapters.ledger.leadership import Leadership, Tenure
from provisiond.adapters.ledger.lock import exclusive
from provisiond.adapters.ledger.tenure import lost
from provisiond.adapters.monitor import serving
from provisiond.adapters.registry.csv_drop import CsvRegistry, CsvSource
from provisiond.adapters.registry.http_source import HttpSource
from provisiond.adapters.registry.sql import SqlRegistry
from provisiond.adapters.registry.sql_source import SqlSource
from provisiond.bootstrap_ledger import ledger_place, open_ledger
from provisiond.bounces import Bounces
from provisiond.correspondence import (
    code_of,
    inbox,
    inbox_settings,
    letterhead,
    letters,
    mail_settings,
    mailer,
)
from provisiond.cycle import Cycle, Progress
from provisiond.domain.entries import group_dn
from provisiond.domain.errors import UnavailableError
from provisiond.outbox import Outbox
from provisiond.ports import Clock, Directory, Guard, Ledger, Registry, unguarded
from provisiond.settings import (
    CsvSettings,
    DirectorySettings,
    HttpSettings,
    Settings,
    SqlSettings,
)

if TYPE_CHECKING:
    from provisiond.monitoring import Monitoring

VERSION = version("provisiond")


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
            letters=letters(self.settings, self.clock, self.ledger, code_of(self.settings)),
            clock=self.clock,
            policy=mail.policy,
            letterhead=letterhead(self.settings, mail),
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
        ledger = open_ledger(settings, fence=fence, epoch=tenure.epoch if tenure else None)
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
                # urllib3: for whoever has such a one
                from provisiond.adapters.registry.http_json import HttpRegistry

                made.append(HttpRegistry(HttpSource(**given), digests, clock, zone))
            case _:
                assert_never(source)
    return made


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


def monitored(settings: Settings, monitoring: Monitoring) -> AbstractContextManager[None]:
    """Answers those who watch, where the configuration says."""
    where = settings.monitoring.listen
    return serving(where, monitoring.pages()) if where else nullcontext()


def birth_digest(settings: Settings) -> Callable[[date], str]:
    """As it stands in records."""
    return Digests(settings.digest_key).birth


def today(settings: Settings) -> date:
    """Today in the university's time zone."""
    return SystemClock().now().astimezone(settings.zone).date()
