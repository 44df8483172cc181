"""The ledger as the portal opens it, one transaction a method. It never takes the cycle's lock, and it makes or
upgrades nothing: that is the daemon's. What each method does in its transaction is said in the module it calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from provisiond.adapters.ledger import (
    acceptances,
    factors,
    history,
    orders,
    people,
    proofs,
    tickets,
)
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.connection import Database
from provisiond.adapters.ledger.opening import opened
from provisiond.adapters.ledger.place import place
from provisiond.adapters.ledger.plain import PlainLedger
from provisiond.adapters.ledger.sql_choices import SqlChoices
from provisiond.adapters.ledger.tables import account
from provisiond.domain.model import Account, Occurrence
from provisiond.ports import HistoryLine
from provisiond.ports.portal import CodeSet, Factor, Proofs, Ticket, TicketKind

_NOBODY = "-"  # no person ID
_NAMED = select(account.c.person_id).where(account.c.account_name == bindparam("name"))


class SqlPortalLedger(SqlChoices):
    """ports.portal.PortalLedger on a SQLite file or a PostgreSQL database. Made by `open`."""

    def __init__(self, database: Database, plain: PlainLedger | None = None) -> None:
        self._db, self.plain = database, plain

    @classmethod
    def open(cls, url: str, *, wait_seconds: float = 10, password: str | None = None) -> SqlPortalLedger:
        """A missing or outdated ledger is an UnavailableError. `wait_seconds`: for another writer."""
        where = place(url, password)
        database = opened(where, create=False, wait_seconds=wait_seconds)
        plain = PlainLedger(where.path, wait_seconds, database.turns) if where.path else None
        return cls(database, plain)

    def close(self) -> None:
        if self.plain is not None:
            self.plain.close()
        self._db.close()

    # -- who is who ------------------------------------------------------------------------------------
    def proofs(self, student_id: str) -> Proofs | None:
        if self.plain is not None:
            return proofs.proven_by(self.plain.rows(proofs.PROOFS, student=student_id), student_id)
        with self._db.read() as connection:
            rows = connection.execute(proofs.PROOFS, {"student": student_id}).all()
        return proofs.proven_by(rows, student_id)

    def account(self, person_id: str) -> Account | None:
        with self._db.read() as connection:
            return people.load(connection, [person_id]).get(person_id)

    def account_named(self, account_name: str) -> Account | None:
        with self._db.read() as connection:
            person_id = connection.scalar(_NAMED, {"name": account_name}) or _NOBODY
            return people.load(connection, [person_id]).get(person_id)  # as much is asked of nobody

    def history(self, person_id: str) -> list[HistoryLine]:
        with self._db.read() as connection:
            return history.lines_of(connection, person_id)

    # -- activation ------------------------------------------------------------------------------------
    def accept(self, person_id: str, version: str, at: datetime) -> None:
        if self.plain is not None:
            with self.plain.changed() as ledger:
                acceptances.accept(ledger, person_id, version, at)
            return
        with self._db.write() as connection, self._db.asked(connection) as ledger:
            acceptances.accept(ledger, person_id, version, at)

    def accepted(self, person_id: str) -> tuple[str, datetime] | None:
        with self._db.read() as connection:
            return acceptances.latest(connection, person_id)

    def complete_activation(
        self,
        person_id: str,
        factor_id: int,
        step: int,
        codes: CodeSet,
        accepted: tuple[str, datetime],
        at: datetime,
    ) -> bool:
        with self._db.write() as connection, self._db.asked(connection) as ledger:
            return acceptances.complete_activation(
                connection, ledger, person_id, factor_id, step, codes, accepted, at
            )

    # -- second factor ---------------------------------------------------------------------------------
    def begin_factor(self, person_id: str, sealed: bytes, at: datetime) -> Factor:
        with self._db.write() as connection:
            return factors.begin(connection, person_id, sealed, at)

    def pending_factor(self, person_id: str) -> Factor | None:
        with self._db.read() as connection:
            return factors.pending(connection, person_id)

    def factor(self, person_id: str) -> Factor | None:
        with self._db.read() as connection:
            return factors.confirmed(connection, person_id)

    def sample_factors(self) -> tuple[Factor, ...]:
        with self._db.read() as connection:
            return factors.samples(connection)

    def replace_factor(
        self, person_id: str, factor_id: int, step: int, codes: CodeSet, occurrence: Occurrence, at: datetime
    ) -> bool:
        with self._db.write() as connection:
            return factors.replace(connection, person_id, factor_id, step, codes, occurrence, at)

    def use_step(self, person_id: str, step: int) -> bool:
        with self._db.write() as connection:
            return factors.use_step(connection, person_id, step)

    def recovery_codes(self, person_id: str) -> CodeSet | None:
        with self._db.read() as connection:
            return factors.codes_of(connection, person_id)

    def use_recovery_code(self, person_id: str, digest: bytes, at: datetime) -> bool:
        with self._db.write() as connection:
            return factors.use_code(connection, person_id, digest, at)

    def replace_recovery_codes(
        self, person_id: str, codes: CodeSet, occurrence: Occurrence, at: datetime
    ) -> None:
        with self._db.write() as connection:
            orders.tell(connection, person_id, occurrence)
            factors.keep_codes(connection, person_id, codes)

    # -- single-use codes ------------------------------------------------------------------------------
    def issue_ticket(self, ticket: Ticket, at: datetime, notice: Occurrence | None = None) -> None:
        with self._db.write() as connection:
            tickets.issue(connection, ticket, at, notice)

    def ticket(self, person_id: str, kind: TicketKind) -> Ticket | None:
        with self._db.read() as connection:
            return tickets.unused(connection, person_id, kind)

    def use_ticket(self, person_id: str, kind: TicketKind, digest: str, at: datetime) -> bool:
        with self._db.write() as connection:
            return tickets.use(connection, person_id, kind, digest, at)

    def withdraw_ticket(
        self, person_id: str, kind: TicketKind, actor: str, reason: str, at: datetime
    ) -> bool:
        with self._db.write() as connection:
            return tickets.withdraw(connection, person_id, kind, actor, reason, at)

    # -- facts for the daemon ----------------------------------------------------------------------------
    def tell(self, person_id: str, occurrence: Occurrence) -> None:
        with self._db.write() as connection:
            orders.tell(connection, person_id, occurrence)

    def note(self, person_id: str, event: str, actor: str, detail: Mapping[str, Any], at: datetime) -> None:
        with self._db.write() as connection:
            orders.require(connection, [person_id])
            history.append(connection, [Happened(event, person_id, at, actor, detail)])
