"""Accounts that the directory shows and we did not make: taken over whole, with what they have given out. And
whether this ledger was made again from them, wholly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from provisiond.adapters.ledger import history, listings, outbox
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.identifiers import Given
from provisiond.adapters.ledger.tables import account, foreign_name, hold, identifier, rebuild
from provisiond.domain.changes import AdoptEntry
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import HoldKind
from provisiond.domain.plan import Parked, Step
from provisiond.domain.takeover import Takeover


def take_over(
    connection: Connection, wanted: Sequence[Takeover], event: str, actor: str, at: datetime
) -> list[Parked]:
    """Whoever is known already with the same identifiers is left as they are."""
    given = Given.of(connection, [(one, one.identity) for one in wanted])
    refused: list[Parked] = []
    fresh: list[Takeover] = []
    for one in wanted:
        if reason := given.objection(one, one.identity):
            refused.append(Parked(one.person_id, one.student_id, reason))
        elif one.person_id not in given.accounts:
            given.take(one, one.identity)
            fresh.append(one)
    if fresh:
        _write(connection, fresh, at)
        history.append(connection, [_happened(one, event, actor, at) for one in fresh])
        outbox.add_told(connection, [notice for one in fresh for notice in one.told], f"told: {event}", at)
    return refused


def keep_names(connection: Connection, names: Iterable[tuple[str, str | None]], at: datetime) -> None:
    """Those of an account's person become further names of theirs, the others nobody's; given ones stay as they
    are."""
    for chunk in chunks((name.lower(), person_id) for name, person_id in names):
        values = [name for name, _ in chunk]
        known = set(connection.scalars(select(identifier.c.value).where(identifier.c.value.in_(values))))
        known |= set(connection.scalars(select(foreign_name.c.value).where(foreign_name.c.value.in_(values))))
        people = {person_id for _, person_id in chunk if person_id}
        owners = set(connection.scalars(select(account.c.person_id).where(account.c.person_id.in_(people))))
        own = {name: person for name, person in chunk if person in owners and name not in known}
        others = {name for name, person in chunk if person not in owners} - known - own.keys()
        if own:
            rows = [{"value": n, "kind": "alias", "person_id": p, "given_at": at} for n, p in own.items()]
            connection.execute(insert(identifier), rows)
        if others:
            connection.execute(insert(foreign_name), [{"value": n, "seen_at": at} for n in sorted(others)])


def end_adoption(connection: Connection, steps: Sequence[Step], at: datetime) -> None:
    """Entries that are adopted now may be touched by cycles from now on."""
    adopted = [s.person_id for s in steps if any(isinstance(change, AdoptEntry) for change in s.changes)]
    for chunk in chunks(adopted):
        frozen = hold.c.person_id.in_(chunk) & (hold.c.kind == HoldKind.FREEZE.value)
        connection.execute(update(hold).where(frozen & hold.c.released_at.is_(None)).values(released_at=at))


def begin(connection: Connection, actor: str, at: datetime) -> None:
    """Into an empty ledger; a rebuild that was interrupted goes on."""
    if unfinished(connection):
        return
    if connection.scalar(select(account.c.person_id).limit(1)) is not None:
        raise RejectedError(
            "the ledger knows accounts already: only an empty one is made again (`provisiond ledger init` makes one)"
        )
    connection.execute(insert(rebuild), [{"id": 1, "begun_at": at, "ended_at": None}])
    history.append(connection, [Happened("rebuild-begun", None, at, actor, {})])


def end(connection: Connection, actor: str, at: datetime) -> None:
    connection.execute(update(rebuild).values(ended_at=at))
    history.append(connection, [Happened("rebuild-ended", None, at, actor, {})])


def unfinished(connection: Connection) -> bool:
    wanted = select(rebuild.c.id).where(rebuild.c.ended_at.is_(None))
    return connection.scalar(wanted) is not None


def _write(connection: Connection, fresh: Sequence[Takeover], at: datetime) -> None:
    connection.execute(insert(account), [_account(one, at) for one in fresh])
    names = [
        {
            "value": one.identity.account_name.lower(),
            "kind": "account-name",
            "person_id": one.person_id,
            "given_at": at,
        }
        for one in fresh
    ]
    connection.execute(insert(identifier), names)
    _keep_aliases(connection, fresh, at)
    holds = [
        {
            "person_id": one.person_id,
            "kind": each.kind.value,
            "set_at": each.set_at,
            "until_on": each.until_on,
            "reason": each.reason,
            "actor": each.actor,
        }
        for one in fresh
        for each in one.holds
    ]
    if holds:
        connection.execute(insert(hold), holds)


def _keep_aliases(connection: Connection, fresh: Sequence[Takeover], at: datetime) -> None:
    """But for those that somebody else has, who was first."""
    wanted = {written.lower(): (one.person_id, written) for one in fresh for written in one.aliases}
    for name in listings.taken(connection, wanted):
        del wanted[name]
    rows = [
        {"value": name, "kind": "alias", "person_id": person, "given_at": at}
        for name, (person, _) in wanted.items()
    ]
    if rows:
        connection.execute(insert(identifier), rows)
    listings.write_aliases(connection, wanted.values(), at)


def _account(one: Takeover, at: datetime) -> dict[str, object]:
    return {
        "person_id": one.person_id,
        "student_id": one.student_id,
        "account_name": one.identity.account_name,
        "uid_number": one.identity.uid_number,
        "state": one.state.value,
        "applied": one.applied,
        "created_at": at,
        "activated_at": one.activated_at,
        "unlisted": one.unlisted,
    }


def _happened(one: Takeover, event: str, actor: str, at: datetime) -> Happened:
    detail = {
        "account_name": one.identity.account_name,
        "uid_number": one.identity.uid_number,
        "state": one.state.value,
        "holds": [each.kind.value for each in one.holds],
    }
    return Happened(event, one.person_id, at, actor, detail)
