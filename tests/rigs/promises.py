"""The half of the fake ledger that knows no accounts: history, brakes, fetches, parking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from provisiond.adapters.ledger import chain
from provisiond.adapters.ledger.chain import Happened
from provisiond.domain.model import Notice, Rejection
from provisiond.domain.plan import Parked, Unserved
from provisiond.ports import HeldPlan, HistoryLine
from tests.rigs.bounced import Bounced


@dataclass(slots=True)
class Promises(Bounced):
    refused: dict[str, tuple[Rejection, ...]] = field(default_factory=dict)
    plans: dict[str, HeldPlan] = field(default_factory=dict)
    parking: dict[str, list[Parked]] = field(default_factory=dict)
    parked_at: dict[str, datetime] = field(default_factory=dict)
    kept_back: dict[str, str] = field(default_factory=dict)  # student ID → person ID

    def park(self, parked: Sequence[Parked], at: datetime) -> None:
        before = {person: list(reasons) for person, reasons in self.parking.items()}
        for person in {one.person_id for one in parked}:
            self.parking[person] = []
            self.parked_at.setdefault(person, at)
        for one in dict.fromkeys(parked):
            self.parking[one.person_id].append(one)
            if one not in before.get(one.person_id, []):
                self._tell(Happened("parked", one.person_id, at, "cycle", {}, one.reason))

    def parked(self) -> list[Parked]:
        everyone = [one for reasons in self.parking.values() for one in reasons]
        return sorted(everyone, key=lambda one: (self.parked_at[one.person_id], one.student_id, one.reason))

    def unpark(self, person_ids: Iterable[str]) -> None:
        for person in person_ids:
            self.parking.pop(person, None)
            self.parked_at.pop(person, None)
            self.kept_back = {s: p for s, p in self.kept_back.items() if p != person}

    def hold_back(self, unserved: Iterable[Unserved]) -> None:
        self.kept_back.update({one.student_id: one.person_id for one in unserved})

    def held_back(self) -> dict[str, str]:
        return dict(self.kept_back)

    # -- registry --------------------------------------------------------------------------------------
    def rejections(self) -> list[Rejection]:
        everything = [one for refused in self.refused.values() for one in refused]
        return sorted(everything, key=lambda one: (one.source, one.line))

    # -- brakes ----------------------------------------------------------------------------------------
    def hold_plan(self, plan_hash: str, summary: str, notices: Sequence[Notice], at: datetime) -> bool:
        if self._unspent(plan_hash):
            return False
        self.plans[plan_hash] = HeldPlan(plan_hash, summary, at, None, None, None)
        self._add(notices, at)
        self._tell(Happened("plan-held", None, at, "cycle", {}))
        return True

    def held_plans(self) -> list[HeldPlan]:
        unspent = [plan for plan in self.plans.values() if plan.spent_at is None]
        return sorted(unspent, key=lambda plan: plan.told_at, reverse=True)

    def held_plan(self, plan_hash: str) -> HeldPlan | None:
        return self.plans.get(plan_hash)

    def approve(self, plan_hash: str, actor: str, at: datetime) -> HeldPlan | None:
        plan = self._unspent(plan_hash)
        if plan:
            self.plans[plan_hash] = replace(plan, approved_by=actor, approved_at=at)
            self._tell(Happened("plan-approved", None, at, actor, {}))
        return self._unspent(plan_hash)

    def spend(self, plan_hash: str, at: datetime) -> bool:
        plan = self._unspent(plan_hash)
        if plan is None or plan.approved_by is None:
            return False
        self.plans[plan_hash] = replace(plan, spent_at=at)
        self._tell(Happened("plan-spent", None, at, "cycle", {}))
        return True

    # -- history ---------------------------------------------------------------------------------------
    def history(self, person_id: str | None = None) -> list[HistoryLine]:
        return [line for line in self.lines if person_id in (None, line.person_id)]

    def verify_history(self) -> str | None:
        return chain.broken(self.lines, self._end())

    # -- inside ----------------------------------------------------------------------------------------
    def _unspent(self, plan_hash: str) -> HeldPlan | None:
        plan = self.plans.get(plan_hash)
        return plan if plan and plan.spent_at is None else None
