"""A small university whose portal is open: the real cycle on a SQLite ledger and a real slapd, the real portal beside
it with its own identities, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import event

from provisiond.adapters.clock import SetClock
from provisiond.adapters.digests import Digests
from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.adapters.directory.listings import LdapListings
from provisiond.adapters.directory.session import LdapTarget
from provisiond.adapters.ledger.portal import SqlPortalLedger
from provisiond.adapters.portal_state.sessions import SqlSessions
from provisiond.adapters.portal_state.store import Store
from provisiond.adapters.portal_state.throttle import SqlThrottle
from provisiond.adapters.vault import Vault
from provisiond.domain.model import RegistryRecord
from provisiond.portal.activation.blocklist import Blocklist
from provisiond.portal.activation.passwords import PasswordJudge, context_words
from provisiond.portal.desk import Desk
from provisiond.portal.rules import CodeWanted
from provisiond.ports import Ledger
from tests.rigs import portal_states
from tests.rigs.ledgers import on_server, sqlite, url
from tests.rigs.lives import TODAY, a_policy, noon
from tests.rigs.portal import HOUSE, RULES, desk
from tests.rigs.portal_site import portal_directory
from tests.rigs.postgres import PASSWORD, PostgresRig
from tests.rigs.registry import a_record
from tests.rigs.slapd import SlapdRig
from tests.rigs.world import World

DIGESTS = Digests(b"k" * 32)
BORN_ON = date(2005, 3, 9)
HKID = "A123456(3)"
GROUPS = ("students", "library", "alumni")


def a_student(
    student_id: str = "20000001", number: str | None = "A1234563", **overrides: Any
) -> RegistryRecord:
    """CHAN Tai Man (Peter), whose number and birth date the portal's key digests."""
    given = {
        "student_id": student_id,
        "proposed_id": DIGESTS.person(student_id),
        "preferred_name": "Peter",
        "chinese_name": "陳大文",
        "hkid_digest": DIGESTS.hkid(number) if number else None,
        "birth_digest": DIGESTS.birth(BORN_ON),
    }
    return a_record(**(given | overrides))


@dataclass
class Campus:
    """`world.cycle()` is the daemon; `desk` the portal's."""

    rig: SlapdRig
    world: World
    desk: Desk
    store: Store
    portal_ledger: SqlPortalLedger
    records: dict[str, RegistryRecord] = field(default_factory=dict)

    def enrol(self, *records: RegistryRecord) -> None:
        """They are in the registry, and a cycle has gone by."""
        self.world.registry.put(*records)
        self.world.cycle()

    def change(self, record: RegistryRecord, **to: Any) -> None:
        self.enrol(replace(record, **to))

    def sleep(self, lasting: timedelta) -> None:
        self.world.clock.at += lasting

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What the portal asks its databases meanwhile, without the values."""
        seen: list[str] = []

        def see(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        engines = (self.store._engine, self.portal_ledger._db._reader)
        reads = self.portal_ledger.plain
        plain: list[Any] = [self.store, *([reads] if reads else [])]
        before = [one.heard for one in plain]
        for one in plain:
            one.heard = seen.append
        for engine in engines:
            event.listen(engine, "before_cursor_execute", see)
        try:
            yield seen
        finally:
            for one, heard in zip(plain, before, strict=True):
                one.heard = heard
            for engine in engines:
                event.remove(engine, "before_cursor_execute", see)

    def with_code(self, wanted: CodeWanted) -> Desk:
        return replace(self.desk, rules=replace(self.desk.rules, activation_code=wanted))


@contextmanager
def campus(rig: SlapdRig, folder: Path) -> Iterator[Campus]:
    place = url(folder / "ledger.db")
    with (
        sqlite(folder) as ledger,
        closing(SqlPortalLedger.open(place)) as portal_ledger,
        closing(Store.in_file(folder / "portal-state.sqlite")) as store,
        _campus(rig, ledger, portal_ledger, store) as made,
    ):
        yield made


@contextmanager
def campus_on_server(rig: SlapdRig, postgres: PostgresRig) -> Iterator[tuple[Campus, Desk]]:
    """Its ledger and the portal's memory lie in one PostgreSQL database; and the desk of a second portal, which
    shares nothing with the first one but that and the directory."""
    place = portal_states.on_server(postgres)
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(on_server(place)))
        opened = [
            (
                stack.enter_context(closing(SqlPortalLedger.open(place, password=PASSWORD))),
                stack.enter_context(closing(portal_states.opening(place))),
            )
            for _ in range(2)
        ]
        made = stack.enter_context(_campus(rig, ledger, *opened[0]))
        portal_ledger, store = opened[1]
        yield made, _desk(rig, made.world, store, portal_ledger, stack)


@contextmanager
def _campus(rig: SlapdRig, ledger: Ledger, portal_ledger: SqlPortalLedger, store: Store) -> Iterator[Campus]:
    with ExitStack() as stack:
        groups = [f"cn={name},{rig.groups_base}" for name in GROUPS]
        bases = (rig.base, rig.people_base, rig.contacts_base, rig.groups_base)
        directory = stack.enter_context(closing(LdapDirectory(rig.daemon, *bases, groups=groups)))
        clock = SetClock(noon(TODAY))
        world = World(
            policy=a_policy(), ledger=cast(Any, ledger), directory=cast(Any, directory), clock=clock
        )
        yield Campus(rig, world, _desk(rig, world, store, portal_ledger, stack), store, portal_ledger)


def _desk(rig: SlapdRig, world: World, store: Store, ledger: SqlPortalLedger, stack: ExitStack) -> Desk:
    reader = LdapTarget(
        (rig.url,), "simple", rig.layout.listing_reader_dn, rig.layout.listing_reader_password
    )
    return desk(
        policy=world.policy,
        clock=world.clock,
        ledger=ledger,
        directory=stack.enter_context(closing(portal_directory(rig))),
        listings=stack.enter_context(closing(LdapListings(reader, rig.contacts_base))),
        sessions=SqlSessions(store, idle_after=RULES.idle_after, lasts_for=RULES.session_lasts),
        throttle=SqlThrottle(store),
        digests=DIGESTS,
        vault=Vault([b"v" * 32]),
        passwords=_judge(),
    )


@cache
def _judge() -> PasswordJudge:
    context = context_words(HOUSE.name, HOUSE.chinese_name, HOUSE.domain)
    return PasswordJudge(RULES.minimum_password_length, Blocklist(), context, DIGESTS)
