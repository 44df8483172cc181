"""What is wrong between rows of one student: the same programme twice, two persons under one student ID.
Where the registry contradicts itself nobody can say which row is right: all that are new are rejected.

Pure; which rows are compared is for clashes.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from provisiond.adapters.registry.staging import Key, content_of, key_of
from provisiond.domain.model import RegistryRecord

K = TypeVar("K")
_SHOWN = 10
TWIN = "the same student ID and programme with other content"
PERSONS = "the same student ID with another name, birth date or HKID number"
OWNERS = "the same HKID number with another student ID"


@dataclass(frozen=True, slots=True)
class Verdict:
    """By line: why a row is rejected; and the rows that only repeat another one."""

    reasons: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    repeated: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.reasons or self.repeated)

    @property
    def lines(self) -> frozenset[int]:
        return frozenset(self.reasons) | self.repeated

    def add(self, other: Verdict) -> None:
        for line, reasons in other.reasons.items():
            self.reasons[line] += reasons
        self.repeated.update(other.repeated)

    def note(self, what: str, lines: Iterable[int], others: Iterable[int], *, standing: bool) -> None:
        """`lines` contradict each other, `others`, and (`standing`) a row that was taken over before."""
        rejected = sorted(lines)
        everything = sorted({*rejected, *others})
        for line in rejected:
            where = _named([other for other in everything if other != line], standing=standing)
            self.reasons[line].append(f"{what} in {where}")


def judge(
    verdict: Verdict,
    staged: Sequence[RegistryRecord],
    standing: Sequence[RegistryRecord],
    spoiled: Mapping[Key, Sequence[int]],
) -> None:
    """`staged`: new rows of one student, `standing`: rows taken over before that are still named. `spoiled`:
    lines already rejected for themselves; they may well have been the right ones."""
    before = _groups(standing, _key)
    for key, group in _groups(staged, _key).items():
        old, others = before.get(key, []), spoiled.get(key, ())
        contents = [content_of(record) for record in (*old, *group)]
        if others or len(set(contents)) > 1:
            verdict.note(TWIN, [r.line for r in group], others, standing=bool(old))
        else:
            verdict.repeated.update(r.line for r in (*old, *group)[1:])
    if len(staged) + len(standing) > 1 and _are_several_persons((*standing, *staged)):
        verdict.note(PERSONS, [r.line for r in staged], (), standing=bool(standing))


def _key(record: RegistryRecord) -> Key:
    return key_of(record.student_id, record.programme)


def _groups(
    records: Iterable[RegistryRecord], key: Callable[[RegistryRecord], K]
) -> dict[K, list[RegistryRecord]]:
    groups: dict[K, list[RegistryRecord]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return groups


def _are_several_persons(group: Sequence[RegistryRecord]) -> bool:
    """A missing HKID contradicts nothing; the case of a name says nothing, that of a student ID does."""
    names = {f"{r.surname}\n{r.given_names}".casefold() for r in group}
    hkids = {r.hkid_digest for r in group if r.hkid_digest}
    births = {r.birth_digest for r in group}
    spellings = {r.student_id for r in group}
    return max(len(names), len(hkids), len(births), len(spellings)) > 1


def _named(lines: Sequence[int], *, standing: bool) -> str:
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    here = (
        [f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:_SHOWN]))}{more}"] if lines else []
    )
    return " and ".join([*here, *(["a row taken over before"] if standing else [])])
