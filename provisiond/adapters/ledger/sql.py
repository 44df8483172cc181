"""The ledger in SQL, one transaction a method. What each does in it is said in the module it calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from provisiond.adapters.ledger import (
    brakes,
    counts,
    history,
    identifiers,
    orders,
    outbox,
    parking,
    people,
    proofs,
    returned,
    steps,
    takeovers,
)
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.connection import Database
from provisiond.adapters.ledger.opening import opened
from provisiond.adapters.ledger.place import place
from provisiond.adapters.ledger.sql_choices import SqlChoices
from provisiond.adapters.ledger.sql_observed import SqlObserved
from provisiond.adapters.ledger.sql_posting import SqlPosting
from provisiond.domain.model import (
    Account,
    Extension,
    Hold,
    HoldKind,
    Notice,
    Occurrence,
    RegistryRecord,
)
from provisiond.domain.plan import Parked, Step, Unserved
from provisiond.domain.takeover import Takeover
from provisiond.ports import (
    AccountFilter,
    HeldPlan,
    HistoryLine,
    LedgerFacts,
)
from provisiond.ports.portal import Problem


class SqlLedger(SqlPosting, SqlObserved, SqlChoices):
    """ports.Ledger on a SQLite file or a PostgreSQL database. Made by `open`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    @classmethod
    def open(
        cls,
        url: str,
        *,
        create: bool,
        wait_seconds: float = 10,
        password: str | None = None,
        fence: int | None = None,
        epoch: int | None = None,
    ) -> SqlLedger:
        """`create` makes or upgrades it; without that a missing or outdated ledger is an UnavailableError.
        `wait_seconds`: how long to wait for another writer; `fence`: what `lock.exclusive` gave; `epoch`: of the
        leadership under which is written."""
        where = place(url, password)
        return cls(opened(where, create=create, wait_seconds=wait_seconds, fence=fence, epoch=epoch))

    def close(self) -> None:
        self._db.close()

    # -- what to work on -------------------------------------------------------------------------------
    def due_students(self, today: date) -> Iterator[str]:
        with self._db.read() as connection:
            yield from people.due_students(connection, today)

    def next_due(self, today: date) -> date | None:
        with self._db.read() as connection:
            return people.next_due(connection, today)

    def all_students(self) -> Iterator[str]:
        with self._db.read() as connection:
            yield from people.all_students(connection)

    def load(self, person_ids: Iterable[str]) -> dict[str, Account]:
        with self._db.read() as connection:
            return people.load(connection, person_ids)

    def load_students(self, student_ids: Iterable[str]) -> dict[str, Account]:
        with self._db.read() as connection:
            return people.load_students(connection, student_ids)

    def find(self, text: str) -> Account | None:
        with self._db.read() as connection:
            return people.find(connection, text)

    def accounts(self, wanted: AccountFilter) -> list[Account]:
        with self._db.read() as connection:
            return people.accounts(connection, wanted)

    def population(self) -> int:
        with self._db.read() as connection:
            return people.population(connection)

    def facts(self) -> LedgerFacts:
        with self._db.read() as connection:
            return counts.facts(connection)

    # -- identifiers -----------------------------------------------------------------------------------
    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        with self._db.read() as connection:
            return identifiers.names_with_prefixes(connection, prefixes)

    def identifiers(self) -> Iterator[str]:
        with self._db.read() as connection:
            yield from identifiers.every(connection)

    def next_uid_number(self, first: int) -> int:
        with self._db.read() as connection:
            return identifiers.next_uid_number(connection, first)

    # -- steps -----------------------------------------------------------------------------------------
    def reserve(self, steps: Sequence[Step], domain: str, at: datetime) -> list[Parked]:
        with self._db.write() as connection:
            return identifiers.reserve(connection, steps, domain, at)

    def commit(
        self,
        done: Sequence[Step],
        records: Mapping[str, Sequence[RegistryRecord]],
        at: datetime,
        weights: Mapping[str, int] | None = None,
    ) -> None:
        with self._db.write() as connection:
            steps.commit(connection, done, records, at, weights or {})

    def recent_weights(self, since: datetime) -> dict[str, int]:
        with self._db.read() as connection:
            return brakes.recent(connection, since)

    def park(self, parked: Sequence[Parked], at: datetime) -> None:
        with self._db.write() as connection:
            parking.park(connection, parked, at)

    def parked(self) -> list[Parked]:
        with self._db.read() as connection:
            return parking.all_parked(connection)

    def unpark(self, person_ids: Iterable[str]) -> None:
        with self._db.write() as connection:
            parking.unpark(connection, person_ids)

    def hold_back(self, unserved: Iterable[Unserved]) -> None:
        with self._db.write() as connection:
            proofs.keep(connection, unserved, Problem.HELD)

    def held_back(self) -> dict[str, str]:
        with self._db.read() as connection:
            return proofs.held(connection)

    # -- orders ----------------------------------------------------------------------------------------
    def activate(self, person_id: str, actor: str, at: datetime, unlisted: bool | None = None) -> None:
        with self._db.write() as connection:
            orders.activate(connection, person_id, actor, at, unlisted)

    def hold(self, person_id: str, hold: Hold) -> None:
        with self._db.write() as connection:
            orders.set_hold(connection, person_id, hold)

    def release(self, person_id: str, kind: HoldKind | None, actor: str, reason: str, at: datetime) -> int:
        with self._db.write() as connection:
            return orders.release(connection, person_id, kind, actor, reason, at)

    def extend(self, person_id: str, extension: Extension) -> None:
        with self._db.write() as connection:
            orders.extend(connection, person_id, extension)

    def open_orders(self, today: date) -> dict[str, datetime]:
        with self._db.read() as connection:
            return orders.unanswered(connection, today)

    def answered(self, given: Mapping[str, datetime]) -> None:
        if given:
            with self._db.write() as connection:
                orders.answer(connection, given)

    def tell(self, person_id: str, occurrence: Occurrence) -> None:
        with self._db.write() as connection:
            orders.tell(connection, person_id, occurrence)

    # -- brakes ----------------------------------------------------------------------------------------
    def hold_plan(self, plan_hash: str, summary: str, notices: Sequence[Notice], at: datetime) -> bool:
        with self._db.write() as connection:
            return brakes.keep(connection, plan_hash, summary, notices, at)

    def held_plans(self) -> list[HeldPlan]:
        with self._db.read() as connection:
            return brakes.unspent(connection)

    def approve(self, plan_hash: str, actor: str, at: datetime) -> HeldPlan | None:
        with self._db.write() as connection:
            return brakes.approve(connection, plan_hash, actor, at)

    def spend(self, plan_hash: str, at: datetime) -> bool:
        with self._db.write() as connection:
            return brakes.spend(connection, plan_hash, at)

    def held_plan(self, plan_hash: str) -> HeldPlan | None:
        with self._db.read() as connection:
            return brakes.latest(connection, plan_hash)

    def purge(self, before: datetime) -> int:
        with self._db.write() as connection:
            return brakes.purge(connection, before) + returned.purge(connection, before)

    # -- accounts of others, and of a lost ledger --------------------------------------------------------
    def take_over(self, wanted: Sequence[Takeover], event: str, actor: str, at: datetime) -> list[Parked]:
        with self._db.write() as connection:
            return takeovers.take_over(connection, wanted, event, actor, at)

    def keep_names(self, names: Iterable[tuple[str, str | None]], at: datetime) -> None:
        with self._db.write() as connection:
            takeovers.keep_names(connection, names, at)

    def told_before(self, notices: Iterable[Notice], reply: str, at: datetime) -> None:
        with self._db.write() as connection:
            outbox.add_told(connection, notices, reply, at)

    def begin_rebuild(self, actor: str, at: datetime) -> None:
        with self._db.write() as connection:
            takeovers.begin(connection, actor, at)

    def end_rebuild(self, actor: str, at: datetime) -> None:
        with self._db.write() as connection:
            takeovers.end(connection, actor, at)

    def is_half_rebuilt(self) -> bool:
        with self._db.read() as connection:
            return takeovers.unfinished(connection)

    # -- history ---------------------------------------------------------------------------------------
    def history(self, person_id: str | None = None) -> list[HistoryLine]:
        with self._db.read() as connection:
            return history.lines_of(connection, person_id)

    def audited(self, at: datetime, actor: str, reason: str) -> None:
        with self._db.write() as connection:
            history.append(connection, [Happened(history.AUDITED, None, at, actor, {}, reason)])

    def last_audit(self) -> datetime | None:
        with self._db.read() as connection:
            return history.last_audit(connection)

    def verify_history(self) -> str | None:
        with self._db.read() as connection:
            return history.verified(connection)
