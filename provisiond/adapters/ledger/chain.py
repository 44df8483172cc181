"""The hash chain of the history: how a line is sealed and how a broken chain is told. No database here.

The chain has no key: who can write the file can rebuild it whole. It shows what was changed in place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from provisiond.ports import HistoryLine

START = "0" * 64


@dataclass(frozen=True, slots=True)
class Happened:
    """Something for the history, before it has its place in the chain."""

    event: str
    person_id: str | None
    at: datetime
    actor: str
    detail: Mapping[str, object]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The last link: number of lines and hash."""

    seq: int = 0
    hash: str = START


def sealed(after: End, happened: Iterable[Happened]) -> list[HistoryLine]:
    """The lines that follow `after`, numbered and chained."""
    lines = []
    for one in happened:
        seq, at, detail = after.seq + 1, one.at.astimezone(UTC), json.dumps(one.detail, ensure_ascii=False)
        said = (seq, at, one.actor, one.person_id, one.event, detail, one.reason)
        lines.append(HistoryLine(*said, _link(after.hash, *said)))
        after = End(seq, lines[-1].hash)
    return lines


def broken(lines: Iterable[HistoryLine], end: End) -> str | None:
    """A sentence on the first line that does not fit, or None. `lines` from the first one on."""
    last = End()
    for line in lines:
        if line.seq != last.seq + 1:
            return f"line {last.seq + 1} of the history is missing"
        said = (line.seq, line.at, line.actor, line.person_id, line.event, line.detail, line.reason)
        if line.hash != _link(last.hash, *said):
            return f"line {line.seq} of the history was changed: its hash does not fit"
        last = End(line.seq, line.hash)
    if last != end:
        return f"the history ends with line {last.seq}, though line {end.seq} was the last one written"
    return None


def _link(previous: str, seq: int, at: datetime, *words: str | None) -> str:
    said = [seq, at.astimezone(UTC).isoformat(timespec="microseconds"), *words]
    canonical = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{previous}{canonical}".encode()).hexdigest()
