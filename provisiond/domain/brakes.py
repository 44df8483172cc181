"""The limits on what one plan, and one day of plans, may do. The whole plan is counted before the first write;
what trips is held back under a hash until that hash is approved, and everything that no brake counts goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from provisiond.domain.model import State
from provisiond.domain.plan import Batch, Parked, Plan, PlanHash, Step, Tripped
from provisiond.domain.policy import BrakePolicy, Limit

ROLLING = timedelta(hours=24)  # a plan is counted together with what was done in that time
# Every brake and how much one step weighs on it: the place of a new one. Limits are policy's, by the same name.
BRAKES: Mapping[str, Callable[[Step], int]] = {
    "creations": lambda step: int(step.identity is not None),
    "completions": lambda step: int(step.transition and step.to_state is State.GRACE),
    "losses": lambda step: int(step.ends_access),
    "renames": lambda step: int(step.renames),
    "mails": lambda step: len(step.notices),
}


def weights(steps: Iterable[Step]) -> Counter[str]:
    """How much these steps weigh on each brake together."""
    total: Counter[str] = Counter()
    for step in steps:
        for name, weight in BRAKES.items():
            if counted := weight(step):
                total[name] += counted
    return total


@dataclass(slots=True)
class Tally:
    """What a plan amounts to, added up while it is decided batch by batch."""

    counts: Counter[str] = field(default_factory=Counter)
    due: int = 0
    hash: PlanHash = field(default_factory=PlanHash)

    def add(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if step.is_due:
                self.due += 1
                self.hash.add(step)
                self.counts.update(weights((step,)))


def braked(
    batches: Iterable[Batch],
    tally: Tally,
    parked: tuple[Parked, ...],
    tripped: tuple[Tripped, ...],
    approved: Collection[str],
) -> Plan:
    """The plan, with the steps of tripped brakes held unless exactly that set was approved."""
    if not tripped:
        return Plan(batches, parked, due_count=tally.due, hash=str(tally.hash))
    counted = [BRAKES[one.brake] for one in tripped]

    def holds(step: Step) -> bool:
        return step.is_due and any(weight(step) for weight in counted)

    held, ticket = 0, PlanHash()
    for step in (s for batch in batches for s in batch.steps if holds(s)):
        held += 1
        ticket.add(step)
    if str(ticket) in approved:
        return Plan(batches, parked, due_count=tally.due, hash=str(tally.hash), released=str(ticket))
    return Plan(
        batches, parked, tripped, holds, tally.due - held, held, str(tally.hash), held_hash=str(ticket)
    )


def tripped(
    counts: Mapping[str, int], recent: Mapping[str, int], population: int, policy: BrakePolicy, today: date
) -> tuple[Tripped, ...]:
    """`recent`: what was done in the last 24 hours without an approval, by brake."""
    found = []
    for name in BRAKES:
        count, before = counts.get(name, 0), recent.get(name, 0)
        limit = limit_on(today, name, policy).of(population)
        if count and count + before > limit:
            found.append(Tripped(name, count, before, limit, population))
    return tuple(found)


def limit_on(today: date, brake: str, policy: BrakePolicy) -> Limit:
    """That of the first calendar window which holds today and names the brake, else the ordinary one."""
    for window in policy.windows:
        if brake in window.limits and window.holds(today):
            return window.limits[brake]
    limit = getattr(policy, brake)
    assert isinstance(limit, Limit)
    return limit


def is_shrunk(rows: int, last_good: int, policy: BrakePolicy) -> bool:
    """Whether a registry lost more rows since its last good fetch than policy believes."""
    believed = max(policy.shrink_always_allowed, last_good * policy.shrink_percent / 100)
    return last_good - rows > believed


def is_grown(rows: int, last_good: int, policy: BrakePolicy) -> bool:
    """Whether a registry has more new rows since its last good fetch than policy believes."""
    believed = max(policy.grow_always_allowed, last_good * policy.grow_percent / 100)
    return rows - last_good > believed
