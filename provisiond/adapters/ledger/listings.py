"""What persons choose for themselves, kept as facts: contact details, display name, aliases. Each choice calls the
person before the next cycle; what is admissible is the domain's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from provisiond.adapters.ledger import history, orders
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.tables import account, alias, contact_detail, foreign_name, identifier
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import Audience, ContactDetail, ContactField


def set_contact(
    connection: Connection,
    person_id: str,
    details: Sequence[ContactDetail],
    unlisted: bool,
    actor: str,
    at: datetime,
) -> None:
    """In place of what was there. The history says who may see what and which fields changed, never a value."""
    orders.require(connection, [person_id])
    before = {detail.field: detail for detail in contact_of(connection, [person_id]).get(person_id, ())}
    given = {detail.field: detail for detail in details}
    if before != given:
        _replace(connection, person_id, list(given.values()))
        changed = sorted(f for f in ContactField if before.get(f) != given.get(f))
        shown = {f: given[f].audience for f in sorted(given)}
        _tell(connection, Happened("contact-set", person_id, at, actor, {"changed": changed, "shown": shown}))
    other = (account.c.person_id == person_id) & (account.c.unlisted != unlisted)
    if connection.execute(update(account).where(other).values(unlisted=unlisted)).rowcount:
        _tell(connection, Happened("listing-choice", person_id, at, actor, {"unlisted": unlisted}))


def set_display_name(
    connection: Connection, person_id: str, name: str | None, actor: str, at: datetime
) -> None:
    orders.require(connection, [person_id])
    other = (account.c.person_id == person_id) & account.c.display_name.is_distinct_from(name)
    if connection.execute(update(account).where(other).values(display_name=name)).rowcount:
        _tell(connection, Happened("display-name-set", person_id, at, actor, {"display_name": name}))


def give_alias(
    connection: Connection,
    person_id: str,
    wanted: str,
    domain: str,
    actor: str,
    at: datetime,
    allowed: int | None,
) -> bool:
    """Once more for the same person: nothing happens. They are counted under the write lock."""
    orders.require(connection, [person_id])
    value = wanted.lower()
    given = connection.execute(select(identifier).where(identifier.c.value == value)).one_or_none()
    seen = connection.scalar(select(foreign_name.c.value).where(foreign_name.c.value == value))
    if seen is not None or (given and (given.person_id != person_id or given.kind != "alias")):
        raise RejectedError(f"the address {wanted}@{domain} was given to another, or is an account name")
    if connection.scalar(select(alias.c.value).where(alias.c.value == value)) is not None:
        return True
    if allowed is not None and len(aliases_of(connection, [person_id]).get(person_id, ())) >= allowed:
        return False
    if given is None:
        row = {"value": value, "kind": "alias", "person_id": person_id, "given_at": at}
        connection.execute(insert(identifier), [row])
    write_aliases(connection, [(person_id, wanted)], at)
    _tell(connection, Happened("alias-given", person_id, at, actor, {"alias": f"{wanted}@{domain}"}))
    return True


def write_aliases(connection: Connection, given: Iterable[tuple[str, str]], at: datetime) -> None:
    """(person, alias as it is written); they are identifiers already."""
    rows = [
        {"value": written.lower(), "person_id": person_id, "written": written, "given_at": at}
        for person_id, written in given
    ]
    if rows:
        connection.execute(insert(alias), rows)


def taken(connection: Connection, names: Collection[str]) -> frozenset[str]:
    found: set[str] = set()
    for chunk in chunks({name.lower() for name in names}):
        for column in (identifier.c.value, foreign_name.c.value):
            found.update(connection.scalars(select(column).where(column.in_(chunk))))
    return frozenset(found)


def contact_of(connection: Connection, person_ids: Sequence[str]) -> dict[str, list[ContactDetail]]:
    """In the order of the fields."""
    order = list(ContactField)
    found: dict[str, list[ContactDetail]] = {}
    for row in connection.execute(select(contact_detail).where(contact_detail.c.person_id.in_(person_ids))):
        one = ContactDetail(ContactField(row.field), row.value, Audience(row.audience))
        found.setdefault(row.person_id, []).append(one)
    return {person: sorted(some, key=lambda d: order.index(d.field)) for person, some in found.items()}


def aliases_of(connection: Connection, person_ids: Sequence[str]) -> dict[str, list[str]]:
    """The oldest first."""
    wanted = select(alias).where(alias.c.person_id.in_(person_ids)).order_by(alias.c.given_at, alias.c.value)
    found: dict[str, list[str]] = {}
    for row in connection.execute(wanted):
        found.setdefault(row.person_id, []).append(row.written)
    return found


def _replace(connection: Connection, person_id: str, details: Sequence[ContactDetail]) -> None:
    connection.execute(delete(contact_detail).where(contact_detail.c.person_id == person_id))
    rows = [
        {"person_id": person_id, "field": d.field.value, "value": d.value, "audience": d.audience.value}
        for d in details
    ]
    if rows:
        connection.execute(insert(contact_detail), rows)


def _tell(connection: Connection, happened: Happened) -> None:
    assert happened.person_id is not None
    orders.call(connection, [happened.person_id], happened.at)
    history.append(connection, [happened])
