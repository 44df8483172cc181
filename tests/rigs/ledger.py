"""A ledger in memory: keeps the contract of ports.Ledger (tests/contract runs on it too), forgets at exit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from provisiond.adapters.ledger.chain import Happened
from provisiond.adapters.ledger.history import AUDITED
from provisiond.domain import orders
from provisiond.domain.changes import DeleteEntry
from provisiond.domain.digest import record_digest
from provisiond.domain.model import (
    Absence,
    Account,
    Extension,
    Fetch,
    Hold,
    HoldKind,
    Occurrence,
    RegistryRecord,
    State,
)
from provisiond.domain.plan import Identity, Parked, Step
from provisiond.fetches import COMPLAINT
from provisiond.ports import WAITING, AccountFilter, FetchMark, LedgerFacts, RecordKey
from tests.rigs.ledger_memory import FakeMemory
from tests.rigs.ordering import Ordering


@dataclass(slots=True)
class FakeLedger(Ordering):
    records: dict[tuple[str, str, str], tuple[str, RegistryRecord]] = field(default_factory=dict)
    memories: dict[str, FakeMemory] = field(default_factory=dict)
    weighed: list[tuple[datetime, Mapping[str, int]]] = field(default_factory=list)
    drift_watermark: str | None = None
    set_by: dict[RecordKey, RegistryRecord] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=set)  # whose entries may be half-written

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
        by_name = self.names.get(text.partition("@")[0].lower())
        person = by_student.get(text) or by_name or text
        return self._whole(person) if person in self.people else None

    def audited(self, at: datetime, actor: str, reason: str) -> None:
        self._tell(Happened(AUDITED, None, at, actor, {}, reason))

    def last_audit(self) -> datetime | None:
        return max((line.at for line in self.history() if line.event == AUDITED), default=None)

    def students(self) -> Iterator[tuple[str, str]]:
        yield from ((person, account.student_id) for person, account in self.people.items())

    def accounts(self, wanted: AccountFilter) -> list[Account]:
        found = [self._whole(person) for person in self.people]
        return sorted((a for a in found if _matches(a, wanted)), key=lambda a: a.account_name)

    def population(self) -> int:
        return sum(a.state not in (State.TERMINATED, State.ALUMNI) for a in self.people.values())

    def facts(self) -> LedgerFacts:
        items = list(self.items.values())
        undecided = [plan for plan in self.plans.values() if not plan.spent_at and not plan.approved_at]
        marks = {source: memory.mark for source, memory in self.memories.items()}
        return LedgerFacts(
            accounts=dict(Counter(account.state for account in self.people.values())),
            next_on=min((a.next_on for a in self.people.values() if a.next_on), default=None),
            parked=len(self.parking),
            rejections=len(self.rejections()),
            held_plans=sum(not plan.hash.startswith(COMPLAINT) for plan in undecided),
            notices=dict(Counter(item.status for item in items)),
            oldest_waiting_at=min((i.decided_at for i in items if i.status in WAITING), default=None),
            fetched_at={source: mark.at for source, mark in marks.items() if mark},
        )

    def due_students(self, today: date) -> Iterator[str]:
        return iter(
            sorted(a.student_id for p, a in self.people.items() if p in self.unfinished or _due(a, today))
        )

    def next_due(self, today: date) -> date | None:
        days = (account.next_on for account in self.people.values())
        return min((day for day in days if day and day > today), default=None)

    def all_students(self) -> Iterator[str]:
        return iter(sorted(a.student_id for a in self.people.values()))

    # -- fetches ---------------------------------------------------------------------------------------
    def memory(self, source: str) -> FakeMemory:
        return self.memories.setdefault(source, FakeMemory(source, self.records))

    def mark_fetch(self, fetch: Fetch, unsettled: Collection[str], at: datetime, today: date) -> None:
        memory = self.memory(fetch.source)
        memory.take(fetch, unsettled, today)
        if fetch.complete:
            self.set_aside((), [(fetch.source, *key) for key in fetch.gone])
        if memory.mark is None or memory.mark.digest != fetch.digest:
            self._tell(Happened("fetch-accepted", None, at, "cycle", {}))
        rows = fetch.rows if fetch.complete or memory.mark is None else memory.mark.rows
        memory.mark = FetchMark(fetch.digest, rows, at, fetch.etag, fetch.watermark)
        self.refused[fetch.source] = fetch.rejections

    def last_fetch(self, source: str) -> FetchMark | None:
        return self.memory(source).last()

    def set_aside(self, kept: Sequence[RegistryRecord], dropped: Collection[RecordKey]) -> None:
        self.set_by = {key: r for key, r in self.set_by.items() if key not in dropped}
        self.set_by.update({record.key: record for record in kept})

    def aside(self, student_ids: Iterable[str]) -> dict[str, tuple[RegistryRecord, ...]]:
        wanted, found = set(student_ids), dict[str, tuple[RegistryRecord, ...]]()
        for key, record in sorted(self.set_by.items()):
            if record.student_id in wanted:
                found[key[1]] = (*found.get(key[1], ()), record)
        return found

    def named_again(self, keys: Collection[RecordKey], at: datetime) -> None:
        for key in keys:
            self._call(self.records[key][0] if key in self.records else None, at)
        for memory in self.memories.values():
            memory.absences = {k: a for k, a in memory.absences.items() if k not in keys}

    def absences(self) -> list[Absence]:
        return sorted((a for m in self.memories.values() for a in m.absences.values()), key=lambda a: a.key)

    def call_absent(self, source: str, at_least: int, at: datetime) -> None:
        for absence in self.memory(source).absences.values():
            if absence.fetches == at_least:
                self._call(self.records[absence.key][0], at)

    # -- drift -----------------------------------------------------------------------------------------
    def watermark(self) -> str | None:
        return self.drift_watermark

    def set_watermark(self, watermark: str) -> None:
        self.drift_watermark = watermark

    def recent_weights(self, since: datetime) -> dict[str, int]:
        total: Counter[str] = Counter()
        for at, weights in self.weighed:
            if at > since:
                total.update(weights)
        return dict(total)

    def purge(self, before: datetime) -> int:
        weighed = [(at, weights) for at, weights in self.weighed if at >= before]
        plans = {h: p for h, p in self.plans.items() if p.spent_at is None or p.spent_at >= before}
        gone = sum(len(w) for _, w in self.weighed) - sum(len(w) for _, w in weighed)
        gone += len(self.plans) - len(plans)
        self.weighed, self.plans = weighed, plans
        return gone + self._purge_taken(before)

    # -- identifiers -----------------------------------------------------------------------------------
    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        every = self.names.keys() | self.foreign
        return {p: frozenset(n for n in every if n.startswith(p.lower())) for p in prefixes}

    def identifiers(self) -> Iterator[str]:
        return iter(sorted(self.names.keys() | self.foreign))

    def next_uid_number(self, first: int) -> int:
        return max([first, *(a.uid_number + 1 for a in self.people.values() if a.uid_number is not None)])

    # -- steps -----------------------------------------------------------------------------------------
    def reserve(self, steps: Sequence[Step], domain: str, at: datetime) -> list[Parked]:
        refused = []
        for step in steps:
            self.unfinished.add(step.person_id)
            if step.identity is None:
                continue
            if reason := self._objection(step.person_id, step.student_id, step.identity):
                refused.append(Parked(step.person_id, step.student_id, reason))
            elif step.person_id not in self.people:
                self._create(step, step.identity, at)
        return refused

    def commit(
        self,
        steps: Sequence[Step],
        records: Mapping[str, Sequence[RegistryRecord]],
        at: datetime,
        weights: Mapping[str, int] | None = None,
    ) -> None:
        self.weighed.append((at, dict(weights or {})))
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
        served = {r.student_id for given in records.values() for r in given}
        self.set_by = {key: r for key, r in self.set_by.items() if r.student_id not in served}
        self.unpark(step.person_id for step in steps)
        self.unfinished -= {step.person_id for step in steps}
        removed = {(s.person_id, c.what) for s in steps for c in s.changes if isinstance(c, DeleteEntry)}
        gone = [each.entry_id for each in self.seen.values() if (each.person_id, each.kind) in removed]
        self.sight((), gone)
        self._end_adoption(steps)

    # -- orders ----------------------------------------------------------------------------------------
    def activate(self, person_id: str, actor: str, at: datetime, unlisted: bool | None = None) -> None:
        self._require([person_id])
        account, order = self.people[person_id], orders.Activate(at, actor, unlisted)
        if account.activated_at is None:
            self._order("activated", person_id, order, actor, at)
        if unlisted is not None and unlisted is not account.unlisted:
            self._order("listing-choice", person_id, order, actor, at)

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

    def open_orders(self, today: date) -> dict[str, datetime]:
        called = ((self.people[person], at) for person, at in self.ordered_at.items())
        return {a.student_id: at for a, at in called if a.next_on is not None and a.next_on <= today}

    def answered(self, given: Mapping[str, datetime]) -> None:
        for person, at in list(self.ordered_at.items()):
            if given.get(self.people[person].student_id) == at:
                del self.ordered_at[person]

    def tell(self, person_id: str, occurrence: Occurrence) -> None:
        order = orders.Tell(occurrence)
        kind, actor, at, reason = occurrence.kind, occurrence.actor, occurrence.at, occurrence.reason
        self._order(kind.value, person_id, order, actor, at, reason)

    # -- inside ----------------------------------------------------------------------------------------
    def _whole(self, person: str) -> Account:
        records = tuple(r for _, (p, r) in sorted(self.records.items()) if p == person)
        notices = tuple(item for item in self.outbox() if item.notice.person_id == person)
        absences = tuple(a for a in self.absences() if self.records[a.key][0] == person)
        return replace(self.people[person], records=records, outbox=notices, absences=absences)

    def _create(self, step: Step, identity: Identity, at: datetime) -> None:
        self.names[identity.account_name.lower()] = step.person_id
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
            occurrences=(),
            outbox=(),
            absences=(),
            contact=(),
            display_name=None,
            aliases=(),
            second_factor_at=None,
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
