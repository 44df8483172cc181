"""Everything compared: each entry with our mark against what the ledger knows. Those that changed since they were
known to be right are looked at whole and decided by the cycle, with its brakes; the others cost a line of a scan."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from provisiond.comparison import Comparison, Stranger
from provisiond.cycle import Cycle
from provisiond.result import Result, Work


@dataclass(frozen=True, slots=True)
class Audited:
    """`entries` were compared, of `looked_at` persons whole. `result`: what differs, and what became of it; None
    when nothing had to be looked at."""

    entries: int
    looked_at: int
    strangers: tuple[Stranger, ...]
    result: Result | None

    @property
    def is_well(self) -> bool:
        return not self.strangers and not (self.result and (self.result.plan.is_due or self.result.failed))


def audit(cycle: Cycle, *, fix: bool, actor: str) -> Audited:
    """Without `fix` nothing is written to the directory. What was found right the ledger remembers, so that the
    next audit need not look at it again; and that there was one."""
    with closing(Comparison(cycle.directory, cycle.ledger, checking=True)) as comparison:
        suspects = comparison.suspects()
        work = Work(student_ids=suspects)
        result = (cycle.run if fix else cycle.plan)(work) if suspects else None
        comparison.clear(_unfinished(result) if result else ())
        cycle.ledger.sight(comparison.news(), comparison.gone())
        strangers = tuple(comparison.strangers())
        audited = Audited(comparison.entries, len(suspects), strangers, result)
        told = f"{audited.entries} entries, {audited.looked_at} persons looked at"
        cycle.ledger.audited(
            cycle.clock.now(), actor, told if audited.is_well else f"{told}; something differed"
        )
        return audited


def _unfinished(result: Result) -> set[str]:
    """Students of whom something differed, or who could not be decided."""
    changed = {step.student_id for batch in result.plan.batches for step in batch.steps if step.changes}
    return changed.union(parked.student_id for parked in (*result.plan.parked, *result.failed))
