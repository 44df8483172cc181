"""The part of the fake ledger that takes over accounts which it did not make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from provisiond.adapters.ledger.chain import Happened
from provisiond.domain.changes import AdoptEntry
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import Account, HoldKind, Notice, NoticeStatus
from provisiond.domain.plan import Identity, Parked, Step
from provisiond.domain.takeover import Takeover
from tests.rigs.promises import Promises
from tests.rigs.steps import an_item


@dataclass(slots=True)
class TakenOver(Promises):
    people: dict[str, Account] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    half_rebuilt: bool = False

    def take_over(self, wanted: Sequence[Takeover], event: str, actor: str, at: datetime) -> list[Parked]:
        refused = []
        for one in wanted:
            if reason := self._objection(one.person_id, one.student_id, one.identity):
                refused.append(Parked(one.person_id, one.student_id, reason))
            elif one.person_id not in self.people:
                self._take(one, at)
                self._tell(Happened(event, one.person_id, at, actor, {}))
                self.told_before(one.told, f"told: {event}", at)
        return refused

    def keep_names(self, names: Iterable[tuple[str, str | None]], at: datetime) -> None:
        for name, person_id in names:
            key = name.lower()
            if key in self.names or key in self.foreign:
                continue
            if person_id in self.people:
                self.names[key] = person_id
            else:
                self.foreign.add(key)

    def told_before(self, notices: Iterable[Notice], reply: str, at: datetime) -> None:
        for notice in notices:
            told = an_item(notice, at, NoticeStatus.ACCEPTED, at, reply)
            self.items.setdefault(notice.key, told)

    def begin_rebuild(self, actor: str, at: datetime) -> None:
        if self.people and not self.half_rebuilt:
            raise RejectedError("the ledger knows accounts already")
        self.half_rebuilt = True

    def end_rebuild(self, actor: str, at: datetime) -> None:
        self.half_rebuilt = False

    def is_half_rebuilt(self) -> bool:
        return self.half_rebuilt

    def _end_adoption(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if any(isinstance(change, AdoptEntry) for change in step.changes):
                account = self.people[step.person_id]
                left = tuple(hold for hold in account.holds if hold.kind is not HoldKind.FREEZE)
                self.people[step.person_id] = replace(account, holds=left)

    def _take(self, one: Takeover, at: datetime) -> None:
        self.names[one.identity.account_name.lower()] = one.person_id
        for alias in one.aliases:
            self.names.setdefault(alias.lower(), one.person_id)
        self.people[one.person_id] = Account(
            person_id=one.person_id,
            student_id=one.student_id,
            account_name=one.identity.account_name,
            uid_number=one.identity.uid_number,
            state=one.state,
            applied=one.applied,
            created_at=at,
            activated_at=one.activated_at,
            unlisted=one.unlisted,
            next_on=None,
            records=(),
            holds=one.holds,
            extensions=(),
            occurrences=(),
            outbox=(),
            absences=(),
            contact=(),
            display_name=None,
            aliases=tuple(a for a in one.aliases if self.names[a.lower()] == one.person_id),
            second_factor_at=None,
        )

    def _objection(self, me: str, student_id: str, identity: Identity) -> str | None:
        if self.names.get(identity.account_name.lower(), me) != me:
            return f"the name {identity.account_name} was given to another person"
        others = [account for person, account in self.people.items() if person != me]
        if identity.uid_number is not None and identity.uid_number in {a.uid_number for a in others}:
            return f"the uid number {identity.uid_number} was given to another person"
        if student_id in {a.student_id for a in others}:
            return f"the account of student {student_id} belongs to another person ID"
        mine = self.people.get(me)
        if mine and Identity(mine.account_name, mine.uid_number) != identity:
            return f"this person has the account {mine.account_name} already, with other identifiers"
        return None
