"""The one place where the portal's parts are put together: settings in, a `Desk` out. It binds as the portal and as
the reader of the listings, never as the daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisiond.adapters.digests import Digests
from provisiond.adapters.directory.listings import LdapListings
from provisiond.adapters.directory.portal import LdapPortalDirectory, Names
from provisiond.adapters.directory.reading import Bases
from provisiond.adapters.directory.target import LdapTarget
from provisiond.adapters.ledger.place import place
from provisiond.adapters.ledger.portal import SqlPortalLedger
from provisiond.adapters.portal_state.sessions import SqlSessions
from provisiond.adapters.portal_state.store import Store
from provisiond.adapters.portal_state.throttle import SqlThrottle
from provisiond.adapters.vault import Vault
from provisiond.domain.errors import ConfigError, ProvisiondError, UnavailableError
from provisiond.portal.account.re_enrolment import ReEnrolment
from provisiond.portal.account.services import ticket_digest
from provisiond.portal.activation.blocklist import Blocklist
from provisiond.portal.activation.passwords import PasswordJudge, context_words
from provisiond.portal.desk import Desk
from provisiond.portal.language import speeches
from provisiond.portal.pages import Pages
from provisiond.portal.static import Static
from provisiond.portal.terms import rendered
from provisiond.portal.unwatched import Unwatched
from provisiond.ports import Clock
from provisiond.ports.tally import Tally
from provisiond.settings import LedgerSettings, PortalSettings, PortalWeb, Settings

NOBODY = "-"  # no person has this ID: asked for to see whether somebody answers


@dataclass(frozen=True, slots=True)
class Opened:
    """A desk, and what the process needs beside it."""

    desk: Desk
    systems: dict[str, Callable[[], object]]

    def unavailable(self) -> list[str]:
        """Systems that do not answer as they must."""
        return [fault.reason for fault in self.faults()]

    def faults(self) -> list[UnavailableError]:
        """The same, as errors that say who must react."""
        return [
            UnavailableError(
                "portal", f"{name}: {getattr(error, 'reason', error)}", lasts=getattr(error, "lasts", True)
            )
            for name, ask in self.systems.items()
            if (error := _fault(ask))
        ]

    def read_factors(self) -> int:
        """How many of the oldest and newest second factors were opened. Raises ConfigError where a key is missing,
        RejectedError where one was changed."""
        samples = self.desk.ledger.sample_factors()
        for factor in samples:
            self.desk.vault.open(factor.sealed, factor.person_id)
        return len(samples)

    def purge(self) -> int:
        """Sessions and counts that are over."""
        now = self.desk.clock.now()
        return self.desk.sessions.purge(now) + self.desk.throttle.purge(now)


@contextmanager
def opened(settings: PortalSettings, clock: Clock, tally: Tally | None = None) -> Iterator[Opened]:
    """Open what the configuration names; close it in the end. Raises UnavailableError for a ledger that is not there;
    the directory may come later."""
    with ExitStack() as stack:
        ledger = stack.enter_context(
            closing(SqlPortalLedger.open(settings.ledger.url, password=settings.ledger.password))
        )
        store = stack.enter_context(closing(_store(settings.web, settings.ledger)))
        directory = stack.enter_context(closing(_directory(settings, clock)))
        listings = stack.enter_context(closing(_listings(settings)))
        digests = Digests(settings.digest_key)
        said, static = speeches(settings.house.zone), Static(settings.house.accent)
        desk = Desk(
            house=settings.house,
            rules=settings.rules,
            policy=settings.policy,
            clock=clock,
            ledger=ledger,
            directory=directory,
            listings=listings,
            sessions=SqlSessions(
                store, idle_after=settings.rules.idle_after, lasts_for=settings.rules.session_lasts
            ),
            throttle=SqlThrottle(store),
            digests=digests,
            passwords=_passwords(settings, digests),
            vault=Vault.of(settings.factor_key, f"{settings.path}: portal.factor_key_file"),
            terms=rendered(settings.rules.terms),
            speeches=said,
            pages=Pages(settings.house, said, static),
            static=static,
            hosts=settings.web.hosts,
            trusts_proxy=settings.web.behind_proxy,
            threads=settings.web.threads,
            tally=tally or Unwatched(),
        )
        yield Opened(desk, _systems(desk))


@contextmanager
def re_enrolment(settings: Settings) -> Iterator[ReEnrolment]:
    """For the command of the operators: the ledger as the portal sees it, and by which its codes are compared."""
    if settings.portal is None:
        raise ConfigError(
            [f"{settings.path}: portal: missing: there is no portal in which a phone is enrolled"]
        )
    where, digests = settings.ledger, Digests(settings.digest_key)
    with closing(SqlPortalLedger.open(where.url, password=where.password)) as ledger:
        yield ReEnrolment(ledger, ticket_digest(digests), settings.portal.rules.operators_wait)


def end_sessions(settings: Settings, person_id: str, actor: str, reason: str, at: datetime) -> int:
    """Every log-in of that person; how many there were. For the command of the operators."""
    if settings.portal is None:
        raise ConfigError([f"{settings.path}: portal: missing: nobody is logged in where there is none"])
    where, web, rules = settings.ledger, settings.portal.web, settings.portal.rules
    with closing(_store(web, where)) as store:
        sessions = SqlSessions(store, idle_after=rules.idle_after, lasts_for=rules.session_lasts)
        ended = sessions.end_all(person_id)
    with closing(SqlPortalLedger.open(where.url, password=where.password)) as ledger:
        ledger.note(person_id, "logged-out", actor, {"sessions": ended, "reason": reason}, at)
    return ended


def _passwords(settings: PortalSettings, digests: Digests) -> PasswordJudge:
    """Raises ConfigError where the university's own list cannot be read."""
    house, rules = settings.house, settings.rules
    context = context_words(house.name, house.chinese_name, house.domain, house.mail_domain)
    return PasswordJudge(rules.minimum_password_length, Blocklist(rules.blocklist_file), context, digests)


