"""All entries with our mark against all that the ledger knows, in one pass over each: whose differ, which nobody
knows, which are one too many. What should be in an entry is not asked here: who is suspected goes the cycle's way.

Both sides lie in a temporary database of our own, so that memory does not grow with the university."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from provisiond.ports import Directory, Kind, Ledger, Marked, Sighting

_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE found (entry_id BLOB PRIMARY KEY, person_id, kind, state, ours, dn) WITHOUT ROWID;
CREATE TABLE known (entry_id BLOB PRIMARY KEY, person_id, kind, state, checked) WITHOUT ROWID;
CREATE TABLE person (person_id PRIMARY KEY, student_id) WITHOUT ROWID;
CREATE TABLE suspect (person_id PRIMARY KEY, student_id, is_right DEFAULT TRUE) WITHOUT ROWID;
CREATE TABLE doubled (person_id PRIMARY KEY, dns) WITHOUT ROWID;
CREATE INDEX suspect_student ON suspect (student_id);
BEGIN;
"""
# Whose entries are new to us, another's, not as when they were right or never checked; are not there any more; lack
# the account. But of whom there are two, nobody can say which is right (ports.Directory.observe).
_SUSPECT = """
INSERT INTO suspect (person_id, student_id) SELECT person_id, student_id FROM person WHERE person_id IN (
    SELECT f.person_id FROM found f LEFT JOIN known k USING (entry_id)
    WHERE f.kind <> 'other' AND (
        NOT f.ours AND (k.state IS NULL OR k.state <> f.state OR k.person_id <> f.person_id OR k.kind <> f.kind)
        OR ? AND NOT coalesce(k.checked, FALSE)
    )
  UNION
    SELECT k.person_id FROM known k LEFT JOIN found f USING (entry_id)
    WHERE f.entry_id IS NULL OR f.person_id <> k.person_id OR f.kind <> k.kind
  UNION
    SELECT * FROM (SELECT person_id FROM person EXCEPT SELECT person_id FROM found WHERE kind = 'account')
) AND person_id NOT IN (SELECT person_id FROM doubled)
"""
_DOUBLED = """
INSERT OR REPLACE INTO doubled SELECT person_id, group_concat(dn, ' and ') FROM found WHERE kind <> 'other'
GROUP BY person_id, kind HAVING count(*) > 1
"""
_STRANGE = """
SELECT f.dn, f.person_id, f.kind FROM found f LEFT JOIN person p USING (person_id)
WHERE p.person_id IS NULL OR f.kind = 'other' ORDER BY f.dn
"""
# what is news to the ledger: entries that are right because they were looked at, or ours; and those that are not
_NEWS = """
SELECT entry_id, person_id, kind, state, checked FROM (
    SELECT f.entry_id, f.person_id, f.kind,
        CASE WHEN s.is_right OR s.person_id IS NULL THEN f.state END AS state,
        s.is_right IS TRUE OR s.person_id IS NULL AND k.checked AND k.state IS f.state AS checked
    FROM found f JOIN person p USING (person_id) LEFT JOIN known k USING (entry_id)
    LEFT JOIN suspect s ON s.person_id = f.person_id
    WHERE f.person_id NOT IN (SELECT person_id FROM doubled)
) n EXCEPT SELECT entry_id, person_id, kind, state, checked FROM known
"""
# but what was not made again is still missed by the next comparison
_GONE = """
SELECT k.entry_id FROM known k LEFT JOIN found f USING (entry_id) LEFT JOIN suspect s ON s.person_id = k.person_id
WHERE f.entry_id IS NULL AND coalesce(s.is_right, TRUE)
"""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A marked entry that should not be: of nobody we know, one of two, or out of place."""

    dn: str
    person_id: str
    why: str


class Comparison:
    """`trusting`: entries that we were the last to change are right; `checking`: only those that were looked at whole
    since are."""

    def __init__(
        self, directory: Directory, ledger: Ledger, *, trusting: bool = False, checking: bool = False
    ) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # "" is a file that SQLite deletes
        self._db.executescript(_TABLES)
        marked = directory.marked(authors=trusting)
        self._db.executemany("INSERT OR REPLACE INTO found VALUES (?, ?, ?, ?, ?, ?)", map(_found, marked))
        self._db.executemany("INSERT INTO known VALUES (?, ?, ?, ?, ?)", map(_known, ledger.sightings()))
        self._db.executemany("INSERT INTO person VALUES (?, ?)", ledger.students())
        self._db.execute(_DOUBLED)
        self._db.execute(_SUSPECT, (checking,))

    def close(self) -> None:
        self._db.close()

    @property
    def entries(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM found").fetchone()[0])

    def suspects(self) -> tuple[str, ...]:
        """Student IDs, ascending, of those whose entries must be looked at."""
        wanted = "SELECT student_id FROM suspect ORDER BY student_id"
        return tuple(row[0] for row in self._db.execute(wanted))

    def strangers(self) -> list[Stranger]:
        double = self._db.execute("SELECT person_id, dns FROM doubled").fetchall()
        return [Stranger(dns, person, "carry the same person ID: remove one") for person, dns in double] + [
            Stranger(dn, person_id, _why(kind)) for dn, person_id, kind in self._db.execute(_STRANGE)
        ]

    def clear(self, unfinished: Collection[str]) -> None:
        """All suspects were looked at; of all but these students everything was as it should be."""
        left = "UPDATE suspect SET is_right = FALSE WHERE student_id = ?"
        self._db.executemany(left, ((who,) for who in unfinished))

    def news(self) -> Iterator[Sighting]:
        """For the ledger to remember."""
        for entry_id, person_id, kind, state, checked in self._db.execute(_NEWS):
            yield Sighting(entry_id, person_id, Kind(kind), state, bool(checked))

    def gone(self) -> Iterator[bytes]:
        return (row[0] for row in self._db.execute(_GONE))


def _found(marked: Marked) -> tuple[object, ...]:
    seen = marked.sighting
    return (seen.entry_id, seen.person_id, seen.kind.value, seen.state, marked.ours, marked.dn)


def _known(seen: Sighting) -> tuple[object, ...]:
    return (seen.entry_id, seen.person_id, seen.kind.value, seen.state, seen.checked)


def _why(kind: str) -> str:
    if kind == Kind.OTHER.value:
        return "carries a person ID outside the bases of accounts and listings"
    return "carries a person ID that the ledger does not know"
