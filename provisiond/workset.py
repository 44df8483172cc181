"""Whom one cycle looks at, batch by batch in the order of student IDs: who changed in a registry, fell due, was
ordered about, or was touched in the directory by others. Makes the snapshots that are decided on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from heapq import merge
from itertools import chain, groupby, islice
from operator import itemgetter

from provisiond.domain.decide import Decision, Snapshot
from provisiond.domain.digest import record_digest
from provisiond.domain.lifecycle import ENDED, may_study
from provisiond.domain.model import Account, RegistryRecord
from provisiond.domain.orders import Order, ordered
from provisiond.domain.policy import Policy
from provisiond.fetches import Fetches
from provisiond.namespace import Namespace, New
from provisiond.ports import Directory, Ledger, RecordKey
from provisiond.spool import Spool

PERSONS_A_BATCH = 500

Records = tuple[RegistryRecord, ...]


@dataclass(frozen=True, slots=True)
class Someone:
    """A student to look at: because of records that may have changed, or because they are due anyway."""

    student_id: str
    records: Records
    due: bool


@dataclass(slots=True)
class WorkSet:
    """Iterate `snapshots`; tell `decided` of each before taking the next. `named_again`: keys of records that were
    absent and are back; `unsettled`: students of whom not everything is taken over; `at_rest`: of those who were
    parked or held back, the ones that need nothing any more; `asides`: of students without an account, records to
    keep and keys of those to forget."""

    directory: Directory
    ledger: Ledger
    policy: Policy
    now: datetime
    zone: tzinfo
    fetches: Fetches
    due: Callable[[], Iterable[str]]  # student IDs, ascending
    order: Order | None = None
    persons_a_batch: int = PERSONS_A_BATCH
    named_again: set[RecordKey] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)
    at_rest: set[str] = field(default_factory=set)
    asides: Spool[tuple[Records, tuple[RecordKey, ...]]] = field(default_factory=Spool)
    looked_at: int = 0
    _parked: frozenset[str] = frozenset()
    _next_uid_number: int = 0

    def snapshots(self, namespace: Namespace) -> Iterator[Snapshot]:
        self._next_uid_number = self.ledger.next_uid_number(self.policy.directory.first_uid_number)
        doubtful = self.fetches.doubtful
        self.unsettled |= doubtful
        self._parked = frozenset(parked.student_id for parked in self.ledger.parked())
        self._parked |= self.ledger.held_back().keys()
        self.at_rest |= self._parked & {student_id for f in self.fetches.taken for student_id, _ in f.gone}
        for batch in _batches(everyone(self.fetches, self.due()), self.persons_a_batch):
            accounts = self.ledger.load_students(one.student_id for one in batch)
            batch = self._with_asides(batch)
            changed = {one.student_id: self._news(one, accounts, doubtful) for one in batch}
            wanted = {one.student_id for one in batch if one.due or changed[one.student_id]}
            here = tuple(self._as_ordered(a) for a in accounts.values() if a.student_id in wanted)
            new = {s: records for s, records in changed.items() if records and s not in accounts}
            self.looked_at += len(here) + len(new)
            if here or new:
                yield self._snapshot(here, new, {s: r for s, r in changed.items() if r}, namespace)

    def decided(self, snapshot: Snapshot, decision: Decision) -> None:
        self._next_uid_number = decision.next_uid_number
        parked = {parked.student_id for parked in decision.parked}
        served = {step.student_id for step in decision.steps}
        self.unsettled |= parked
        self.at_rest |= self._parked & (snapshot.changed.keys() - served)
        self.at_rest -= parked
        known = {account.student_id for account in snapshot.accounts}
        self.unsettled |= {s for s in known & snapshot.changed.keys() if _matter(snapshot.changed[s])}
        self.unsettled -= served - self.fetches.doubtful
        self._put_aside({s: r for s, r in snapshot.changed.items() if s not in known | served | parked})

    def _with_asides(self, batch: Sequence[Someone]) -> Sequence[Someone]:
        """With what was said before, of those who had no account then."""
        asides = self.ledger.aside(one.student_id for one in batch)
        return [_joined(one, asides.get(one.student_id, ())) for one in batch] if asides else batch

    def _put_aside(self, unserved: dict[str, Records]) -> None:
        """What was said of a person before there is an account must be there when there is one."""
        kept = tuple(chain.from_iterable(map(_matter, unserved.values())))
        dropped = {record.key for records in unserved.values() for record in records}
        dropped -= {record.key for record in kept}
        if kept or dropped:
            self.asides.add((kept, tuple(dropped)))

    def _snapshot(
        self, accounts: tuple[Account, ...], new: New, changed: dict[str, Records], namespace: Namespace
    ) -> Snapshot:
        today = self.now.astimezone(self.zone).date()
        nameless = {student_id for student_id, records in new.items() if not may_study(records, today)}
        taken, shown = namespace.look(new, nameless) if new else (frozenset[str](), [])
        whom = {account.person_id: account.account_name for account in accounts}
        return Snapshot(
            now=self.now,
            zone=self.zone,
            accounts=accounts,
            changed=changed,
            observed=self.directory.observe(whom | dict.fromkeys(shown, "")),
            taken=taken,
            next_uid_number=self._next_uid_number,
            taken_numbers=self._taken_numbers(len(new) - len(nameless)),
        )

    def _taken_numbers(self, new: int) -> frozenset[int]:
        """Of others, as far up as it takes to leave enough free ones."""
        taken, first = frozenset[int](), self._next_uid_number
        free, ahead = new if self.policy.directory.posix else 0, 2 * new
        while free > 0:
            found = self.directory.uid_numbers(first, first + ahead - 1)
            taken, free, first, ahead = taken | found, free - (ahead - len(found)), first + ahead, 2 * ahead
        return taken

    def _news(self, one: Someone, accounts: dict[str, Account], doubtful: frozenset[str]) -> Records:
        """Records that differ from the ones last committed, or were absent until now.

        Of a person we know, nothing is taken over while one of their records is rejected: the half that can
        be read (left one programme) may mean the opposite of the whole (for another), and the rejected one may
        be the very record that was absent."""
        account = accounts.get(one.student_id)
        if account is None:
            return one.records
        if one.student_id in doubtful:
            if account.state not in ENDED:
                accounts[one.student_id] = replace(account, absences=())
            return ()
        known = {record.key: record_digest(record) for record in account.records} if one.records else {}
        absent = {absence.key for absence in account.absences}
        back = [record for record in one.records if record.key in absent]
        if back:
            self.named_again |= {record.key for record in back}
            left = tuple(a for a in account.absences if a.key not in self.named_again)
            accounts[one.student_id] = replace(account, absences=left)
        return tuple(r for r in one.records if r in back or known.get(r.key) != record_digest(r))

    def _as_ordered(self, account: Account) -> Account:
        return ordered(account, self.order) if self.order else account


def everyone(fetches: Fetches, due: Iterable[str]) -> Iterator[Someone]:
    """Each student once; `changed` and `due` come in ascending order."""
    sources = [((student_id, records, False) for student_id, records in f.changed) for f in fetches.taken]
    everyone = merge(*sources, ((student_id, (), True) for student_id in due), key=itemgetter(0))
    for student_id, parts in groupby(everyone, key=itemgetter(0)):
        found = list(parts)
        records = tuple(record for _, some, _ in found for record in some)
        yield Someone(student_id, records, any(is_due for *_, is_due in found))


def _joined(one: Someone, before: Records) -> Someone:
    named = {record.key for record in one.records}
    return replace(one, records=(*one.records, *(r for r in before if r.key not in named)))


def _matter(records: Records) -> Records:
    return tuple(record for record in records if record.is_supplement or record.confidential)


def _batches(everyone: Iterator[Someone], size: int) -> Iterator[Sequence[Someone]]:
    while batch := list(islice(everyone, size)):
        yield batch
