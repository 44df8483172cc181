"""What is remembered of a registry's rows: blocks of them, by source. What a block is, the registry decides."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from sqlalchemy import Connection, delete, insert, select

from provisiond.adapters.ledger.connection import CHUNK, chunks
from provisiond.adapters.ledger.tables import registry_block as table
from provisiond.domain.model import Block, RowKey


def digests(connection: Connection, source: str, *, settled: bool) -> frozenset[bytes]:
    wanted = select(table.c.digest).where(table.c.source == source, table.c.settled.is_(settled))
    return frozenset(connection.scalars(wanted).all())  # row by row would take five times as long


def some(connection: Connection, source: str, wanted: Collection[bytes]) -> Iterator[Block]:
    for chunk in chunks(wanted):
        rows = select(table.c.digest, table.c.rows).where(table.c.source == source, table.c.digest.in_(chunk))
        for digest, packed in connection.execute(rows.order_by(table.c.digest)):
            yield Block(digest, _unpacked(packed))


def replace(
    connection: Connection,
    source: str,
    kept: Collection[bytes],
    new: Iterable[Block],
    unsettled: Collection[str],
) -> None:
    """All but `kept` go, `new` come; rows of `unsettled` students are looked at again."""
    known = digests(connection, source, settled=True) | digests(connection, source, settled=False)
    for chunk in chunks(known.difference(kept)):
        connection.execute(delete(table).where(table.c.source == source, table.c.digest.in_(chunk)))
    written: set[bytes] = set()
    rest = iter(new)
    while some := {block.digest: block for block in islice(rest, CHUNK)}:
        again = [
            digest for digest in some if digest in kept or digest in written
        ]  # the same rows twice in a file
        connection.execute(delete(table).where(table.c.source == source, table.c.digest.in_(again)))
        connection.execute(insert(table), [_row(source, block, unsettled) for block in some.values()])
        written.update(some)


def _row(source: str, block: Block, unsettled: Collection[str]) -> dict[str, object]:
    rows = [
        (row.mark.hex(), row.student_id, row.programme, row.settled and row.student_id not in unsettled)
        for row in block.rows
    ]
    packed = zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode(), 1)
    return {
        "source": source,
        "digest": block.digest,
        "settled": all(settled for *_, settled in rows),
        "rows": packed,
    }


def _unpacked(packed: bytes) -> tuple[RowKey, ...]:
    rows = json.loads(zlib.decompress(packed))
    return tuple(RowKey(bytes.fromhex(mark), student, programme, ok) for mark, student, programme, ok in rows)
