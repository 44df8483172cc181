"""What one cycle wants to do, as data: steps (one person each), what brakes hold back, and a hash of that."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from provisiond.domain.changes import Change
from provisiond.domain.model import Notice, State


@dataclass(frozen=True, slots=True)
class Identity:
    """Identifiers given to a person once and for ever."""

    account_name: str
    uid_number: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """Everything that is due for one person, committed together.

    `identity` is set for a new account only; `from_state` is None then. `reasons` say why, as sentences.
    `next_on`: the day (university zone) on which the person must be looked at again, None: never by time.
    `ends_access`: log-in, a managed group, a licence or the listing is taken away; `renames`: a shown name
    becomes another one.
    """

    person_id: str
    student_id: str
    account_name: str
    identity: Identity | None
    from_state: State | None
    to_state: State
    changes: tuple[Change, ...]
    notices: tuple[Notice, ...]
    reasons: tuple[str, ...]
    next_on: date | None
    ends_access: bool
    renames: bool

    @property
    def transition(self) -> bool:
        return self.from_state is not self.to_state

    @property
    def is_due(self) -> bool:
        """Whether anything would be seen by others: quiet steps only store facts and the next date."""
        return bool(self.changes or self.notices or self.transition)


@dataclass(frozen=True, slots=True)
class Parked:
    """A person who cannot be served now, and why; visible until the cause is gone."""

    person_id: str
    student_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tripped:
    """A brake that refuses: `count` of `brake` is above `limit` at `population` managed accounts."""

    brake: str
    count: int
    limit: int
    population: int

    @property
    def sentence(self) -> str:
        return f"{self.count} {self.brake}, {self.limit} allowed for {self.population} accounts"


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` may be applied; `held` may not until an operator approves `held_hash`. `released`: the approved
    hash that let steps through which a brake had held."""

    steps: tuple[Step, ...]
    held: tuple[Step, ...]
    tripped: tuple[Tripped, ...]
    parked: tuple[Parked, ...]
    released: str | None = None

    @property
    def due(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.is_due)

    @property
    def is_due(self) -> bool:
        return bool(self.due or self.held)

    @property
    def hash(self) -> str:
        """Hash of everything that would be done, held or not."""
        return plan_hash((*self.due, *self.held))

    @property
    def held_hash(self) -> str | None:
        return plan_hash(self.held) if self.held else None


def plan_hash(steps: Iterable[Step]) -> str:
    """SHA-256 (16 hex digits) over what the steps would do, whatever their order.

    Reasons and next dates are left out: they tell, they do not act."""
    lines = sorted(
        repr((s.person_id, s.account_name, s.from_state, s.to_state, s.changes, [n.key for n in s.notices]))
        for s in steps
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
