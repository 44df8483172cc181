"""The course of some lives from now on, if the registry says no more than today: from one milestone to the next
(`next_on`), each decided by the very rules of a cycle. Pure; a person for whom nothing is due costs nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, tzinfo
from heapq import heappop, heappush
from itertools import count

from provisiond.domain.agenda import Agenda
from provisiond.domain.decide import Snapshot, decide
from provisiond.domain.lifecycle import Standing, standing
from provisiond.domain.model import Account, NoticeKind, NoticeStatus, Observed, OutboxItem, State, Status
from provisiond.domain.notices import notices_due
from provisiond.domain.people import person
from provisiond.domain.plan import Step
from provisiond.domain.policy import Policy
from provisiond.domain.shown import after, shown

# of a notice on which a mail server has still to answer
OPEN = frozenset(status for status in NoticeStatus if status.value in ("due", "sending", "unknown"))
MOMENTS = {State.GRACE: "grace begun", State.ALUMNI: "alumni", State.TERMINATED: "terminated"}
EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class Span:
    """From the instant `now` to the end of the day `until`. Today's cycles run at once, those of a later day as it
    begins."""

    now: datetime
    until: date
    zone: tzinfo

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def instant(self, day: date) -> datetime:
        if day <= self.today:
            return self.now
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


@dataclass(slots=True)
class Course:
    """`made_by`: the policy by which entries stand as they are; `mail`: whether notices are accepted on their day.
    `moments`: when what happened to each person, if that is kept."""

    span: Span
    policy: Policy
    made_by: Policy
    mail: bool
    agenda: Agenda
    keeps_moments: bool = False
    moments: dict[str, dict[str, date]] = field(default_factory=dict)
    _accounts: dict[str, Account] = field(default_factory=dict)
    _seen: dict[str, Observed] = field(default_factory=dict)
    _waiting: set[str] = field(default_factory=set)  # for a mail server's answer
    _done: set[str] = field(default_factory=set)  # who had a step today
    _next: dict[str, date] = field(default_factory=dict)
    _due: dict[date, set[str]] = field(default_factory=dict)
    _days: list[date] = field(default_factory=list)

    def live(self, accounts: Iterable[Account], due_now: Collection[str]) -> None:
        """`due_now`: student IDs of whom a cycle would look at today whatever their next day is."""
        self._begin(accounts, due_now)
        while self._days and self._days[0] <= self.span.until:
            day = heappop(self._days)
            due = {person_id for person_id in self._due.pop(day) if self._next.get(person_id) == day}
            self._done.clear()
            for turn in count():
                self._turn(day, turn, due)
                told = self._delivered(day)
                due = {person_id for person_id in told if not self._rests(person_id, day)}
                if not due:
                    break
        if self.keeps_moments:
            self._foresee_expiries()

    def _begin(self, accounts: Iterable[Account], due_now: Collection[str]) -> None:
        today = self.span.today
        for account in accounts:
            self._accounts[account.person_id] = account
            if account.student_id in due_now:
                self._call(account.person_id, today)
            elif account.next_on:
                self._call(account.person_id, max(account.next_on, today))
            if self.mail and any(item.status in OPEN for item in account.outbox):
                self._waiting.add(account.person_id)
                self._on(today)

    def _on(self, day: date) -> set[str]:
        if day not in self._due:
            heappush(self._days, day)
        return self._due.setdefault(day, set())

    def _call(self, person_id: str, day: date | None) -> None:
        self._next.pop(person_id, None)
        if day and day <= self.span.until:
            self._next[person_id] = day
            self._on(day).add(person_id)

    def _turn(self, day: date, turn: int, due: Collection[str]) -> None:
        """One cycle."""
        now, people = self.span.instant(day), sorted(due)
        observed = {person_id: self._shown(person_id) for person_id in people}
        accounts = tuple(self._accounts[person_id] for person_id in people)
        decision = decide(Snapshot(now, self.span.zone, accounts, {}, observed, frozenset(), 0), self.policy)
        before = self._accounts
        self.agenda.add(day, turn, [(step, before[step.person_id].state) for step in decision.steps])
        for step in decision.steps:
            self._take_effect(step, day, now)
        for parked in decision.parked:
            self._call(parked.person_id, self._next_look(parked.person_id, day))

    def _shown(self, person_id: str) -> Observed:
        if person_id not in self._seen:
            account, span = self._accounts[person_id], self.span
            self._seen[person_id] = shown(account, span.today, span.zone, self.made_by)
        return self._seen[person_id]

    def _take_effect(self, step: Step, day: date, now: datetime) -> None:
        account = self._accounts[step.person_id]
        decided = (OutboxItem.decided(notice, now) for notice in step.notices)
        self._accounts[step.person_id] = replace(
            account,
            state=step.to_state,
            applied=True,
            next_on=step.next_on,
            outbox=(*account.outbox, *decided),
        )
        if step.changes:
            self._seen[step.person_id] = after(step.changes, self._seen[step.person_id])
        self._done.add(step.person_id)
        self._call(step.person_id, step.next_on)
        if step.notices and self.mail:
            self._waiting.add(step.person_id)
        if self.keeps_moments:
            self._keep_moments(step, day)

    def _rests(self, person_id: str, day: date) -> bool:
        """Whether the next cycle finds nothing to do for somebody whom it served today and whose notice was accepted
        since: the same state (so the same entries) and no notice. Spares half of all decisions."""
        account = self._accounts[person_id]
        if person_id not in self._done:
            return False
        someone = person(account.student_id, account, (), self.policy.sources)
        where = standing(someone, day, self.span.zone, self.policy.lifecycle)
        if where.state is not account.state or where.frozen is not None:
            return False
        if notices_due(someone, account.account_name, where, day, self.policy):
            return False
        self._call(person_id, where.next_on)
        return True

    def _next_look(self, person_id: str, day: date) -> date | None:
        """Who is parked is looked at in every cycle; nothing changes before this day."""
        return self._standing(person_id, day).next_on

    def _standing(self, person_id: str, day: date) -> Standing:
        account = self._accounts[person_id]
        someone = person(account.student_id, account, (), self.policy.sources)
        return standing(someone, day, self.span.zone, self.policy.lifecycle)

    def _delivered(self, day: date) -> set[str]:
        """Whose notices a mail server took; they are looked at again."""
        now, told = self.span.instant(day), self._waiting
        for person_id in told:
            account = self._accounts[person_id]
            outbox = tuple(_accepted(item, now) if item.status in OPEN else item for item in account.outbox)
            self._accounts[person_id] = replace(account, outbox=outbox)
        self._waiting = set()
        return told

    def _keep_moments(self, step: Step, day: date) -> None:
        kept = self.moments.setdefault(step.person_id, {})
        if step.transition and step.to_state in MOMENTS:
            kept.setdefault(MOMENTS[step.to_state], day)
        if any(notice.kind is NoticeKind.EXPIRY for notice in step.notices):
            kept.setdefault(EXPIRY, day)

    def _foresee_expiries(self) -> None:
        """Of those who are still in their grace period at the end."""
        for person_id, account in self._accounts.items():
            if account.state is State.GRACE:
                where = self._standing(person_id, self.span.until)
                if where.state is State.GRACE and where.expires_on:
                    self.moments.setdefault(person_id, {})[EXPIRY] = where.expires_on


def _accepted(item: OutboxItem, now: datetime) -> OutboxItem:
    return replace(item, status=NoticeStatus.ACCEPTED, settled_at=now)


def completing_as_expected(account: Account, today: date) -> Account:
    """The account as if everybody who studies completed on the expected date that the registry names."""
    records = tuple(
        replace(record, status=Status.COMPLETED, status_on=record.expected_end_on)
        if record.status in (Status.REGISTERED, Status.ON_LEAVE)
        and record.expected_end_on
        and record.expected_end_on > today
        else record
        for record in account.records
    )
    return replace(account, records=records)
