"""The one place where parts are put together: settings in, a ready cycle out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from provisiond.adapters.clock import SystemClock
from provisiond.adapters.digests import Digests
from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.adapters.directory.target import LdapTarget
from provisiond.adapters.ledger.lock import exclusive
from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.adapters.registry.csv_drop import CsvRegistry, CsvSource
from provisiond.cycle import Cycle, Progress
from provisiond.domain.errors import UnavailableError
from provisiond.ports import Clock, Directory, Ledger, Registry
from provisiond.settings import DirectorySettings, Settings

SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a command may need, made from one configuration."""

    settings: Settings
    clock: Clock
    ledger: Ledger
    directory: Directory

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


@contextmanager
def parts(settings: Settings, clock: Clock, *, writes: bool) -> Iterator[Parts]:
    """Open what the configuration names; close it in the end. One process at a time may write."""
    with exclusive(ledger_path(settings)) if writes else nullcontext():
        ledger = SqlLedger.open(settings.ledger_url, create=False)
        the_directory = directory(settings)
        try:
            yield Parts(settings, clock, ledger, the_directory)
        finally:
            the_directory.close()
            ledger.close()


def registries(settings: Settings) -> list[Registry]:
    digests = Digests(settings.digest_key)
    return [CsvRegistry(CsvSource(**asdict(source)), digests) for source in settings.registries]


def directory(settings: Settings) -> LdapDirectory:
    where = settings.policy.directory
    return LdapDirectory(
        daemon_target(settings.directory),
        settings.directory.base,
        where.people_base,
        where.contacts_base,
        where.groups_base,
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


def ledger_path(settings: Settings) -> Path:
    """The SQLite file of the ledger (settings allow no other URL yet)."""
    return Path(settings.ledger_url.removeprefix(SQLITE))


def create_ledger(settings: Settings) -> None:
    """Make the ledger, or bring an older one up to date."""
    SqlLedger.open(settings.ledger_url, create=True).close()


def check_ledger(settings: Settings) -> None:
    """Raises what is wrong with the ledger."""
    ledger = SqlLedger.open(settings.ledger_url, create=False)
    try:
        if fault := ledger.verify_history():
            raise UnavailableError("ledger", f"the history was tampered with: {fault}")
    finally:
        ledger.close()


def today(settings: Settings) -> date:
    """Today in the university's time zone."""
    return SystemClock().now().astimezone(settings.zone).date()
