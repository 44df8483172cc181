"""Orders of operators and portal, kept as facts. Each calls the person before the next cycle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, bindparam, insert, select, update

from provisiond.adapters.ledger import history
from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.tables import account, extension, hold
from provisiond.adapters.ledger.tables import occurrence as occurrences
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import Extension, Hold, HoldKind, NoticeKind, Occurrence

# Made once: SQLAlchemy needs longer to make a statement than SQLite to carry it out, and each mail needs this one.
_CALL = (
    update(account)
    .where(account.c.person_id == bindparam("person"))
    .values(next_on=bindparam("yesterday"), ordered_at=bindparam("at"))
)


def call(connection: Connection, person_ids: Iterable[str], at: datetime) -> None:
    """Make these persons due. The day before `at`: it has begun in every time zone of the world."""
    yesterday = at.date() - timedelta(days=1)
    called = [{"person": one, "yesterday": yesterday, "at": at} for one in dict.fromkeys(person_ids)]
    if called:
        connection.execute(_CALL, called if len(called) > 1 else called[0])


def unanswered(connection: Connection, today: date) -> dict[str, datetime]:
    """By `next_on` first: that has an index, and few are due."""
    called = account.c.next_on <= today, account.c.ordered_at.is_not(None)
    return {
        row.student_id: row.ordered_at
        for row in connection.execute(select(account.c.student_id, account.c.ordered_at).where(*called))
    }


def answer(connection: Connection, given: Mapping[str, datetime]) -> None:
    """By the very instant, not by before and after: clocks are set back."""
    mine = account.c.student_id == bindparam("student"), account.c.ordered_at == bindparam("at")
    connection.execute(
        update(account).where(*mine).values(ordered_at=None),
        [{"student": student_id, "at": at} for student_id, at in given.items()],
    )


def require(connection: Connection, person_ids: Iterable[str]) -> None:
    """Raise RejectedError for persons without an account."""
    for chunk in chunks(person_ids):
        wanted = select(account.c.person_id).where(account.c.person_id.in_(chunk))
        if missing := set(chunk).difference(connection.scalars(wanted)):
            raise nobody(min(missing))


def nobody(person_id: str) -> RejectedError:
    return RejectedError(f"no account in the ledger for person {person_id}")


def activate(connection: Connection, person_id: str, actor: str, at: datetime, unlisted: bool | None) -> None:
    """The first activation counts; a second one may only change whether the person is listed."""
    require(connection, [person_id])
    mine = account.c.person_id == person_id
    first = update(account).where(mine & account.c.activated_at.is_(None)).values(activated_at=at)
    if connection.execute(first).rowcount:
        _tell(connection, Happened("activated", person_id, at, actor, {}))
    if unlisted is None:
        return
    other = update(account).where(mine & (account.c.unlisted != unlisted)).values(unlisted=unlisted)
    if connection.execute(other).rowcount:
        _tell(connection, Happened("listing-choice", person_id, at, actor, {"unlisted": unlisted}))


def set_hold(connection: Connection, person_id: str, given: Hold) -> None:
    require(connection, [person_id])
    replaced = _end_holds(connection, person_id, given.kind, given.set_at)
    row = {
        "person_id": person_id,
        "kind": given.kind.value,
        "set_at": given.set_at,
        "until_on": given.until_on,
        "reason": given.reason,
        "actor": given.actor,
    }
    connection.execute(insert(hold), [row])
    until = given.until_on.isoformat() if given.until_on else None
    detail = {"kind": given.kind.value, "until_on": until, "replaces": bool(replaced)}
    _tell(connection, Happened("hold-set", person_id, given.set_at, given.actor, detail, given.reason))


def release(
    connection: Connection, person_id: str, kind: HoldKind | None, actor: str, reason: str, at: datetime
) -> int:
    kinds = _end_holds(connection, person_id, kind, at)
    for ended in kinds:
        _tell(connection, Happened("hold-released", person_id, at, actor, {"kind": ended}, reason))
    return len(kinds)


def extend(connection: Connection, person_id: str, given: Extension) -> None:
    require(connection, [person_id])
    row = {
        "person_id": person_id,
        "until_on": given.until_on,
        "granted_at": given.granted_at,
        "reason": given.reason,
        "actor": given.actor,
    }
    connection.execute(insert(extension), [row])
    detail = {"until_on": given.until_on.isoformat()}
    _tell(connection, Happened("extended", person_id, given.granted_at, given.actor, detail, given.reason))


def tell(connection: Connection, person_id: str, given: Occurrence) -> None:
    require(connection, [person_id])
    row = {
        "person_id": person_id,
        "kind": given.kind.value,
        "at": given.at,
        "reason": given.reason,
        "actor": given.actor,
    }
    connection.execute(insert(occurrences), [row])
    _tell(connection, Happened(given.kind.value, person_id, given.at, given.actor, {}, given.reason))


def holds_of(connection: Connection, person_ids: Sequence[str]) -> dict[str, list[Hold]]:
    """Those not yet released, oldest first."""
    wanted = (
        select(hold).where(hold.c.person_id.in_(person_ids), hold.c.released_at.is_(None)).order_by(hold.c.id)
    )
    found: dict[str, list[Hold]] = {}
    for row in connection.execute(wanted):
        one = Hold(HoldKind(row.kind), row.set_at, row.until_on, row.reason, row.actor)
        found.setdefault(row.person_id, []).append(one)
    return found


def extensions_of(connection: Connection, person_ids: Sequence[str]) -> dict[str, list[Extension]]:
    wanted = select(extension).where(extension.c.person_id.in_(person_ids)).order_by(extension.c.id)
    found: dict[str, list[Extension]] = {}
    for row in connection.execute(wanted):
        one = Extension(row.until_on, row.granted_at, row.reason, row.actor)
        found.setdefault(row.person_id, []).append(one)
    return found


def occurrences_of(connection: Connection, person_ids: Sequence[str]) -> dict[str, list[Occurrence]]:
    wanted = select(occurrences).where(occurrences.c.person_id.in_(person_ids)).order_by(occurrences.c.id)
    found: dict[str, list[Occurrence]] = {}
    for row in connection.execute(wanted):
        one = Occurrence(NoticeKind(row.kind), row.at, row.reason, row.actor)
        found.setdefault(row.person_id, []).append(one)
    return found


def _end_holds(connection: Connection, person_id: str, kind: HoldKind | None, at: datetime) -> list[str]:
    """Kinds of the holds that were in force."""
    ended = (hold.c.person_id == person_id) & hold.c.released_at.is_(None)
    if kind is not None:
        ended &= hold.c.kind == kind.value
    kinds = list(connection.scalars(select(hold.c.kind).where(ended).order_by(hold.c.id)))
    connection.execute(update(hold).where(ended).values(released_at=at))
    return kinds


def _tell(connection: Connection, happened: Happened) -> None:
    assert happened.person_id is not None
    call(connection, [happened.person_id], happened.at)
    history.append(connection, [happened])
