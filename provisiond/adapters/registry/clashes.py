"""What is wrong between rows: the same programme twice, one student ID for two persons, one HKID for two
student IDs. Where the registry contradicts itself nobody can say which row is right: all are rejected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from provisiond.domain.model import RegistryRecord, Rejection

K = TypeVar("K")
Key = tuple[str, str]
_SHOWN = 10


def key_of(student_id: str, programme: str) -> Key:
    """Student ID and programme, case not counting."""
    return student_id.casefold(), programme.casefold()


def without_clashes(
    records: Sequence[RegistryRecord], rejected: Mapping[Key, list[int]]
) -> tuple[list[RegistryRecord], list[Rejection]]:
    """Records that contradict no other (of identical ones the first), in order, and the rejections.
    `rejected`: lines already rejected for themselves; they may well have been the right ones."""
    reasons: dict[int, list[str]] = defaultdict(list)
    by_programme = _groups(records, lambda r: key_of(r.student_id, r.programme))
    dropped = {r.line for group in by_programme.values() if not _differ(group) for r in group[1:]}
    for key, group in by_programme.items():
        others = rejected.get(key, [])
        if others or _differ(group):
            _note(reasons, group, "the same student ID and programme with other content", others)
    for group in _groups(records, lambda r: r.student_id.casefold()).values():
        if len(group) > 1 and _are_several_persons(group):
            _note(reasons, group, "the same student ID with another name, birth date or HKID number")
    for group in _owners_of_one_hkid(records):
        _note(reasons, group, "the same HKID number with another student ID")
    kept = [r for r in records if r.line not in reasons and r.line not in dropped]
    return kept, list(_rejections(records, reasons))


def _groups(
    records: Iterable[RegistryRecord], key: Callable[[RegistryRecord], K]
) -> dict[K, list[RegistryRecord]]:
    groups: dict[K, list[RegistryRecord]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return groups


def _differ(group: Sequence[RegistryRecord]) -> bool:
    """Whether rows of the same programme differ in more than the line."""
    first = group[0]
    return any(replace(other, line=first.line) != first for other in group[1:])


def _are_several_persons(group: Sequence[RegistryRecord]) -> bool:
    """A missing HKID contradicts nothing; the case of a name says nothing, that of a student ID does."""
    names = {f"{r.surname}\n{r.given_names}".casefold() for r in group}
    hkids = {r.hkid_digest for r in group if r.hkid_digest}
    births = {r.birth_digest for r in group}
    spellings = {r.student_id for r in group}
    return max(len(names), len(hkids), len(births), len(spellings)) > 1


def _owners_of_one_hkid(records: Sequence[RegistryRecord]) -> Iterator[list[RegistryRecord]]:
    """All rows of the persons who share a number, also rows that do not show it."""
    by_student = _groups(records, lambda r: r.student_id.casefold())
    with_hkid = (r for r in records if r.hkid_digest)
    for group in _groups(with_hkid, lambda r: r.hkid_digest).values():
        students = {r.student_id.casefold() for r in group}
        if len(students) > 1:
            yield [r for student in sorted(students) for r in by_student[student]]


def _note(
    reasons: dict[int, list[str]], group: Sequence[RegistryRecord], what: str, others: Sequence[int] = ()
) -> None:
    lines = sorted({*(r.line for r in group), *others})
    for record in group:
        reasons[record.line].append(f"{what} in {_named([n for n in lines if n != record.line])}")


def _named(lines: Sequence[int]) -> str:
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:_SHOWN]))}{more}"


def _rejections(records: Iterable[RegistryRecord], reasons: Mapping[int, list[str]]) -> Iterator[Rejection]:
    for r in records:
        if r.line in reasons:
            yield Rejection(r.source, r.file, r.line, r.student_id, tuple(dict.fromkeys(reasons[r.line])))
