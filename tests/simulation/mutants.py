"""Ten planted bugs, each in the place of one part: mistakes that systems of this kind have made. The simulator has
to find every one of them, or it proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from provisiond.cycle import Cycle
from provisiond.domain.changes import AddEntry, Change, Mod, ModifyEntry, Op
from provisiond.domain.model import Fetch, Notice, NoticeStatus, RegistryRecord
from provisiond.domain.plan import Parked, Step
from provisiond.domain.policy import BrakePolicy, LifecyclePolicy, Limit, Policy
from provisiond.ports import Done, Outcome, Refused
from provisiond.result import Observation
from tests.rigs.directory import FakeDirectory
from tests.rigs.ledger import FakeLedger
from tests.simulation.campus import Parts, small_policy

GROUPS = ("students", "library", "alumni")


class NoReadBack(FakeDirectory):
    """`entryAlreadyExists` is taken for "done"."""

    def __init__(self) -> None:
        super().__init__(groups=GROUPS)

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        outcomes = super().apply(batches)
        return [Done() if isinstance(o, Refused) and o.code == 68 else o for o in outcomes]


class TakesAll(NoReadBack):
    """Shared attributes are replaced: what others added is lost."""

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        return FakeDirectory.apply(self, [[_replacing(change) for change in batch] for batch in batches])


def _replacing(change: Change) -> Change:
    if not isinstance(change, ModifyEntry):
        return change
    mods = tuple(Mod(Op.REPLACE, m.attribute, m.values) if m.op is Op.ADD else m for m in change.mods)
    return replace(change, mods=mods)


class SkipsHalf(NoReadBack):
    """The second change of a batch is forgotten where the first one is an addition."""

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        return FakeDirectory.apply(
            self,
            [
                [c for c in batch if not (isinstance(c, AddEntry) and c.what == "listing")]
                for batch in batches
            ],
        )


class ReusesNames(FakeLedger):
    """The name of somebody who was withdrawn is free again."""

    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        return {prefix: frozenset() for prefix in prefixes}

    def reserve(self, steps: Sequence[Step], domain: str, at: datetime) -> list[Parked]:
        for step in steps:
            if step.identity:
                self.names.pop(step.identity.account_name, None)
        return super().reserve(steps, domain, at)


class ForgetsNotices(FakeLedger):
    """A notice has a new key each day: it is told again and again."""

    def _add(self, notices: Iterable[Notice], at: datetime) -> None:
        super()._add([replace(n, key=f"{n.key}:{at.isoformat()}") for n in notices], at)


class SettlesAtOnce(FakeLedger):
    """Send, then mark, the wrong way round: marked as accepted before anybody took it."""

    def _add(self, notices: Iterable[Notice], at: datetime) -> None:
        known = set(self.items)
        super()._add(notices, at)
        for key in set(self.items) - known:
            self.items[key] = replace(self.items[key], status=NoticeStatus.ACCEPTED, settled_at=at)


class ForgetsBeginnings(FakeLedger):
    """What was begun counts as done: a crash leaves entries half-written and nobody looks."""

    def reserve(self, steps: Sequence[Step], domain: str, at: datetime) -> list[Parked]:
        refused = super().reserve(steps, domain, at)
        self.unfinished.clear()
        for step in steps:
            if step.person_id in self.people:
                self.people[step.person_id] = replace(self.people[step.person_id], applied=True)
        return refused


class SettlesEverything(FakeLedger):
    """A fetch counts as taken over whole, whoever was held, refused or parked."""

    def mark_fetch(self, fetch: Fetch, unsettled: Iterable[str], at: datetime, today: date) -> None:
        super().mark_fetch(fetch, (), at, today)


class EatsErrors(Cycle):
    """What the directory refused or did not answer is committed all the same."""

    def _committed(self, written: Any, seen: Observation, failed: list[Parked]) -> int:
        return Cycle._committed(
            self, replace(written, outcomes=[Done()] * len(written.outcomes)), seen, failed
        )


class CommitsFirst(Cycle):
    """The ledger is told before the directory is: a crash between leaves entries that nobody makes."""

    def _reserved(self, batch: Any, now: datetime, failed: list[Parked]) -> Any:
        kept = Cycle._reserved(self, batch, now, failed)
        records: Mapping[str, Sequence[RegistryRecord]] = {
            s.person_id: batch.records.get(s.student_id, ()) for s in kept.steps
        }
        self.ledger.commit(kept.steps, records, now)
        return kept


def no_brake() -> Policy:
    everything = Limit(10**6, 100, 10**6)
    brakes = BrakePolicy(losses=everything, renames=everything, completions=everything, mails=everything)
    return replace(small_policy(), brakes=brakes)


def no_notice_needed() -> Policy:
    return replace(small_policy(), lifecycle=LifecyclePolicy(required_notices=frozenset()))


def absent_means_left() -> Policy:
    policy = small_policy()
    return replace(policy, lifecycle=replace(policy.lifecycle, absent_fetches=1))


MUTANTS: dict[str, Parts] = {
    "no read-back": Parts(directory=NoReadBack),
    "foreign values replaced": Parts(directory=TakesAll),
    "listing forgotten": Parts(directory=SkipsHalf),
    "names reused": Parts(ledger=ReusesNames),
    "notices with new keys": Parts(ledger=ForgetsNotices),
    "marked before sent": Parts(ledger=SettlesAtOnce),
    "begun counts as done": Parts(ledger=ForgetsBeginnings),
    "unfinished counts as settled": Parts(ledger=SettlesEverything),
    "errors committed": Parts(cycle=EatsErrors),
    "commit before write": Parts(cycle=CommitsFirst),
    "no brake": Parts(policy=no_brake),
    "no notice needed": Parts(policy=no_notice_needed),
}
