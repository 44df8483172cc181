"""A ledger in memory: keeps the contract of ports.Ledger (tests/contract runs on it too), forgets at exit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from provisiond.adapters.ledger import chain
from provisiond.adapters.ledger.chain import End, Happened
from provisiond.domain import orders
from provisiond.domain.digest import record_digest
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import (
    Account,
    Extension,
    Fetch,
    Hold,
    HoldKind,
    Notice,
    NoticeStatus,
    OutboxItem,
    RegistryRecord,
    Rejection,
    State,
)
from provisiond.domain.plan import Identity, Parked, Step
from provisiond.ports import AccountFilter, FetchMark, HeldPlan, HistoryLine


@dataclass(slots=True)
class FakeLedger:
    people: dict[str, Account] = field(default_factory=dict)
    identifiers: dict[str, str] = field(default_factory=dict)
    records: dict[tuple[str, str, str], tuple[str, RegistryRecord]] = field(default_factory=dict)
    items: dict[str, OutboxItem] = field(default_factory=dict)
    lines: list[HistoryLine] = field(default_factory=list)
    fetches: dict[str, FetchMark] = field(default_factory=dict)
    refused: dict[str, tuple[Rejection, ...]] = field(default_factory=dict)
    plans: dict[str, HeldPlan] = field(default_factory=dict)
    parking: dict[str, list[Parked]] = field(default_factory=dict)
    parked_at: dict[str, datetime] = field(default_factory=dict)
    ordered_at: dict[str, datetime] = field(default_factory=dict)

    # -- what to work on -------------------------------------------------------------------------------
    def digests(self, source: str) -> dict[tuple[str, str], str]:
        return {key[1:]: record_digest(r) for key, (_, r) in self.records.items() if key[0] == source}

    def due(self, today: date) -> list[str]:
        return sorted(person for person, account in self.people.items() if _due(account, today))

    def load(self, person_ids: Iterable[str]) -> dict[str, Account]:
        return {person: self._whole(person) for person in person_ids if person in self.people}

    def load_students(self, student_ids: Iterable[str]) -> dict[str, Account]:
        wanted = set(student_ids)
        return {a.student_id: self._whole(p) for p, a in self.people.items() if a.student_id in wanted}

    def find(self, text: str) -> Account | None:
        by_student = {account.student_id: person for person, account in self.people.items()}
        by_name = self.identifiers.get(text.partition("@")[0].lower())
        person = by_student.get(text) or by_name or text
        return self._whole(person) if person in self.people else None

    def accounts(self, wanted: AccountFilter) -> list[Account]:
        found = [self._whole(person) for person in self.people]
        return sorted((a for a in found if _matches(a, wanted)), key=lambda a: a.account_name)

    def population(self) -> int:
        return sum(a.state not in (State.TERMINATED, State.ALUMNI) for a in self.people.values())

    # -- identifiers -----------------------------------------------------------------------------------
    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        return {p: frozenset(n for n in self.identifiers if n.startswith(p.lower())) for p in prefixes}

    def next_uid_number(self, first: int) -> int:
        return max([first, *(a.uid_number + 1 for a in self.people.values() if a.uid_number is not None)])

    # -- steps -----------------------------------------------------------------------------------------
    def reserve(self, steps: Sequence[Step], domain: str, at: datetime) -> list[Parked]:
        refused = []
        for step in steps:
            if step.identity is None:
                continue
            if reason := self._objection(step, step.identity):
                refused.append(Parked(step.person_id, step.student_id, reason))
            elif step.person_id not in self.people:
                self._create(step, step.identity, at)
        return refused

    def commit(
        self, steps: Sequence[Step], records: Mapping[str, Sequence[RegistryRecord]], at: datetime
    ) -> None:
        self._require([*(step.person_id for step in steps), *records])
        for step in steps:
            account = self.people[step.person_id]
            called = step.person_id in self.ordered_at and self.ordered_at[step.person_id] > at
            next_on = account.next_on if called else step.next_on
            self.people[step.person_id] = replace(account, state=step.to_state, applied=True, next_on=next_on)
            self._add(step.notices, at)
            if step.is_due:
                self._tell(Happened(_event(step), step.person_id, at, "cycle", {}, " ".join(step.reasons)))
        self.records.update({r.key: (person, r) for person, given in records.items() for r in given})
        self.unpark(step.person_id for step in steps)

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

    # -- orders ----------------------------------------------------------------------------------------
    def activate(self, person_id: str, actor: str, at: datetime) -> None:
        self._require([person_id])
        if self.people[person_id].activated_at is None:
            self._order("activated", person_id, orders.Activate(at, actor), actor, at)

    def hold(self, person_id: str, hold: Hold) -> None:
        self._order("hold-set", person_id, orders.SetHold(hold), hold.actor, hold.set_at, hold.reason)

    def release(self, person_id: str, kind: HoldKind | None, actor: str, reason: str, at: datetime) -> int:
        holds = self.people[person_id].holds if person_id in self.people else ()
        ended = [hold for hold in holds if kind in (None, hold.kind)]
        for hold in ended:
            order = orders.Release(hold.kind, at, actor, reason)
            self._order("hold-released", person_id, order, actor, at, reason)
        return len(ended)

    def extend(self, person_id: str, extension: Extension) -> None:
        order, at = orders.Extend(extension), extension.granted_at
        self._order("extended", person_id, order, extension.actor, at, extension.reason)

    # -- registry --------------------------------------------------------------------------------------
    def mark_fetch(self, fetch: Fetch, at: datetime) -> None:
        before = self.fetches.get(fetch.source)
        self.fetches[fetch.source] = FetchMark(fetch.digest, fetch.rows, at)
        self.refused[fetch.source] = fetch.rejections
        if before is None or before.digest != fetch.digest:
            self._tell(Happened("fetch-accepted", None, at, "cycle", {}))

    def last_fetch(self, source: str) -> FetchMark | None:
        return self.fetches.get(source)

    def rejections(self) -> list[Rejection]:
        everything = [one for refused in self.refused.values() for one in refused]
        return sorted(everything, key=lambda one: (one.source, one.line))

    # -- brakes ----------------------------------------------------------------------------------------
    def hold_plan(self, plan_hash: str, summary: str, notices: Sequence[Notice], at: datetime) -> bool:
        if self._unspent(plan_hash):
            return False
        self.plans[plan_hash] = HeldPlan(plan_hash, summary, at, None, None)
        self._add(notices, at)
        self._tell(Happened("plan-held", None, at, "cycle", {}))
        return True

    def held_plans(self) -> list[HeldPlan]:
        unspent = [plan for plan in self.plans.values() if plan.spent_at is None]
        return sorted(unspent, key=lambda plan: plan.told_at, reverse=True)

    def approve(self, plan_hash: str, actor: str, at: datetime) -> HeldPlan | None:
        plan = self._unspent(plan_hash)
        if plan and plan.approved_by is None:
            self.plans[plan_hash] = replace(plan, approved_by=actor)
            self._tell(Happened("plan-approved", None, at, actor, {}))
        return self._unspent(plan_hash)

    def spend(self, plan_hash: str, at: datetime) -> bool:
        plan = self._unspent(plan_hash)
        if plan is None or plan.approved_by is None:
            return False
        self.plans[plan_hash] = replace(plan, spent_at=at)
        self._tell(Happened("plan-spent", None, at, "cycle", {}))
        return True

    # -- outbox and history ----------------------------------------------------------------------------
    def outbox(self, status: NoticeStatus | None = None) -> list[OutboxItem]:
        wanted = [item for item in self.items.values() if status in (None, item.status)]
        return sorted(wanted, key=lambda i: (i.decided_at, i.notice.due_on, i.notice.key))

    def settle(self, keys: Iterable[str], status: NoticeStatus, reply: str, actor: str, at: datetime) -> int:
        due = [i for i in map(self.items.get, dict.fromkeys(keys)) if i and i.status is NoticeStatus.DUE]
        for item in due:
            self.items[item.notice.key] = replace(item, status=status, settled_at=at, reply=reply)
            self._call(item.notice.person_id, at)
            self._tell(Happened("notice-settled", item.notice.person_id, at, actor, {}))
        return len(due)

    def history(self, person_id: str | None = None) -> list[HistoryLine]:
        return [line for line in self.lines if person_id in (None, line.person_id)]

    def verify_history(self) -> str | None:
        return chain.broken(self.lines, self._end())

    # -- inside ----------------------------------------------------------------------------------------
    def _end(self) -> End:
        return End(self.lines[-1].seq, self.lines[-1].hash) if self.lines else End()

    def _tell(self, happened: Happened) -> None:
        self.lines += chain.sealed(self._end(), [happened])

    def _whole(self, person: str) -> Account:
        records = tuple(r for _, (p, r) in sorted(self.records.items()) if p == person)
        notices = tuple(item for item in self.outbox() if item.notice.person_id == person)
        return replace(self.people[person], records=records, outbox=notices)

    def _require(self, person_ids: Iterable[str]) -> None:
        for person in person_ids:
            if person not in self.people:
                raise RejectedError(f"no account in the ledger for person {person}")

    def _order(
        self, event: str, person: str, order: orders.Order, actor: str, at: datetime, reason: str = ""
    ) -> None:
        self._require([person])
        self.people[person] = orders.ordered(self.people[person], order)
        self._call(person, at)
        self._tell(Happened(event, person, at, actor, {}, reason))

    def _call(self, person: str | None, at: datetime) -> None:
        if person in self.people:
            self.ordered_at[person] = at
            self.people[person] = replace(self.people[person], next_on=at.date() - timedelta(days=1))

    def _add(self, notices: Iterable[Notice], at: datetime) -> None:
        for notice in notices:
            self.items.setdefault(notice.key, OutboxItem(notice, NoticeStatus.DUE, at, None, None))

    def _unspent(self, plan_hash: str) -> HeldPlan | None:
        plan = self.plans.get(plan_hash)
        return plan if plan and plan.spent_at is None else None

    def _objection(self, step: Step, identity: Identity) -> str | None:
        me = step.person_id
        if self.identifiers.get(identity.account_name.lower(), me) != me:
            return f"the name {identity.account_name} was given to another person"
        others = [account for person, account in self.people.items() if person != me]
        if identity.uid_number is not None and identity.uid_number in {a.uid_number for a in others}:
            return f"the uid number {identity.uid_number} was given to another person"
        if step.student_id in {a.student_id for a in others}:
            return f"the account of student {step.student_id} belongs to another person ID"
        mine = self.people.get(me)
        if mine and Identity(mine.account_name, mine.uid_number) != identity:
            return f"this person has the account {mine.account_name} already, with other identifiers"
        return None

    def _create(self, step: Step, identity: Identity, at: datetime) -> None:
        self.identifiers[identity.account_name.lower()] = step.person_id
        self.people[step.person_id] = Account(
            person_id=step.person_id,
            student_id=step.student_id,
            account_name=identity.account_name,
            uid_number=identity.uid_number,
            state=step.to_state,
            applied=False,
            created_at=at,
            activated_at=None,
            unlisted=False,
            next_on=step.next_on,
            records=(),
            holds=(),
            extensions=(),
            outbox=(),
        )
        self._tell(Happened("account-created", step.person_id, at, "cycle", {}, " ".join(step.reasons)))


def _event(step: Step) -> str:
    if step.transition:
        return "state-changed"
    return "entries-changed" if step.changes else "notices-decided"


def _due(account: Account, by: date) -> bool:
    return not account.applied or (account.next_on is not None and account.next_on <= by)


def _matches(account: Account, wanted: AccountFilter) -> bool:
    if wanted.state is not None and account.state is not wanted.state:
        return False
    if wanted.due_by is not None and not _due(account, wanted.due_by):
        return False
    texts = (account.student_id, account.account_name, *(r.programme for r in account.records))
    return wanted.text is None or any(text.lower().startswith(wanted.text.lower()) for text in texts)
