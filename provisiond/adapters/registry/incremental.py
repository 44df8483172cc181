"""What an incremental fetch (changes since a watermark) leaves of what was remembered: nearly all.

Its rows overlap with what is known; and a remembered row that it replaces must not count as settled any more,
else a later complete fetch that brings the old row back would take it for known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from provisiond.adapters.registry.clashes import batches
from provisiond.adapters.registry.staging import Key, Staging, content_of, key_of
from provisiond.domain.model import RowKey
from provisiond.ports import FetchMemory


def block_digest(digest: bytes) -> bytes:
    """Of a block of an incremental fetch: never that of a block of a complete one, it holds not all its rows."""
    return hashlib.blake2b(b"incremental" + digest, digest_size=16).digest()


def known_lines(staging: Staging, memory: FetchMemory) -> frozenset[int]:
    """Staged rows that say what was committed before."""
    return frozenset(_known(staging, memory))


def _known(staging: Staging, memory: FetchMemory) -> Iterator[int]:
    for students in batches(staging.rows("SELECT DISTINCT student FROM staged")):
        committed = {
            (record.student_id, content_of(record))
            for records in memory.records(students).values()
            for record in records
        }
        for student in students:
            for record in staging.records("WHERE student = ?", (student,)):
                if (student, content_of(record)) in committed:
                    yield record.line


def kept_blocks(staging: Staging, memory: FetchMemory) -> frozenset[bytes]:
    """The remembered blocks none of whose rows is replaced; the others go into the staging, with the replaced
    rows unsettled. A block that was given again is among the new ones."""
    given = {digest for (digest,) in staging.rows("SELECT digest FROM block")}
    everything = (memory.settled() | memory.unsettled()) - given
    replaced = set(staging.rows("SELECT DISTINCT student_key, programme_key FROM staged"))
    touched: set[bytes] = set()
    for block in memory.blocks(everything) if replaced else ():
        rows = [replace(row, settled=False) if _key(row) in replaced else row for row in block.rows]
        if tuple(rows) != block.rows:
            staging.keep(block.digest, [(0, row) for row in rows])
            touched.add(block.digest)
    return everything - touched


def _key(row: RowKey) -> Key | None:
    return key_of(row.student_id, row.programme) if row.student_id else None
