"""The limits on what one plan may do. Counts the whole plan before the first write; what trips is held back
under a hash until that hash is approved, and everything that no brake counts goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from provisiond.domain.model import State
from provisiond.domain.plan import Parked, Plan, Step, Tripped, plan_hash
from provisiond.domain.policy import BrakePolicy, Limit


@dataclass(frozen=True, slots=True)
class Brake:
    """`counts`: how much one step weighs on this brake."""

    name: str
    limit: Limit
    counts: Callable[[Step], int]


def brakes(policy: BrakePolicy) -> tuple[Brake, ...]:
    """Every brake: the place of a new one."""
    return (
        Brake("creations", policy.creations, lambda s: int(s.identity is not None)),
        Brake("completions", policy.completions, lambda s: int(s.transition and s.to_state is State.GRACE)),
        Brake("losses", policy.losses, lambda s: int(s.ends_access)),
        Brake("renames", policy.renames, lambda s: int(s.renames)),
        Brake("mails", policy.mails, lambda s: len(s.notices)),
    )


def braked(
    steps: tuple[Step, ...],
    parked: tuple[Parked, ...],
    population: int,
    policy: BrakePolicy,
    approved: Collection[str],
) -> Plan:
    """The plan, with the steps of tripped brakes held unless exactly that set was approved."""
    tripped, counted = [], set()
    for brake in brakes(policy):
        limit, count = brake.limit.of(population), sum(map(brake.counts, steps))
        if count > limit:
            tripped.append(Tripped(brake.name, count, limit, population))
            counted |= {step.person_id for step in steps if brake.counts(step)}
    held = tuple(step for step in steps if step.person_id in counted)
    if not held or (ticket := plan_hash(held)) in approved:
        return Plan(steps, (), (), parked, released=ticket if held else None)
    return Plan(tuple(s for s in steps if s.person_id not in counted), held, tuple(tripped), parked)


def is_shrunk(rows: int, last_good: int, policy: BrakePolicy) -> bool:
    """Whether a registry lost more rows since its last good fetch than policy believes."""
    believed = max(policy.shrink_always_allowed, last_good * policy.shrink_percent / 100)
    return last_good - rows > believed


def is_grown(rows: int, last_good: int, policy: BrakePolicy) -> bool:
    """Whether a registry has more new rows since its last good fetch than policy believes."""
    believed = max(policy.grow_always_allowed, last_good * policy.grow_percent / 100)
    return rows - last_good > believed
