"""Finds accounts and reads them whole: a constant number of queries for each few hundred persons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from sqlalchemy import ColumnElement, Connection, func, or_, select, union

from provisiond.adapters.ledger import absences, factors, listings, orders, outbox, records
from provisiond.adapters.ledger.connection import chunks, streamed
from provisiond.adapters.ledger.tables import account, identifier, record
from provisiond.domain.model import Account, State
from provisiond.ports import AccountFilter

_NOT_MANAGED = (State.TERMINATED.value, State.ALUMNI.value)


def due_students(connection: Connection, today: date) -> Iterator[str]:
    """In the order of their bytes. Three queries, an index each: an OR of them might read the whole table."""
    ways = (
        account.c.next_on <= today,
        account.c.applied == False,  # noqa: E712 (SQL, not Python)
        account.c.unfinished == True,  # noqa: E712
    )
    called = union(*(select(account.c.student_id).where(way) for way in ways)).subquery()
    for (student_id,) in streamed(connection, select(called.c.student_id).order_by(called.c.student_id)):
        yield student_id


def next_due(connection: Connection, today: date) -> date | None:
    found: date | None = connection.scalar(
        select(func.min(account.c.next_on)).where(account.c.next_on > today)
    )
    return found


def all_students(connection: Connection) -> Iterator[str]:
    for (student_id,) in streamed(connection, select(account.c.student_id).order_by(account.c.student_id)):
        yield student_id


def load(connection: Connection, person_ids: Iterable[str]) -> dict[str, Account]:
    found: dict[str, Account] = {}
    for chunk in chunks(person_ids):
        found.update(_loaded(connection, chunk))
    return found


def load_students(connection: Connection, student_ids: Iterable[str]) -> dict[str, Account]:
    people: list[str] = []
    for chunk in chunks(student_ids):
        wanted = select(account.c.person_id).where(account.c.student_id.in_(chunk))
        people.extend(connection.scalars(wanted))
    return {one.student_id: one for one in load(connection, people).values()}


def find(connection: Connection, text: str) -> Account | None:
    name = text.partition("@")[0].lower()
    for wanted in (
        select(account.c.person_id).where(account.c.student_id == text),
        select(identifier.c.person_id).where(identifier.c.value == name),
        select(account.c.person_id).where(account.c.person_id == text),
    ):
        person_id = connection.scalar(wanted)
        if person_id is not None:
            return load(connection, [person_id])[person_id]
    return None


def accounts(connection: Connection, wanted: AccountFilter) -> list[Account]:
    """In the order of their names."""
    people = connection.scalars(select(account.c.person_id).where(*_conditions(wanted)))
    return sorted(load(connection, people.all()).values(), key=lambda one: one.account_name)


def population(connection: Connection) -> int:
    managed = select(func.count()).select_from(account).where(account.c.state.not_in(_NOT_MANAGED))
    return connection.scalar(managed) or 0


def _conditions(wanted: AccountFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(account.c.state == wanted.state.value)
    if wanted.due_by is not None:
        conditions.append(or_(account.c.next_on <= wanted.due_by, account.c.applied.is_(False)))
    if wanted.text is not None:
        studies = select(record.c.person_id).where(_begins(record.c.programme, wanted.text))
        conditions.append(
            or_(
                _begins(account.c.student_id, wanted.text),
                _begins(account.c.account_name, wanted.text),
                account.c.person_id.in_(studies),
            )
        )
    return conditions


def _begins(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    return column.istartswith(text, autoescape=True)


def _loaded(connection: Connection, person_ids: list[str]) -> dict[str, Account]:
    known = records.of_people(connection, person_ids)
    holds = orders.holds_of(connection, person_ids)
    extensions = orders.extensions_of(connection, person_ids)
    occurrences = orders.occurrences_of(connection, person_ids)
    notices = outbox.of_people(connection, person_ids)
    second_factors = factors.confirmed_since(connection, person_ids)
    contact = listings.contact_of(connection, person_ids)
    aliases = listings.aliases_of(connection, person_ids)
    students = [record.student_id for some in known.values() for record in some]
    absent = absences.of_students(connection, students)
    return {
        row.person_id: Account(
            person_id=row.person_id,
            student_id=row.student_id,
            account_name=row.account_name,
            uid_number=row.uid_number,
            state=State(row.state),
            applied=row.applied,
            created_at=row.created_at,
            activated_at=row.activated_at,
            unlisted=row.unlisted,
            next_on=row.next_on,
            records=tuple(known.get(row.person_id, ())),
            holds=tuple(holds.get(row.person_id, ())),
            extensions=tuple(extensions.get(row.person_id, ())),
            occurrences=tuple(occurrences.get(row.person_id, ())),
            outbox=tuple(notices.get(row.person_id, ())),
            absences=tuple(absent.get(row.student_id, ())),
            contact=tuple(contact.get(row.person_id, ())),
            display_name=row.display_name,
            aliases=tuple(aliases.get(row.person_id, ())),
            second_factor_at=second_factors.get(row.person_id),
        )
        for row in connection.execute(select(account).where(account.c.person_id.in_(person_ids)))
    }
