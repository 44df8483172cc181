"""What a cycle is asked to look at, what it found before it wrote, and what became of it: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from provisiond.domain.model import Rejection
from provisiond.domain.orders import Order
from provisiond.domain.plan import Parked, Plan
from provisiond.drift import Look
from provisiond.fetches import Fetches, RefusedFetch
from provisiond.workset import WorkSet


@dataclass(frozen=True, slots=True)
class Work:
    """What to look at beside what fell due: certain persons only (no registry is read; with one order, for one
    of them), or everybody."""

    student_ids: tuple[str, ...] | None = None
    order: Order | None = None
    everyone: bool = False


WHAT_IS_DUE = Work()


@dataclass(frozen=True, slots=True)
class Absent:
    """Persons of whom complete fetches did not name everything the ledger knows (a programme, or all of
    them): reported; what it means is policy's."""

    source: str
    student_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What one cycle found and did. `failed`: persons whom the directory refused, or whose outcome is unknown (so
    many as `unknown` says)."""

    at: datetime
    plan: Plan
    refused: tuple[RefusedFetch, ...]
    rejections: tuple[Rejection, ...]
    absent: tuple[Absent, ...]
    drifted: tuple[str, ...] = ()  # students whose entries were changed by others
    looked_at: int = 0
    applied: int = 0
    failed: tuple[Parked, ...] = ()
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """What was found before anything was written. `drifted`: students whose entries others left with something
    to repair; `orders` that this cycle answers; `served`: students who had their turn in a pause, so that what was
    decided of them counts no more; `unknown`: of whom it is not known what the directory did."""

    now: datetime
    fetches: Fetches
    work: WorkSet
    plan: Plan
    absent: tuple[Absent, ...]
    drifted: frozenset[str]
    look: Look | None
    orders: Mapping[str, datetime]
    served: set[str]
    unknown: set[str] = field(default_factory=set)

    @property
    def by_others(self) -> frozenset[str]:
        """Whom no order explains: the portal sets a password with each activation, and orders with it."""
        return self.drifted - self.orders.keys()

    def close(self) -> None:
        if self.look:
            self.look.close()

    def result(self, applied: int = 0, failed: tuple[Parked, ...] = ()) -> Result:
        return Result(
            at=self.now,
            plan=self.plan,
            refused=self.fetches.refused,
            rejections=self.fetches.rejections,
            absent=self.absent,
            drifted=tuple(sorted(self.by_others)),
            looked_at=self.work.looked_at,
            applied=applied,
            failed=failed,
            unknown=len(self.unknown),
        )
