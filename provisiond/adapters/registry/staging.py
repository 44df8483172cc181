"""Where a fetch keeps what it has to look at: a temporary SQLite database that SQLite deletes by itself.

Memory stays bounded however much changed. Which rows come here, and what becomes of them, is for others."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from provisiond.adapters.registry.blocks import RawBlock
from provisiond.domain.model import Block, Language, Level, RegistryRecord, RowKey, Status

Key = tuple[str, str]
"""Student ID and programme, case not counting."""

_SEPARATOR = "\x1f"  # no record holds a control character
_LEVELS = {level.value: level for level in Level}
_STATUSES = {status.value: status for status in Status}
_TABLES = """
CREATE TABLE spool (digest BLOB, line INTEGER, content BLOB);
CREATE TABLE staged (line INTEGER PRIMARY KEY, student TEXT, student_key TEXT, programme_key TEXT, hkid TEXT,
    content TEXT);
CREATE TABLE spoiled (line INTEGER PRIMARY KEY, student_key TEXT, programme_key TEXT);
CREATE TABLE block (digest BLOB PRIMARY KEY, marks BLOB, keys TEXT);
"""
_INDEXES = """
CREATE INDEX staged_by_student ON staged (student);
CREATE INDEX staged_by_key ON staged (student_key, programme_key);
CREATE INDEX staged_by_hkid ON staged (hkid) WHERE hkid IS NOT NULL;
CREATE INDEX spoiled_by_key ON spoiled (student_key, programme_key);
"""


def key_of(student_id: str, programme: str) -> Key:
    return student_id.casefold(), programme.casefold()


def places(values: Sequence[object]) -> str:
    """Of parameters, for IN."""
    return ",".join("?" * len(values))


def content_of(r: RegistryRecord) -> str:
    """All it says, not where it stood."""
    texts = (
        r.student_id,
        r.proposed_id,
        r.surname,
        r.given_names,
        r.preferred_name or "",
        r.chinese_name or "",
        r.hkid_digest or "",
        r.birth_digest,
        r.programme,
        r.department,
        r.level,
        r.status,
        r.status_on.isoformat(),
        r.expected_end_on.isoformat() if r.expected_end_on else "",
        r.personal_mail or "",
        r.supervisor_mail or "",
        r.language or "",
        "confidential" if r.confidential else "",
    )
    return _SEPARATOR.join(texts)


SeenRow = tuple[int, RowKey]
"""Line of a row that was looked at, and what will be remembered of it."""


class Staging:
    """One fetch's. The modules beside this one ask it in SQL, through `rows` and `change`."""

    def __init__(self, source: str, file: str) -> None:
        self._source, self._file = source, file
        # "": a file of SQLite's own in TMPDIR, without a name, so that even a kill leaves nothing behind
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -6000", "temp_store = FILE"):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.executescript(_TABLES + "BEGIN;")

    def __del__(self) -> None:
        self._connection.close()

    def rows(self, query: str, parameters: Sequence[object] = ()) -> Iterator[Any]:
        return self._connection.execute(query, parameters)

    def change(self, statement: str, rows: Iterable[Sequence[object]] = ((),)) -> None:
        self._connection.executemany(statement, rows)

    # -- raw rows to be looked at ----------------------------------------------------------------------
    def spool(self, block: RawBlock) -> None:
        content = b"\0".join(block.rows)  # no source lets a NUL byte through
        self.change("INSERT INTO spool VALUES (?, ?, ?)", [(block.digest, block.line, content)])

    def spooled(self) -> Iterator[RawBlock]:
        for digest, line, content in self.rows("SELECT digest, line, content FROM spool ORDER BY rowid"):
            yield RawBlock(digest, line, content.split(b"\0"))

    # -- records ---------------------------------------------------------------------------------------
    def stage(self, records: Iterable[RegistryRecord]) -> None:
        self.change(
            "INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?)",
            (
                (r.line, r.student_id, *key_of(r.student_id, r.programme), r.hkid_digest, content_of(r))
                for r in records
            ),
        )

    def spoil(self, line: int, student_id: str, programme: str) -> None:
        """A row rejected for itself; it may well be the right one of two."""
        self.change("INSERT INTO spoiled VALUES (?, ?, ?)", [(line, *key_of(student_id, programme))])

    def index(self) -> None:
        """Once, when everything is staged."""
        for statement in filter(str.strip, _INDEXES.split(";")):
            self.change(statement)

    def records(self, where: str, parameters: Sequence[object] = ()) -> Iterator[RegistryRecord]:
        for line, content in self.rows(f"SELECT line, content FROM staged {where}", parameters):  # noqa: S608 - ours
            yield self._record(line, content)

    def student_of(self, line: int) -> str:
        return str(next(self.rows("SELECT student FROM staged WHERE line = ?", (line,)))[0])

    def reject(self, lines: Collection[int]) -> None:
        """Their students stay named."""
        moved = "SELECT line, student_key, programme_key FROM staged WHERE line = ?"
        self.change(f"INSERT INTO spoiled {moved}", ((line,) for line in lines))
        self.unstage(lines)

    def unstage(self, lines: Iterable[int]) -> None:
        self.change("DELETE FROM staged WHERE line = ?", ((line,) for line in lines))

    def _record(self, line: int, content: str) -> RegistryRecord:
        texts = content.split(_SEPARATOR)
        student, proposed, surname, given, preferred, chinese, hkid, birth, programme, department, *rest = (
            texts
        )
        level, status, since, end, mail, supervisor, language, confidential = rest
        return RegistryRecord(
            source=self._source,
            file=self._file,
            line=line,
            student_id=student,
            proposed_id=proposed,
            surname=surname,
            given_names=given,
            preferred_name=preferred or None,
            chinese_name=chinese or None,
            hkid_digest=hkid or None,
            birth_digest=birth,
            programme=programme,
            department=department,
            level=_LEVELS[level],
            status=_STATUSES[status],
            status_on=date.fromisoformat(since),
            expected_end_on=date.fromisoformat(end) if end else None,
            personal_mail=mail or None,
            supervisor_mail=supervisor or None,
            language=Language(language) if language else None,
            confidential=bool(confidential),
        )

    # -- what will be remembered -----------------------------------------------------------------------
    def keep(self, digest: bytes, seen: Sequence[SeenRow]) -> None:
        """Of blocks with the same content the first."""
        marks = b"".join([key.mark for _, key in seen])
        keys = [(line, key.student_id, key.programme, key.settled) for line, key in seen]
        self.change("INSERT OR IGNORE INTO block VALUES (?, ?, ?)", [(digest, marks, json.dumps(keys))])

    def blocks(self, unsettled: Collection[int], left_out: Collection[int]) -> Iterator[Block]:
        """`unsettled`, `left_out`: lines."""
        for digest, marks, keys in self.rows("SELECT digest, marks, keys FROM block ORDER BY rowid"):
            rows = tuple(
                RowKey(
                    marks[place * 8 : place * 8 + 8], student, programme, settled and line not in unsettled
                )
                for place, (line, student, programme, settled) in enumerate(json.loads(keys))
                if line not in left_out
            )
            if rows:
                yield Block(digest, rows)


@dataclass(frozen=True, slots=True)
class Changed:
    """The staged records by student, read anew each time."""

    staging: Staging

    def __iter__(self) -> Iterator[tuple[str, tuple[RegistryRecord, ...]]]:
        staged = self.staging.records("ORDER BY student, line")
        for student_id, records in groupby(staged, attrgetter("student_id")):
            yield student_id, tuple(records)


@dataclass(frozen=True, slots=True)
class SeenBlocks:
    """The blocks that were looked at, read anew each time; lines as in `Staging.blocks`."""

    staging: Staging
    unsettled: frozenset[int]
    left_out: frozenset[int]
    more: tuple[Block, ...]

    def __iter__(self) -> Iterator[Block]:
        yield from self.staging.blocks(self.unsettled, self.left_out)
        yield from self.more