def _systems(desk: Desk) -> dict[str, Callable[[], object]]:
    return {
        "ledger": lambda: desk.ledger.account(NOBODY),
        "sessions": lambda: desk.sessions.load(NOBODY, desk.clock.now()),
        "directory": lambda: desk.directory.shown(NOBODY),
        "listings": lambda: desk.listings.listing(NOBODY),
    }


def _fault(ask: Callable[[], object]) -> ProvisiondError | None:
    try:
        ask()
    except ProvisiondError as error:
        return error
    return None


def _store(web: PortalWeb, ledger: LedgerSettings) -> Store:
    if web.state:
        return Store.in_file(web.state)
    where = place(ledger.url, ledger.password)
    return Store.on_server(where.url, where.server_arguments("provisiond portal"))


def _target(settings: PortalSettings, name: str, password: str, key: str) -> LdapTarget:
    where = settings.directory
    return LdapTarget(
        urls=where.urls,
        bind="simple",
        bind_dn=f"uid={name},ou=services,{where.base}",
        password=password,
        password_key=f"portal.{key}",
        start_tls=where.start_tls,
        ca_file=where.ca_file,
        connect_timeout=where.connect_timeout,
        receive_timeout=where.receive_timeout,
        patience=timedelta(seconds=5).total_seconds(),  # somebody is looking at the page
    )


def _directory(settings: PortalSettings, clock: Clock) -> LdapPortalDirectory:
    base, lies = settings.directory.base, settings.policy.directory
    bases = Bases.of(base, lies.people_base, lies.contacts_base, lies.groups_base, lies.account_bases)
    names = Names.under(base, lies.quota_attribute)
    return LdapPortalDirectory(
        _target(settings, "portal", settings.directory_password, "password_file"), bases, names, clock.now
    )


def _listings(settings: PortalSettings) -> LdapListings:
    target = _target(settings, "directory-reader", settings.reader_password, "reader_password_file")
    return LdapListings(target, settings.policy.directory.contacts_base)
