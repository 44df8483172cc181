"""What one cycle wants to do, as data: steps (one person each), what brakes hold back, and a hash of that.

Steps are decided batch by batch and may be more than memory holds: a plan reads them as often as it is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from provisiond.domain.changes import Change
from provisiond.domain.model import Notice, RegistryRecord, State


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
class Proof:
    """By what a person can prove who they are: keyed digests of Hong Kong ID numbers and birth dates."""

    hkid: frozenset[str] = field(repr=False)
    birth: frozenset[str] = field(repr=False)

    @classmethod
    def of(cls, records: Iterable[RegistryRecord]) -> Proof | None:
        """None where the records hold neither."""
        every = tuple(records)
        hkid = frozenset(r.hkid_digest for r in every if r.hkid_digest)
        birth = frozenset(r.birth_digest for r in every if r.birth_digest)
        return cls(hkid, birth) if hkid or birth else None


@dataclass(frozen=True, slots=True)
class Unserved:
    """A student who should have an account and does not yet."""

    person_id: str
    student_id: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class Parked:
    """A person who cannot be served now, and why; visible until the cause is gone. `proof`: of one who has no
    account, so that the portal can tell them that something is in the way."""

    person_id: str
    student_id: str
    reason: str
    proof: Proof | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Steps decided together, and the records (by student ID) to be committed with them."""

    steps: tuple[Step, ...]
    records: Mapping[str, tuple[RegistryRecord, ...]] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Tripped:
    """A brake that refuses: `count` of `brake`, with `recent` ones of the last 24 hours, is above `limit` at
    `population` managed accounts."""

    brake: str
    count: int
    recent: int
    limit: int
    population: int

    @property
    def sentence(self) -> str:
        recent = f" and {self.recent} in the last 24 hours" if self.recent else ""
        return f"{self.count} {self.brake}{recent}, {self.limit} allowed for {self.population} accounts"


def _nothing_held(_step: Step) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be applied, and what may not until an operator approves `held_hash`. `released`: the approved
    hash that let steps through which a brake had held. `hash` covers everything that is due, held or not."""

    batches: Iterable[Batch]  # can be read again
    parked: tuple[Parked, ...] = ()
    tripped: tuple[Tripped, ...] = ()
    holds: Callable[[Step], bool] = _nothing_held
    due_count: int = 0  # of steps that are not held
    held_count: int = 0
    hash: str = ""
    held_hash: str | None = None
    released: str | None = None

    @property
    def steps(self) -> Iterator[Step]:
        return (s for batch in self.batches for s in batch.steps if not self.holds(s))

    @property
    def held(self) -> Iterator[Step]:
        if not self.held_count:
            return iter(())
        return (s for batch in self.batches for s in batch.steps if self.holds(s))

    @property
    def due(self) -> Iterator[Step]:
        return (step for step in self.steps if step.is_due)

    @property
    def is_due(self) -> bool:
        return bool(self.due_count or self.held_count)


class PlanHash:
    """SHA-256 over what steps would do, added up so that neither their order nor the batches matter.

    Reasons and next dates are left out: they tell, they do not act."""

    __slots__ = ("_sum",)

    def __init__(self) -> None:
        self._sum = 0

    def add(self, step: Step) -> None:
        notices = [notice.key for notice in step.notices]
        acts = (step.person_id, step.account_name, step.from_state, step.to_state, step.changes, notices)
        self._sum += int.from_bytes(hashlib.sha256(repr(acts).encode()).digest())

    def __str__(self) -> str:
        total = (self._sum % 2**256).to_bytes(32)
        return hashlib.sha256(total).hexdigest()[:16]
