"""Gives account names and uid numbers, each to one person and for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from provisiond.adapters.ledger import history
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.connection import chunks, streamed
from provisiond.adapters.ledger.tables import account, foreign_name, identifier
from provisiond.domain.plan import Identity, Parked, Step

_AFTER_ALL_LETTERS = chr(0x10FFFF)


class Bearer(Protocol):
    """Whoever is to bear identifiers."""

    @property
    def person_id(self) -> str: ...
    @property
    def student_id(self) -> str: ...


def names_with_prefixes(connection: Connection, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
    return {prefix: _names(connection, prefix.lower()) for prefix in prefixes}


def next_uid_number(connection: Connection, first: int) -> int:
    largest = connection.scalar(select(func.max(account.c.uid_number)))
    return first if largest is None else max(first, largest + 1)


def reserve(connection: Connection, steps: Sequence[Step], domain: str, at: datetime) -> list[Parked]:
    """Write the accounts that can be had; the others come back with the reason."""
    _begin(connection, [step.person_id for step in steps if step.identity is None])
    wanted = [(step, step.identity) for step in steps if step.identity is not None]
    given = Given.of(connection, wanted)
    fresh: list[tuple[Step, Identity]] = []
    refused: list[Parked] = []
    for step, identity in wanted:
        reason = given.objection(step, identity)
        if reason is not None:
            refused.append(Parked(step.person_id, step.student_id, reason))
        elif step.person_id not in given.accounts:
            given.take(step, identity)
            fresh.append((step, identity))
    _write(connection, fresh, domain, at)
    return refused


def every(connection: Connection) -> Iterator[str]:
    for column in (identifier.c.value, foreign_name.c.value):
        for (value,) in streamed(connection, select(column)):
            yield value


def _begin(connection: Connection, person_ids: Sequence[str]) -> None:
    """Their entries may be half-written from now on."""
    for chunk in chunks(person_ids):
        connection.execute(update(account).where(account.c.person_id.in_(chunk)).values(unfinished=True))


@dataclass(slots=True)
class Given:
    """What those at hand could collide with: who has which."""

    accounts: dict[str, Identity] = field(default_factory=dict)  # person ID → what they got
    students: dict[str, str] = field(default_factory=dict)  # student ID → person ID
    names: dict[str, str] = field(default_factory=dict)  # identifier → person ID
    numbers: dict[int, str] = field(default_factory=dict)  # uid number → person ID

    @classmethod
    def of(cls, connection: Connection, wanted: Sequence[tuple[Bearer, Identity]]) -> Given:
        given = cls()
        for chunk in chunks(wanted):
            names = [identity.account_name.lower() for _, identity in chunk]
            known = select(identifier.c.value, identifier.c.person_id).where(identifier.c.value.in_(names))
            given.names.update((row.value, row.person_id) for row in connection.execute(known))
            for row in connection.execute(select(account).where(_meets(chunk))):
                given.accounts[row.person_id] = Identity(row.account_name, row.uid_number)
                given.students[row.student_id] = row.person_id
                if row.uid_number is not None:
                    given.numbers[row.uid_number] = row.person_id
        return given

    def take(self, bearer: Bearer, identity: Identity) -> None:
        self.accounts[bearer.person_id] = identity
        self.students[bearer.student_id] = bearer.person_id
        self.names[identity.account_name.lower()] = bearer.person_id
        if identity.uid_number is not None:
            self.numbers[identity.uid_number] = bearer.person_id

    def objection(self, bearer: Bearer, identity: Identity) -> str | None:
        me = bearer.person_id
        if self.names.get(identity.account_name.lower(), me) != me:
            return f"the name {identity.account_name} was given to another person"
        if identity.uid_number is not None and self.numbers.get(identity.uid_number, me) != me:
            return f"the uid number {identity.uid_number} was given to another person"
        if self.students.get(bearer.student_id, me) != me:
            return f"the account of student {bearer.student_id} belongs to another person ID"
        had = self.accounts.get(me)
        if had is not None and had != identity:
            return f"this person has the account {had.account_name} already, with other identifiers"
        return None


def _meets(chunk: Sequence[tuple[Bearer, Identity]]) -> ColumnElement[bool]:
    return or_(
        account.c.person_id.in_([bearer.person_id for bearer, _ in chunk]),
        account.c.student_id.in_([bearer.student_id for bearer, _ in chunk]),
        account.c.uid_number.in_([i.uid_number for _, i in chunk if i.uid_number is not None]),
    )


def _write(connection: Connection, fresh: list[tuple[Step, Identity]], domain: str, at: datetime) -> None:
    if not fresh:
        return
    connection.execute(insert(account), [_account(step, identity, at) for step, identity in fresh])
    rows = [
        {"value": i.account_name.lower(), "kind": "account-name", "person_id": s.person_id, "given_at": at}
        for s, i in fresh
    ]
    connection.execute(insert(identifier), rows)
    history.append(connection, [_created(step, identity, domain, at) for step, identity in fresh])


def _account(step: Step, identity: Identity, at: datetime) -> dict[str, object]:
    return {
        "person_id": step.person_id,
        "student_id": step.student_id,
        "account_name": identity.account_name,
        "uid_number": identity.uid_number,
        "state": step.to_state.value,
        "applied": False,
        "created_at": at,
        "unlisted": False,
        "next_on": step.next_on,
    }


def _created(step: Step, identity: Identity, domain: str, at: datetime) -> Happened:
    detail = {
        "account_name": identity.account_name,
        "uid_number": identity.uid_number,
        "mail": f"{identity.account_name}@{domain}",
    }
    return Happened("account-created", step.person_id, at, "cycle", detail, " ".join(step.reasons))


def _names(connection: Connection, prefix: str) -> frozenset[str]:
    return frozenset(
        name
        for value in (identifier.c.value, foreign_name.c.value)
        for name in connection.scalars(
            select(value).where(value >= prefix, value < prefix + _AFTER_ALL_LETTERS)
        )
    )
