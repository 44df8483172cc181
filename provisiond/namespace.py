"""Which names new persons cannot have: everything ever given, everything that stands in the directory, and what
this cycle has given already. A few new persons are looked up one prefix each; many by one survey of the tree."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from provisiond.domain import names
from provisiond.domain.model import RegistryRecord
from provisiond.domain.policy import NamePolicy
from provisiond.ports import Directory, Ledger

SURVEY_ABOVE = 1000  # new persons in one cycle from which on reading the whole tree once is cheaper
_AFTER_ALL_LETTERS = chr(0x10FFFF)
_ROWS = 1000

New = Mapping[str, Sequence[RegistryRecord]]
"""Student ID → records of persons without an account."""


class Namespace:
    """Of one cycle."""

    def __init__(self, directory: Directory, ledger: Ledger, policy: NamePolicy) -> None:
        self._directory, self._ledger, self._policy = directory, ledger, policy
        self._given: set[str] = set()
        self._new = 0
        self._surveyed: _Survey | None = None

    def look(self, new: New, nameless: Collection[str]) -> tuple[frozenset[str], list[str]]:
        """Names that begin like one of these persons', without those students who need none, and the IDs of those
        whom the directory may show."""
        self._new += len(new) - len(nameless)
        if self._surveyed is None and self._new > SURVEY_ABOVE:
            self._surveyed = self._survey()
        people = [records[0].proposed_id for records in new.values()]
        prefixes = {
            prefix
            for student_id, records in new.items()
            if student_id not in nameless
            for record in records
            for prefix in names.prefixes(record.surname, record.given_names, self._policy)
        }
        if self._surveyed is not None:
            return self._surveyed.names(prefixes), self._surveyed.shown(people)
        ever = self._ledger.names_with_prefixes(prefixes)
        standing = self._directory.names_with_prefixes(prefixes)
        given = (name for name in self._given if name.startswith(tuple(prefixes)))
        return frozenset(given).union(*ever.values(), *standing.values()), people

    def give(self, given: Iterable[str]) -> None:
        """Names that a decision gave out: taken for everybody who comes later in this cycle."""
        if self._surveyed is not None:
            self._surveyed.add_names(given)
        else:
            self._given.update(given)

    def close(self) -> None:
        if self._surveyed is not None:
            self._surveyed.close()

    def _survey(self) -> _Survey:
        found = _Survey()
        found.add_names(self._ledger.identifiers())
        found.add_names(self._given)
        for entry in self._directory.survey():
            found.add(entry.names, entry.person_id)
        return found


class _Survey:
    """Names and marks in a temporary database of our own: prefix searches without holding all in memory."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # "" is a file that SQLite deletes
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE name (value TEXT PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("CREATE TABLE mark (person_id TEXT PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def add(self, given: Iterable[str], person_id: str | None) -> None:
        self.add_names(given)
        if person_id:
            self._db.execute("INSERT OR IGNORE INTO mark VALUES (?)", (person_id,))

    def add_names(self, given: Iterable[str]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO name VALUES (?)", ((name,) for name in given))

    def names(self, prefixes: Iterable[str]) -> frozenset[str]:
        wanted = "SELECT value FROM name WHERE value >= ? AND value < ?"
        return frozenset(
            row[0]
            for prefix in prefixes
            for row in self._db.execute(wanted, (prefix, prefix + _AFTER_ALL_LETTERS))
        )

    def shown(self, people: Sequence[str]) -> list[str]:
        found: list[str] = []
        rest = iter(people)
        while some := list(islice(rest, _ROWS // 2)):
            marks = ",".join("?" * len(some))
            wanted = f"SELECT person_id FROM mark WHERE person_id IN ({marks})"  # noqa: S608 - only marks
            found += [row[0] for row in self._db.execute(wanted, some)]
        return found

    def close(self) -> None:
        self._db.close()
