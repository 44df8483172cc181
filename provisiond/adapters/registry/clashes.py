"""Which staged rows contradict others: each other, or rows taken over before that are still named.

Only staged rows are ever rejected: what was taken over once stays until the registry says otherwise. Goes
through the students in batches; what a contradiction is, is contradiction.py's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from provisiond.adapters.registry.contradiction import OWNERS, Verdict, judge
from provisiond.adapters.registry.recollection import Recollection
from provisiond.adapters.registry.staging import Key, Staging, key_of, places
from provisiond.domain.model import RegistryRecord
from provisiond.ports import FetchMemory

_AT_ONCE = 400
_SUSPICIOUS = """SELECT student_key FROM staged GROUP BY student_key HAVING count(*) > 1
    UNION SELECT student_key FROM staged JOIN spoiled USING (student_key, programme_key) ORDER BY 1"""
_ALL = "SELECT DISTINCT student_key FROM staged ORDER BY 1"
_SHARED = "SELECT hkid FROM staged WHERE hkid IS NOT NULL GROUP BY 1 HAVING count(DISTINCT student_key) > 1"
_HKIDS = "SELECT DISTINCT hkid FROM staged WHERE hkid IS NOT NULL ORDER BY 1"


class Clashes:
    """Of one fetch. `replaces`: a staged row takes the place of the one taken over before under the same key
    (an incremental fetch); it is no twin of it."""

    def __init__(
        self, staging: Staging, recollection: Recollection, memory: FetchMemory, *, replaces: bool
    ) -> None:
        self._staging, self._recollection, self._memory = staging, recollection, memory
        self._replaces = replaces
        self._disputes: dict[str, set[Key]] = {}  # student → rows of theirs that may still be named
        self._claims: dict[str, set[Key]] = {}  # HKID → rows of other students that showed it
        self._certain: set[Key] = set()
        self._verdict = Verdict()

    def verdict(self) -> Verdict:
        """What hangs on rows that may stand in blocks not looked at is decided last, in one reading of those."""
        if self._recollection.is_empty:
            for students in batches(self._staging.rows(_SUSPICIOUS)):
                self._judge(students, frozenset())
        else:
            self._judge_with_memory()
        self._judge_owners()
        return self._verdict

    def _judge_with_memory(self) -> None:
        for students in batches(self._staging.rows(_ALL)):
            self._judge(students, None)
        for hkids in batches(self._staging.rows(_HKIDS)):
            self._claim(hkids)
        doubtful = frozenset[Key]().union(*self._disputes.values(), *self._claims.values())
        self._certain |= self._recollection.confirmed(doubtful - self._certain)
        for students in batches((student,) for student in sorted(self._disputes)):
            self._judge(students, self._certain)

    def _judge(self, students: Sequence[str], confirmed: Collection[Key] | None) -> None:
        """`confirmed` None: rows that may still be named count, and a verdict against them is put off."""
        staged = self._staged(students)
        spoiled = self._spoiled(students)
        before = self._before(staged) if not self._recollection.is_empty else {}
        for student, records in staged.items():
            doubtful = before.get(student, {})
            standing = [
                r for r, sure in doubtful.values() if sure or confirmed is None or _key(r) in confirmed
            ]
            verdict = Verdict()
            judge(verdict, records, standing, spoiled)
            unsure = {key for key, (_, sure) in doubtful.items() if not sure}
            if verdict and unsure and confirmed is None:
                self._disputes[student] = unsure
            else:
                self._verdict.add(verdict)

    def _staged(self, students: Sequence[str]) -> dict[str, list[RegistryRecord]]:
        found: dict[str, list[RegistryRecord]] = defaultdict(list)
        where = f"WHERE student_key IN ({places(students)}) ORDER BY line"
        for record in self._staging.records(where, students):
            found[record.student_id.casefold()].append(record)
        return found

    def _spoiled(self, students: Sequence[str]) -> dict[Key, list[int]]:
        found: dict[Key, list[int]] = defaultdict(list)
        query = "SELECT student_key, programme_key, line FROM spoiled WHERE student_key IN"
        for student, programme, line in self._staging.rows(f"{query} ({places(students)})", students):
            found[student, programme].append(line)
        return found

    def _before(
        self, staged: dict[str, list[RegistryRecord]]
    ) -> dict[str, dict[Key, tuple[RegistryRecord, bool]]]:
        """Rows of these students taken over before that are (True) or may be still named."""
        ids = {record.student_id for records in staged.values() for record in records}
        spellings = {form for name in ids for form in (name, name.lower(), name.upper())}
        replaced = {_key(r) for records in staged.values() for r in records} if self._replaces else ()
        found: dict[str, dict[Key, tuple[RegistryRecord, bool]]] = defaultdict(dict)
        for record, sure in self._taken_over(spellings):
            if _key(record) not in replaced:
                found[record.student_id.casefold()][_key(record)] = record, sure
        return found

    def _taken_over(self, student_ids: Collection[str]) -> Iterator[tuple[RegistryRecord, bool]]:
        stands = self._recollection.stands(sorted({name.casefold() for name in student_ids}))
        for records in self._memory.records(student_ids).values():
            for record in records:
                if stands.get(_key(record), True):
                    yield record, _key(record) in stands

    # -- one HKID, two students ------------------------------------------------------------------------
    def _claim(self, hkids: Sequence[str]) -> None:
        showing: dict[str, set[str]] = defaultdict(set)
        query = f"SELECT hkid, student_key FROM staged WHERE hkid IN ({places(hkids)})"  # noqa: S608
        for hkid, student in self._staging.rows(query, hkids):
            showing[hkid].add(student)
        owners = self._memory.students_with_hkids(hkids)
        foreign = {s for hkid, ids in owners.items() for s in ids if s.casefold() not in showing[hkid]}
        for record, sure in self._taken_over(foreign) if foreign else ():
            hkid, key = record.hkid_digest, _key(record)
            if (
                hkid in showing
                and key[0] not in showing[hkid]
                and not (self._replaces and self._is_staged(key))
            ):
                self._claims.setdefault(hkid, set()).add(key)
                self._certain.update([key] if sure else [])

    def _is_staged(self, key: Key) -> bool:
        query = "SELECT 1 FROM staged WHERE student_key = ? AND programme_key = ?"
        return next(self._staging.rows(query, key), None) is not None

    def _judge_owners(self) -> None:
        """All staged rows of the students who share a number, also rows that do not show it."""
        claims = {hkid: keys & self._certain for hkid, keys in self._claims.items()}
        shared = {hkid for (hkid,) in self._staging.rows(_SHARED)}
        for hkid in sorted(shared | {hkid for hkid, keys in claims.items() if keys}):
            others = {student for student, _ in claims.get(hkid, ())}
            query = "SELECT DISTINCT student_key FROM staged WHERE hkid = ?"
            owners = sorted(others.union(student for (student,) in self._staging.rows(query, (hkid,))))
            lines = [r.line for records in self._staged(owners).values() for r in records]
            self._verdict.note(OWNERS, lines, (), standing=bool(others))


def _key(record: RegistryRecord) -> Key:
    return key_of(record.student_id, record.programme)


def batches(rows: Iterable[Any]) -> Iterator[list[str]]:
    """The first column of the rows, some at a time."""
    rest = (row[0] for row in rows)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
