"""Two plans of the same moment side by side, as two configurations make them: whose step would be another one.

Plans come in the order of student IDs and are read once, beside each other: nothing is held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby

from provisiond.domain.changes import AdoptEntry, Change, ModifyEntry
from provisiond.domain.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class Contrast:
    """One person's step under the present configuration and under the other one (None: none is due)."""

    student_id: str
    present: Step | None
    other: Step | None

    @property
    def gone(self) -> tuple[str, ...]:
        """What only the present configuration does."""
        return tuple(sorted(_acts(self.present) - _acts(self.other)))

    @property
    def new(self) -> tuple[str, ...]:
        """What only the other one does."""
        return tuple(sorted(_acts(self.other) - _acts(self.present)))

    @property
    def loses(self) -> bool:
        """Access is taken away that the present configuration leaves."""
        return bool(self.other and self.other.ends_access and not (self.present and self.present.ends_access))

    @property
    def keeps(self) -> bool:
        """Access is left that the present configuration takes away."""
        return bool(self.present and self.present.ends_access and not (self.other and self.other.ends_access))

    @property
    def differs(self) -> bool:
        """A next look on another day alone is a difference too: something comes earlier or later."""
        days = {step.next_on for step in (self.present, self.other) if step}
        return bool(self.gone or self.new) or len(days) > 1


def contrasts(present: Plan, other: Plan) -> Iterator[Contrast]:
    """Those that differ."""
    both = merge(_steps(present, 0), _steps(other, 1), key=lambda one: one[0])
    for student_id, found in groupby(both, key=lambda one: one[0]):
        steps = {which: step for _, which, step in found}
        contrast = Contrast(student_id, steps.get(0), steps.get(1))
        if contrast.differs:
            yield contrast


def _steps(plan: Plan, which: int) -> Iterator[tuple[str, int, Step]]:
    """Held or not: a brake's limit is a matter of today, not of the configuration's effect."""
    return ((step.student_id, which, step) for batch in plan.batches for step in batch.steps)


def _acts(step: Step | None) -> set[str]:
    """As sentences, one for each value that changes."""
    if step is None:
        return set()
    told = {f"account name {step.account_name}"} if step.identity else set()
    if step.transition:
        told.add(f"becomes {step.to_state}")
    told.update(f"notice {notice.kind} to {notice.to}" for notice in step.notices)
    return told.union(*(_sentences(change) for change in step.changes))


def _sentences(change: Change) -> set[str]:
    if not isinstance(change, ModifyEntry | AdoptEntry):
        return {change.sentence}
    return {
        f"{change.what}: {mod.attribute} {mod.op} {', '.join(mod.values) or '(removed)'}"
        for mod in change.mods
    }
