"""Which remembered rows a complete fetch names no more. Doubt never makes anybody gone.

Whoever may stand in a row that cannot be read stays remembered, and is looked for again in the next fetch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from provisiond.adapters.registry.recollection import Recollection
from provisiond.adapters.registry.staging import Staging, key_of
from provisiond.domain.model import Block, RowKey

_CANDIDATES = """
SELECT mark, student, programme, max(settled),
    EXISTS (SELECT 1 FROM spoiled WHERE spoiled.student_key = it.student_key)
FROM remembered AS it
WHERE vanished AND NOT used AND student IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM remembered AS other WHERE other.used
      AND other.student_key = it.student_key AND other.programme_key = it.programme_key)
  AND NOT EXISTS (SELECT 1 FROM staged
      WHERE staged.student_key = it.student_key AND staged.programme_key = it.programme_key)
GROUP BY student, programme ORDER BY student, programme"""


@dataclass(frozen=True, slots=True)
class Absence:
    gone: tuple[tuple[str, str], ...]
    doubtful: tuple[Block, ...]  # of one block or none: remembered on, though not seen


def absence(staging: Staging, recollection: Recollection, *, unreadable: int) -> Absence:
    """`unreadable`: how many rows there are, not remembered as such, whose student is not known. Any of the
    missing may stand in one of them, so nobody is called gone."""
    gone: list[tuple[str, str]] = []
    doubtful: list[RowKey] = []
    for row, in_doubt in _missing(staging, recollection):
        if in_doubt or unreadable:
            doubtful.append(row)
        elif row.student_id:
            gone.append((row.student_id, row.programme))
    return Absence(tuple(gone), (_block(doubtful),) if doubtful else ())


def _missing(staging: Staging, recollection: Recollection) -> Iterator[tuple[RowKey, bool]]:
    """A settled row stands once among all that is remembered (a repetition never settles), so it is missing
    when its block vanished; one that was not settled may stand elsewhere too."""
    found = [
        (RowKey(mark, student, programme, bool(settled)), bool(in_doubt))
        for mark, student, programme, settled, in_doubt in staging.rows(_CANDIDATES)
    ]
    # who is in doubt stays remembered whatever the settled blocks say: reading them through is dear
    unsure = {
        key_of(row.student_id, row.programme)
        for row, in_doubt in found
        if row.student_id and not row.settled and not in_doubt
    }
    elsewhere = recollection.confirmed(unsure)
    for row, in_doubt in found:
        if row.student_id and (row.settled or key_of(row.student_id, row.programme) not in elsewhere):
            yield row, in_doubt


def _block(rows: list[RowKey]) -> Block:
    content = b"in doubt" + b"".join(row.mark for row in rows)
    return Block(hashlib.blake2b(content, digest_size=16).digest(), tuple(rows))
