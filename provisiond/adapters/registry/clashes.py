"""What is wrong between rows: the same programme twice, one student ID for two persons, one HKID for two
student IDs. Where the registry contradicts itself nobody can say which row is right: all are rejected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

from provisiond.domain.model import RegistryRecord, Rejection

_SHOWN = 10


def without_clashes(
    records: Sequence[RegistryRecord],
) -> tuple[list[RegistryRecord], list[Rejection]]:
    """Records that contradict no other, in order (of identical ones the first), and the rejections."""
    reasons: dict[int, list[str]] = defaultdict(list)
    dropped: set[int] = set()
    for lines, doubled in _doubled(records):
        (dropped if doubled else reasons).update({} if doubled else {})
        if doubled:
            dropped.update(lines[1:])
        else:
            _note(reasons, lines, "the same student ID and programme, with other content, in {}")
    for lines in _persons(records):
        _note(reasons, lines, "the same student ID with another name, birth date or HKID number in {}")
    for lines in _hkids(records):
        _note(reasons, lines, "the same HKID number, with another student ID, in {}")
    kept = [r for r in records if r.line not in reasons and r.line not in dropped]
    rejections = [
        Rejection(r.source, r.file, r.line, r.student_id, tuple(reasons[r.line]))
        for r in records
        if r.line in reasons
    ]
    return kept, rejections
