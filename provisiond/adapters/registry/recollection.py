"""What the memory knows of the rows that are looked at: which are unchanged, which stood before and still do.

Holds in the staging the remembered rows of blocks that vanished or are not settled; of the settled blocks that
stand as they were it knows the digests, and reads them through only to settle a dispute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain

from provisiond.adapters.registry.staging import Key, Staging, key_of, places
from provisiond.domain.model import Block, RowKey
from provisiond.ports import FetchMemory

_TABLE = """CREATE TABLE remembered (mark BLOB, student TEXT, programme TEXT, student_key TEXT, programme_key TEXT,
    settled INTEGER, vanished INTEGER, used INTEGER DEFAULT 0)"""
_INDEXES = (
    "CREATE INDEX remembered_by_mark ON remembered (mark)",
    "CREATE INDEX remembered_by_key ON remembered (student_key, programme_key)",
)


class Recollection:
    """`seen`: digests of all blocks of the fetch, `kept`: of the remembered ones not to be looked at, `settled` and
    `unsettled`: of the remembered ones."""

    def __init__(
        self,
        staging: Staging,
        memory: FetchMemory,
        *,
        seen: Collection[bytes],
        kept: Collection[bytes],
        settled: frozenset[bytes],
        unsettled: frozenset[bytes],
    ) -> None:
        self._staging, self._memory, self._kept = staging, memory, kept
        staging.change(_TABLE)
        remembered = settled | unsettled
        self.is_empty = not remembered
        self._load(memory.blocks(remembered.difference(seen, kept)), vanished=True)
        self._load(memory.blocks(unsettled.intersection(seen)), vanished=False)
        for statement in _INDEXES:
            staging.change(statement)

    def unchanged(self, marks: Sequence[bytes]) -> dict[int, RowKey]:
        """Place → what is remembered, for rows that were settled. Each remembered row answers once: a second
        one with the same content is a twin and must be looked at."""
        if self.is_empty:
            return {}
        known: dict[bytes, list[tuple[int, RowKey]]] = defaultdict(list)
        query = f"""SELECT rowid, mark, student, programme FROM remembered
            WHERE settled AND NOT used AND mark IN ({places(marks)})"""  # noqa: S608 - question marks only
        for number, mark, student, programme in self._staging.rows(query, marks):
            known[mark].append((number, RowKey(mark, student, programme, settled=True)))
        found = {place: known[mark].pop() for place, mark in enumerate(marks) if known.get(mark)}
        self._staging.change(
            "UPDATE remembered SET used = 1 WHERE rowid = ?", ((number,) for number, _ in found.values())
        )
        return {place: key for place, (_, key) in found.items()}

    def was_unreadable(self, mark: bytes) -> bool:
        """Whether this very row was already there, and nobody knew whose it was."""
        query = "SELECT 1 FROM remembered WHERE mark = ? AND student IS NULL"
        return next(self._staging.rows(query, (mark,)), None) is not None

    def stands(self, student_keys: Sequence[str]) -> dict[Key, bool]:
        """Rows taken over before: whether they are still named; those missing from the answer may be."""
        query = f"""SELECT student_key, programme_key, max(used), max(vanished AND settled) FROM remembered
            WHERE student_key IN ({places(student_keys)}) GROUP BY 1, 2"""  # noqa: S608 - question marks only
        return {
            (student, programme): bool(used)
            for student, programme, used, vanished in self._staging.rows(query, student_keys)
            if used or vanished
        }

    def confirmed(self, keys: Collection[Key]) -> frozenset[Key]:
        """Those that stand in a block that was not looked at; reads through what is remembered of them."""
        if not keys:
            return frozenset()
        rows = chain.from_iterable(block.rows for block in self._memory.blocks(self._kept))
        named = (key_of(row.student_id, row.programme) for row in rows if row.student_id)
        return frozenset(key for key in named if key in keys)

    def _load(self, blocks: Iterable[Block], *, vanished: bool) -> None:
        self._staging.change(
            "INSERT INTO remembered VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
            (
                (row.mark, row.student_id, row.programme, *_key(row), row.settled, vanished)
                for row in chain.from_iterable(block.rows for block in blocks)
            ),
        )


def _key(row: RowKey) -> tuple[str | None, str]:
    return row.student_id.casefold() if row.student_id else None, row.programme.casefold()
