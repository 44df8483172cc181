"""By what a person proves who they are: the keyed digests of their records, whether they have an account or a cycle
only knows of them. One statement, the same whether there is anybody or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    String,
    Table,
    bindparam,
    delete,
    insert,
    literal,
    null,
    select,
    union_all,
)

from provisiond.adapters.ledger.connection import chunks
from provisiond.adapters.ledger.portal_tables import unserved
from provisiond.adapters.ledger.tables import account, aside, record
from provisiond.domain.plan import Unserved
from provisiond.ports.portal import Problem, Proofs

_STUDENT = bindparam("student", type_=String())


def _digests(table: Table) -> tuple[ColumnElement[str], ...]:
    return tuple(table.c.content[name].as_string().label(name) for name in ("hkid_digest", "birth_digest"))


# Made once: SQLAlchemy needs longer to make it than a database to carry it out.
_NOBODY = null().label("person_id")
PROOFS: CompoundSelect[Any] = union_all(
    select(literal("account").label("place"), account.c.person_id.label("person_id"), *_digests(record))
    .select_from(account.outerjoin(record, record.c.person_id == account.c.person_id))
    .where(account.c.student_id == _STUDENT),
    select(unserved.c.problem, _NOBODY, unserved.c.hkid_digests, unserved.c.birth_digests).where(
        unserved.c.student_id == _STUDENT
    ),
    select(literal(Problem.WAITING.value), _NOBODY, *_digests(aside)).where(aside.c.student_id == _STUDENT),
)


def proven_by(rows: Sequence[Any], student_id: str) -> Proofs | None:
    """What the rows of PROOFS say. An account that has records is proven by these alone: what else is said under its
    student ID may be of another human. One that was made and not finished (it has none yet) by what was kept."""
    if not rows:
        return None
    account_rows = [row for row in rows if row.place == "account"]
    person_id = account_rows[0].person_id if account_rows else None
    settled = [row for row in account_rows if row[2] or row[3]]
    rest = [] if settled else [row for row in rows if row.place != "account"]
    problem = Problem(rest[0].place) if rest else None
    return Proofs(student_id, person_id, _words(settled or rest, 2), _words(settled or rest, 3), problem)


def keep(connection: Connection, given: Iterable[Unserved], problem: Problem) -> None:
    """In place of what was kept of these students."""
    rows = {
        one.student_id: {
            "student_id": one.student_id,
            "person_id": one.person_id,
            "problem": problem.value,
            "hkid_digests": " ".join(sorted(one.proof.hkid)),
            "birth_digests": " ".join(sorted(one.proof.birth)),
        }
        for one in given
    }
    for students in chunks(rows):
        connection.execute(delete(unserved).where(unserved.c.student_id.in_(students)))
        connection.execute(insert(unserved), [rows[student_id] for student_id in students])


def forget(connection: Connection, person_ids: Sequence[str]) -> None:
    connection.execute(delete(unserved).where(unserved.c.person_id.in_(person_ids)))


def held(connection: Connection) -> dict[str, str]:
    """Student ID → person ID."""
    wanted = select(unserved.c.student_id, unserved.c.person_id)
    rows = connection.execute(wanted.where(unserved.c.problem == Problem.HELD.value))
    return {row.student_id: row.person_id for row in rows}


def _words(rows: Sequence[Any], place: int) -> frozenset[str]:
    return frozenset(word for row in rows for word in (row[place] or "").split())
