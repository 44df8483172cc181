"""Which source is believed where several registries speak of one person: one record per programme, made of the best
source's word for each attribute. Where the records come from, and who is one person, is people's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from provisiond.domain.model import RegistryRecord
from provisiond.domain.policy import SourcePolicy

# attributes that go together: half a name from each of two sources would be nobody's
PERSONAL = (
    ("surname", "given_names"),
    ("preferred_name",),
    ("chinese_name",),
    ("hkid_digest",),
    ("birth_digest",),
    ("personal_mail",),
    ("supervisor_mail",),
    ("language",),
)
OF_PROGRAMME = (("status", "status_on"), ("department",), ("level",), ("expected_end_on",))


def merged(records: Sequence[RegistryRecord], sources: SourcePolicy) -> tuple[RegistryRecord, ...]:
    """One record per programme, ascending by key; none of supplements alone. Attributes of the person count from
    every programme (the own one first), those of a programme from records of that programme; whoever is
    confidential anywhere is."""
    ordered = sorted(records, key=lambda record: record.key)
    if len({record.source for record in ordered}) <= 1 and not any(r.is_supplement for r in ordered):
        return tuple(ordered)
    programmes: dict[str, list[RegistryRecord]] = {}
    for record in ordered:
        if not record.is_supplement:
            programmes.setdefault(record.programme.casefold(), []).append(record)
    found = [_of_one_programme(group, ordered, sources) for group in programmes.values()]
    return tuple(sorted(found, key=lambda record: record.key))


def _of_one_programme(
    group: Sequence[RegistryRecord], everything: Sequence[RegistryRecord], sources: SourcePolicy
) -> RegistryRecord:
    own = group[0].programme.casefold()
    taken: dict[str, Any] = {"confidential": any(record.confidential for record in everything)}
    for names in OF_PROGRAMME:
        taken |= _best(names, group, _preference(names[0], own, sources))
    for names in PERSONAL:
        taken |= _best(names, everything, _preference(names[0], own, sources))
    return replace(min(group, key=_preference("status", own, sources)), **taken)


def _preference(
    attribute: str, own: str, sources: SourcePolicy
) -> Callable[[RegistryRecord], tuple[Any, ...]]:
    return lambda r: (sources.rank(attribute, r.source), r.programme.casefold() != own, r.key)


def _best(
    names: Sequence[str],
    records: Sequence[RegistryRecord],
    preference: Callable[[RegistryRecord], tuple[Any, ...]],
) -> dict[str, Any]:
    """The attributes `names` of the best record that has a value for the first of them."""
    telling = [record for record in records if getattr(record, names[0])] or records
    best = min(telling, key=preference)
    return {name: getattr(best, name) for name in names}
