"""A lost ledger made again from the directory and the registries: the same accounts, names and states, and no name
that was ever seen is free. Lost for good are extensions, freezes and who was told of a coming expiry: nobody expires
without being told again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from provisiond.cycle import Cycle
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import NoticeKind, State
from provisiond.domain.takeover import Takeover, rebuilt
from provisiond.fetches import RefusedFetch
from provisiond.ports import Kind

A_BATCH = 500
# of these a second one does no harm, and nobody expires who cannot be shown to have had the first
TOLD_AGAIN = frozenset({NoticeKind.GRACE_BEGUN, NoticeKind.EXPIRY_REMINDER, NoticeKind.EXPIRY})
REPLY = "told before the ledger was rebuilt"

T = TypeVar("T")


@dataclass(slots=True)
class Rebuilt:
    """`locked`: account names whose log-in had ended and stays so by a lock; `troubles`: entries that could not be
    taken back, their names are kept; `refused`: registries, without which the rebuild is not ended."""

    states: Counter[State] = field(default_factory=Counter)
    locked: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    refused: tuple[RefusedFetch, ...] = ()
    names: int = 0
    told: int = 0

    @property
    def accounts(self) -> int:
        return self.states.total()


def rebuild(cycle: Cycle, actor: str) -> Rebuilt:
    """Raises RejectedError where the ledger is not empty."""
    now, ledger = cycle.clock.now(), cycle.ledger
    ledger.begin_rebuild(actor, now)
    found = Rebuilt()
    for batch in _found(cycle, now, found):
        refused = ledger.take_over(batch, "rebuilt", actor, now)
        found.troubles += [f"{parked.student_id}: {parked.reason}" for parked in refused]
        left_out = {parked.person_id for parked in refused}
        _count(found, [one for one in batch if one.person_id not in left_out])
        cycle.progress("accounts", found.accounts, 0)
    for names in batches(_names(cycle), A_BATCH):
        ledger.keep_names(names, now)
        found.names += len(names)
        cycle.progress("names", found.names, 0)
    found.refused = _tell(cycle, found, now)
    if not found.refused:
        ledger.end_rebuild(actor, now)
    return found


def rehearsed(cycle: Cycle) -> Rebuilt:
    """What `rebuild` would take back; writes nothing."""
    if next(iter(cycle.ledger.all_students()), None) and not cycle.ledger.is_half_rebuilt():
        raise RejectedError("the ledger knows accounts already: only an empty one is made again")
    found = Rebuilt()
    for batch in _found(cycle, cycle.clock.now(), found):
        _count(found, batch)
    return found


def batches(items: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    rest = iter(items)
    while batch := tuple(islice(rest, size)):
        yield batch


def _found(cycle: Cycle, now: datetime, found: Rebuilt) -> Iterator[Sequence[Takeover]]:
    today = now.astimezone(cycle.zone).date()
    accounts = (m.sighting.person_id for m in cycle.directory.marked() if m.sighting.kind is Kind.ACCOUNT)
    for people in batches(accounts, A_BATCH):
        seen = cycle.directory.observe(dict.fromkeys(people, ""))
        said = [rebuilt(person_id, one, cycle.policy, now, today) for person_id, one in seen.items()]
        found.troubles += [each for each in said if isinstance(each, str) and each not in found.troubles]
        yield [each for each in said if isinstance(each, Takeover)]


def _count(found: Rebuilt, taken: Sequence[Takeover]) -> None:
    found.states.update(one.state for one in taken)
    found.locked += [one.identity.account_name for one in taken if one.holds]


def _names(cycle: Cycle) -> Iterator[tuple[str, str | None]]:
    for entry in cycle.directory.survey():
        yield from ((name, entry.person_id) for name in sorted(entry.names))


def _tell(cycle: Cycle, found: Rebuilt, now: datetime) -> tuple[RefusedFetch, ...]:
    """What a cycle would tell now of states that are not new was told before."""
    result = cycle.plan()
    for batch in result.plan.batches:
        steps = [step for step in batch.steps if not step.transition]
        told = [n for step in steps for n in step.notices if n.kind not in TOLD_AGAIN]
        cycle.ledger.told_before(told, REPLY, now)
        found.told += len(told)
    return result.refused
