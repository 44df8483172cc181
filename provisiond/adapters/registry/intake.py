"""From raw rows to a fetch, the same for every source: blocks seen, new rows looked at, clashes, absence.

Puts the stages together, each a module beside this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from provisiond.adapters.digests import Digests
from provisiond.adapters.registry.absence import Absence, absence
from provisiond.adapters.registry.blocks import RawBlock, salt_of
from provisiond.adapters.registry.clashes import Clashes
from provisiond.adapters.registry.contradiction import Verdict
from provisiond.adapters.registry.incremental import block_digest, kept_blocks, known_lines
from provisiond.adapters.registry.mapping import RecordMapping
from provisiond.adapters.registry.outline import Outline
from provisiond.adapters.registry.reading import Reading
from provisiond.adapters.registry.recollection import Recollection
from provisiond.adapters.registry.refusal import refused
from provisiond.adapters.registry.rows import MappedSource, RowSource
from provisiond.adapters.registry.staging import Changed, SeenBlocks, Staging
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import Fetch, Rejection, Stretch
from provisiond.ports import FetchMemory

_ACCIDENT = 10  # rows that contradict others; fewer are rejected one by one, however small the source
_VERSION = "1"  # of the meaning of rows: raise it when a mapping rule changes, and every row is read again


def taken_in(
    rows: RowSource, source: MappedSource, digests: Digests, today: date, memory: FetchMemory
) -> Fetch:
    """Everything the source gives. What did not change since `memory` is counted, not looked at."""
    try:
        return _taken_in(rows, source, digests, today, memory)
    except sqlite3.Error as error:
        raise UnavailableError(
            "registry", f"cannot stage {rows.file}: {error}; make room where temporary files are kept"
        ) from error


def _taken_in(
    rows: RowSource, source: MappedSource, digests: Digests, today: date, memory: FetchMemory
) -> Fetch:
    salt = salt_of(_salt_parts(rows, source, digests))
    staging = Staging(source.name, rows.file)
    settled, unsettled = memory.settled(), memory.unsettled()
    outline = Outline(memory.outline(), settled, salt)
    survey = _surveyed(rows.pieces(salt, outline), staging, settled)
    ending = rows.ending()
    kept = frozenset(survey.kept) if ending.complete else settled | unsettled
    recollection = Recollection(
        staging, memory, seen=survey.seen, kept=kept, settled=settled, unsettled=unsettled
    )
    reading = Reading(rows, RecordMapping(source, rows.file, digests, today), staging, recollection, salt)
    for block in staging.spooled():
        staging.keep(block.digest if ending.complete else block_digest(block.digest), reading.look(block))
    reading.refuse_accidents(survey.rows, survey.foreign, source.maximum_rejected_percent)
    staging.index()
    known = frozenset[int]() if ending.complete else known_lines(staging, memory)
    staging.unstage(known)
    verdict = Clashes(staging, recollection, memory, replaces=not ending.complete).verdict()
    clashing = _rejected(staging, verdict, source.name, rows.file)
    _refuse_contradictory(rows.file, len(clashing), survey.rows, source.maximum_rejected_percent)
    rejections = [*reading.rejections, *clashing]
    complete = ending.complete
    missing = absence(staging, recollection, unreadable=reading.unreadable) if complete else Absence((), ())
    return Fetch(
        source=source.name,
        file=rows.file,
        digest=ending.digest,
        rows=survey.rows,
        rejections=tuple(sorted(rejections, key=lambda rejection: rejection.line)),
        changed=Changed(staging),
        gone=missing.gone,
        kept=kept if complete else kept_blocks(staging, memory),
        blocks=SeenBlocks(staging, verdict.lines, known, missing.doubtful),
        complete=complete,
        etag=ending.etag,
        watermark=ending.watermark,
        outline=tuple(outline.stretches),
    )


def unchanged(source: MappedSource, file: str, memory: FetchMemory) -> Fetch:
    """The fetch of a source that says itself that nothing changed since `memory.last()` (HTTP 304). Only where
    nothing is unsettled: what is cannot be looked at again without its content."""
    last = memory.last()
    if last is None:
        raise ValueError("nothing was fetched before")
    return Fetch(
        source=source.name,
        file=file,
        digest=last.digest,
        rows=last.rows,
        rejections=(),
        changed=(),
        gone=(),
        kept=memory.settled() | memory.unsettled(),
        blocks=(),
        complete=True,
        etag=last.etag,
        watermark=last.watermark,
        outline=(),
    )


@dataclass(slots=True)
class _Survey:
    rows: int = 0
    foreign: int = 0  # rows that hold other than ASCII
    seen: set[bytes] = field(default_factory=set)
    kept: set[bytes] = field(default_factory=set)


def _surveyed(pieces: Iterable[RawBlock | Stretch], staging: Staging, settled: frozenset[bytes]) -> _Survey:
    """Counts everything; spools the blocks that are not known as settled."""
    survey = _Survey()
    for piece in pieces:
        survey.foreign += piece.foreign
        if isinstance(piece, Stretch):
            survey.rows += piece.rows
            survey.seen.update(piece.blocks)
            survey.kept.update(piece.blocks)
            continue
        survey.rows += piece.count
        survey.seen.add(piece.digest)
        if piece.digest in settled:
            survey.kept.add(piece.digest)
        else:
            staging.spool(piece)
    return survey


def _salt_parts(rows: RowSource, source: MappedSource, digests: Digests) -> Iterator[str]:
    """Everything that decides what a raw row says; also the key of the digests, since records hold those."""
    yield from (_VERSION, source.name, digests.birth(date.min), str(source.supplement), *source.date_formats)
    yield from (text for pair in sorted(source.fields.items()) for text in pair)
    for name, codes in sorted(source.codes.items()):
        yield from (name, *(text for pair in sorted(codes.items()) for text in pair))
    yield from rows.salt


def _refuse_contradictory(file: str, clashing: int, rows: int, maximum_percent: float) -> None:
    """Each counts for two: the one that it contradicts may have been taken over before."""
    if clashing * 200 > rows * maximum_percent and clashing >= _ACCIDENT:
        cause = f"{clashing} of {rows} rows contradict others: the same students or HKID numbers again"
        raise refused(file, cause, "look whether two exports were put together, and have it exported again")


def _rejected(staging: Staging, verdict: Verdict, source: str, file: str) -> list[Rejection]:
    """Takes the rows that clash out of the staging, and those that only repeat another."""
    rejections = [
        Rejection(source, file, line, staging.student_of(line), tuple(dict.fromkeys(reasons)))
        for line, reasons in verdict.reasons.items()
    ]
    staging.reject(verdict.reasons)
    staging.unstage(verdict.repeated)
    return rejections
