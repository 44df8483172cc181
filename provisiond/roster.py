"""The entries that are there and the students of the registries, side by side: who matches whom, and what speaks
against it. Both lie in a temporary database of our own, so that memory does not grow with the university."""

from __future__ import annotations

import pickle
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import Any

from provisiond.domain.matching import AdoptRule, hindrances, misfits, student_ids
from provisiond.domain.model import Account, Entry, HoldKind, RegistryRecord
from provisiond.domain.policy import DirectoryPolicy
from provisiond.domain.takeover import account_name
from provisiond.fetches import Fetches
from provisiond.ports import Directory, Ledger
from provisiond.workset import everyone

ADOPTING = "its adoption is not finished: run `provisiond adopt --from` again, approve, and run it once more"
MARK = "provisiondpersonid"
_A_BATCH = 500
_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE entry (dn PRIMARY KEY, spelt, name, mark, hindrance, packed) WITHOUT ROWID;
CREATE TABLE tie (dn, student_id, PRIMARY KEY (dn, student_id)) WITHOUT ROWID;
CREATE INDEX tie_student ON tie (student_id);
CREATE TABLE uid (value, dn, PRIMARY KEY (value, dn)) WITHOUT ROWID;
CREATE TABLE address (value, dn, PRIMARY KEY (value, dn)) WITHOUT ROWID;
CREATE TABLE student (student_id PRIMARY KEY, person_id, called, doubtful, account, unfinished, packed) WITHOUT ROWID;
CREATE TABLE given (name PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE person (person_id PRIMARY KEY) WITHOUT ROWID;
BEGIN;
"""
# what cycles manage already is not looked for; an adoption that was interrupted is
_OURS = """
DELETE FROM entry WHERE mark IN (SELECT person_id FROM person)
AND mark NOT IN (SELECT person_id FROM student WHERE unfinished)
"""
_PAIRS = """
SELECT t.student_id, t.dn FROM tie t JOIN student s USING (student_id) JOIN entry e USING (dn)
WHERE s.account IS NULL OR NOT s.unfinished OR e.name = lower(s.account) ORDER BY t.student_id, t.dn
"""
_LONELY_ENTRIES = """
SELECT e.spelt, e.name, (SELECT group_concat(student_id, ', ') FROM tie WHERE tie.dn = e.dn) FROM entry e
WHERE NOT EXISTS (SELECT 1 FROM tie t JOIN student s USING (student_id) WHERE t.dn = e.dn) ORDER BY e.dn
"""
_LONELY_STUDENTS = """
SELECT student_id, called FROM student s WHERE account IS NULL
AND NOT EXISTS (SELECT 1 FROM tie t JOIN entry e USING (dn) WHERE t.student_id = s.student_id) ORDER BY student_id
"""


class What(StrEnum):
    MATCH = "match"
    CONFLICT = "conflict"
    ENTRY = "entry without a student"
    STUDENT = "student without an entry"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the comparison. `called`: the student's name as the registry has it."""

    what: What
    student_id: str = ""
    dn: str = ""
    account_name: str = ""
    called: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Someone:
    """A student and the entry that is to be theirs."""

    student_id: str
    person_id: str
    entry: Entry
    records: tuple[RegistryRecord, ...]


class Roster:
    """Read once; ask, then `close`."""

    def __init__(
        self,
        directory: Directory,
        ledger: Ledger,
        fetches: Fetches,
        rule: AdoptRule,
        where: DirectoryPolicy,
        birth_digest: Callable[[date], str],
    ) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # "" is a file that SQLite deletes
        self._db.executescript(_TABLES)
        self._ledger, self._rule, self._where, self._birth_digest = ledger, rule, where, birth_digest
        self._rejected = fetches.doubtful
        self._db.executemany("INSERT INTO given VALUES (?)", ((name,) for name in ledger.identifiers()))
        self._db.executemany("INSERT INTO person VALUES (?)", ((who,) for who, _ in ledger.students()))
        for entry in directory.candidates():
            self._add_entry(entry)
        self._add_students(fetches)
        self._db.execute(_OURS)

    def close(self) -> None:
        self._db.close()

    def findings(self) -> Iterator[Finding]:
        """Matches and conflicts by student, then what is left on either side."""
        for student_id, dn in self._db.execute(_PAIRS).fetchall():
            yield self._judged(student_id, dn)
        for dn, name, named in self._db.execute(_LONELY_ENTRIES):
            yield Finding(What.ENTRY, dn=dn, account_name=name or "", note=self._why_lonely(named))
        for student_id, called in self._db.execute(_LONELY_STUDENTS):
            yield Finding(What.STUDENT, student_id, called=called, note="no entry names this student")

    def _why_lonely(self, named: str | None) -> str:
        if named is None:
            return f"no student ID in {self._rule.attribute}"
        rejected = self._rejected.intersection(named.split(", "))
        return f"a record of {named} was rejected" if rejected else f"no registry names {named}"

    def objections(self, student_id: str, dn: str) -> list[str]:
        """Why this entry cannot become the account of this student, whoever decided so."""
        entry, student = self._entry(dn), self._student(student_id)
        if not entry or not student:
            missing = "no entry (that is not managed already) has this DN"
            return ["no registry names this student" if entry else missing]
        return [*self._of_entry(entry, student), *self._of_student(student, entry)]

    def someone(self, student_id: str, dn: str) -> Someone:
        entry, student = self._entry(dn), self._student(student_id)
        assert entry and student
        return Someone(student_id, student["person_id"], _unpacked(entry), _unpacked(student))

    # -- reading -----------------------------------------------------------------------------------------
    def _add_entry(self, entry: Entry) -> None:
        dn, mark = entry.dn.casefold(), next(iter(entry.attributes.get(MARK, ())), None)
        name = (account_name(entry) or "").lower() or None
        hindrance = "; ".join(hindrances(entry, self._where)) or None
        row = (dn, entry.dn, name, mark, hindrance, _packed(entry))
        self._db.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?)", row)
        for table, values in (
            ("tie", ((dn, student_id) for student_id in student_ids(entry.attributes, self._rule))),
            ("uid", ((value.lower(), dn) for value in entry.attributes.get("uid", ()))),
            ("address", ((value.lower(), dn) for value in entry.attributes.get("mail", ()))),
        ):
            self._db.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", values)  # noqa: S608 - ours

    def _add_students(self, fetches: Fetches) -> None:
        people = iter(everyone(fetches, ()))
        while some := list(islice(people, _A_BATCH)):
            accounts = self._ledger.load_students(one.student_id for one in some)
            for one in some:
                if studies := [record for record in one.records if not record.is_supplement]:
                    account = accounts.get(one.student_id)
                    doubtful = one.student_id in fetches.doubtful
                    self._add_student(studies[0], one.records, account, doubtful)

    def _add_student(
        self,
        first: RegistryRecord,
        records: tuple[RegistryRecord, ...],
        account: Account | None,
        doubtful: bool,
    ) -> None:
        row = (
            first.student_id,
            account.person_id if account else first.proposed_id,
            f"{first.surname} {first.given_names}".strip(),
            doubtful,
            account.account_name if account else None,
            account is not None and is_unfinished(account),
            _packed(records),
        )
        self._db.execute("INSERT INTO student VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    # -- judging -----------------------------------------------------------------------------------------
    def _judged(self, student_id: str, dn: str) -> Finding:
        entry, student = self._entry(dn), self._student(student_id)
        assert entry and student
        against = [*self._of_ties(student_id, dn), *self.objections(student_id, dn)]
        against += misfits(_unpacked(entry), _unpacked(student), self._rule, self._birth_digest)
        what, name = What.CONFLICT if against else What.MATCH, entry["name"] or ""
        return Finding(what, student_id, entry["spelt"], name, student["called"], "; ".join(against))

    def _of_ties(self, student_id: str, dn: str) -> Iterator[str]:
        shared = (
            "SELECT e.spelt FROM tie JOIN entry e USING (dn) WHERE student_id = ? AND dn <> ? ORDER BY dn"
        )
        for (other,) in self._db.execute(shared, (student_id, dn)):
            yield f"{other} names this student too"
        wanted = "SELECT student_id FROM tie JOIN student USING (student_id) WHERE dn = ? AND student_id <> ?"
        for (other,) in self._db.execute(wanted, (dn, student_id)):
            yield f"it names student {other} too"

    def _of_entry(self, entry: sqlite3.Row, student: sqlite3.Row) -> Iterator[str]:
        if entry["hindrance"]:
            yield entry["hindrance"]
        if entry["mark"] and entry["mark"] != student["person_id"]:
            yield "it carries the mark of a person whom the ledger does not know"
        name, address = entry["name"], f"{entry['name']}@{self._where.mail_domain}".lower()
        for table, value, word in (("uid", name, "name"), ("address", address, "address")):
            other = f"SELECT dn FROM {table} WHERE value = ? AND dn <> ?"  # noqa: S608 - ours
            for (dn,) in self._db.execute(other, (value, entry["dn"])):
                yield f"the {word} {value} is that of {dn} too"

    def _of_student(self, student: sqlite3.Row, entry: sqlite3.Row) -> Iterator[str]:
        if student["doubtful"]:
            yield "a record of this student was rejected"
        if student["account"] and not student["unfinished"]:
            yield f"this student has the account {student['account']} already"
        if self._db.execute("SELECT 1 FROM given WHERE name = ?", (entry["name"],)).fetchone():
            owner = self._ledger.find(entry["name"])
            if owner and owner.person_id != student["person_id"]:
                yield f"the name {entry['name']} was given to student {owner.student_id}"

    def _entry(self, dn: str) -> sqlite3.Row | None:
        return self._row("SELECT * FROM entry WHERE dn = ?", dn.casefold())

    def _student(self, student_id: str) -> sqlite3.Row | None:
        return self._row("SELECT * FROM student WHERE student_id = ?", student_id)

    def _row(self, wanted: str, key: str) -> sqlite3.Row | None:
        cursor = self._db.cursor()
        cursor.row_factory = sqlite3.Row
        row: sqlite3.Row | None = cursor.execute(wanted, (key,)).fetchone()
        return row


def is_unfinished(account: Account) -> bool:
    """Reserved by an adoption that was interrupted."""
    freezes = [hold for hold in account.holds if hold.kind is HoldKind.FREEZE]
    return not account.applied and any(hold.reason == ADOPTING for hold in freezes)


def _packed(value: Entry | Sequence[RegistryRecord]) -> bytes:
    return zlib.compress(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), 1)


def _unpacked(row: sqlite3.Row) -> Any:
    return pickle.loads(zlib.decompress(row["packed"]))  # noqa: S301 - our own nameless file
