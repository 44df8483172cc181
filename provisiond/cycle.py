"""One cycle: observe, decide, act. The only place that writes entries; `plan` and every `--dry-run` stop
after deciding and are otherwise this very path.

What to do is the core's; how, the adapters'; when, the daemon's."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

import structlog

from provisiond.domain import names
from provisiond.domain.brakes import is_shrunk
from provisiond.domain.decide import Snapshot, decide
from provisiond.domain.digest import record_digest
from provisiond.domain.errors import ProvisiondError, UnavailableError, UnsafeFetchError
from provisiond.domain.model import Account, Fetch, Notice, NoticeKind, RegistryRecord, Rejection
from provisiond.domain.orders import Activate, Extend, Order, Release, SetHold, ordered
from provisiond.domain.plan import Parked, Plan, Step
from provisiond.domain.policy import Policy
from provisiond.ports import AccountFilter, Clock, Directory, Done, Ledger, Refused, Registry

COMPLAINT = "fetch-"  # begins the ticket of a refused fetch that nobody can approve
BATCH = 200  # persons whose entries are written between two commits of the ledger

log = structlog.get_logger("provisiond.cycle")

Progress = Callable[[str, int, int], None]
"""(what, done, of how many)"""


@dataclass(frozen=True, slots=True)
class Work:
    """What to look at beside what fell due: an order for one person (no registry is read), or everybody."""

    person_id: str | None = None
    order: Order | None = None
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """Persons of whom a complete fetch did not name everything the ledger knows (a programme, or all of
    them): reported, nothing is taken away."""

    source: str
    student_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """What the sources said, next to the snapshot made of it."""

    snapshot: Snapshot
    fetches: tuple[Fetch, ...]
    refused: tuple[ProvisiondError, ...]  # sources whose fetch was refused or not to be had
    absent: tuple[Absent, ...]
    released: frozenset[str]  # approved hashes of shrunk fetches that were taken over


@dataclass(frozen=True, slots=True)
class Result:
    """What one cycle found and did. `failed`: persons whom the directory refused."""

    at: datetime
    plan: Plan
    refused: tuple[ProvisiondError, ...]
    rejections: tuple[Rejection, ...]
    absent: tuple[Absent, ...]
    applied: int = 0
    failed: tuple[Parked, ...] = ()


@dataclass(frozen=True, slots=True)
class Cycle:
    registries: Sequence[Registry]
    directory: Directory
    ledger: Ledger
    clock: Clock
    policy: Policy
    zone: tzinfo
    progress: Progress = field(default=lambda what, done, total: None)

    def plan(self, work: Work = Work()) -> Result:
        """What `run` would do now; writes nothing anywhere."""
        seen = self._observe(work)
        return self._result(seen, decide(seen.snapshot, self.policy))

    def run(self, work: Work = Work()) -> Result:
        """Do it. Raises UnavailableError where a system went away: the next cycle finishes the work."""
        if work.person_id and work.order:
            record_order(self.ledger, work.person_id, work.order)
        seen = self._observe(Work(work.person_id, None, work.everyone))
        plan = decide(seen.snapshot, self.policy)
        now = seen.snapshot.now
        self._tell(seen, plan, now)
        applied, failed = self._act(plan, seen)
        self.ledger.park([*plan.parked, *failed], now)
        for fetch in seen.fetches:
            self.ledger.mark_fetch(fetch, now)
        for ticket in seen.released:
            self.ledger.spend(ticket, now)
        return self._result(seen, plan, applied, tuple(failed))

    # -- observe ---------------------------------------------------------------------------------------

    def _observe(self, work: Work) -> Observation:
        now = self.clock.now()
        today = now.astimezone(self.zone).date()
        approved = frozenset(plan.hash for plan in self.ledger.held_plans() if plan.approved_by)
        fetches, refused = self._fetch(now, approved) if work.person_id is None else ((), ())
        changed, absent = self._compared(fetches)
        due = [work.person_id] if work.person_id else self.ledger.due(today)
        accounts = self._accounts(due, changed, work)
        self.progress("directory", 0, len(accounts))
        snapshot = Snapshot(
            now=now,
            zone=self.zone,
            accounts=accounts,
            changed=changed,
            observed=self.directory.observe(_whom(accounts, changed)),
            taken=self._taken(accounts, changed),
            next_uid_number=self.ledger.next_uid_number(self.policy.directory.first_uid_number),
            population=self.ledger.population(),
            approved=approved,
        )
        released = approved & {fetch_ticket(fetch) for fetch in fetches}
        return Observation(snapshot, tuple(fetches), tuple(refused), tuple(absent), released)

    def _fetch(
        self, now: datetime, approved: frozenset[str]
    ) -> tuple[Sequence[Fetch], Sequence[ProvisiondError]]:
        """Every source for itself: what one refuses does not stop the others."""
        fetches: list[Fetch] = []
        refused: list[ProvisiondError] = []
        for registry in self.registries:
            self.progress("registry", 0, 0)
            try:
                fetch = registry.fetch(now.astimezone(self.zone).date())
                self._believed(fetch, approved)
                fetches.append(fetch)
            except (UnsafeFetchError, UnavailableError) as error:
                refused.append(error)
        return fetches, refused

    def _believed(self, fetch: Fetch, approved: frozenset[str]) -> None:
        last = self.ledger.last_fetch(fetch.source)
        ticket = fetch_ticket(fetch)
        if last and is_shrunk(fetch.rows, last.rows, self.policy.brakes) and ticket not in approved:
            raise UnsafeFetchError(
                f"registry {fetch.source}: {fetch.file} has {fetch.rows} rows, the last good fetch had"
                f" {last.rows}: the registry shrank. Nothing was taken from it. If this is right: provisiond"
                f" approve {ticket}",
                ticket,
            )

    def _compared(
        self, fetches: Sequence[Fetch]
    ) -> tuple[dict[str, tuple[RegistryRecord, ...]], list[Absent]]:
        """Records that differ from the ones last committed, and the persons no longer named.

        Of a person we know, nothing is taken over while one of their records is rejected: the half that can
        be read (left one programme) may mean the opposite of the whole (for another)."""
        changed: dict[str, list[RegistryRecord]] = defaultdict(list)
        absent = []
        for fetch in fetches:
            known = self.ledger.digests(fetch.source)
            students = {student_id for student_id, _ in known}
            named = {(record.student_id, record.programme) for record in fetch.records}
            doubtful = {r.student_id for r in fetch.rejections if r.student_id}
            for record in fetch.records:
                is_new = known.get((record.student_id, record.programme)) != record_digest(record)
                if is_new and not (record.student_id in doubtful and record.student_id in students):
                    changed[record.student_id].append(record)
            gone = sorted({pair[0] for pair in known if pair not in named} - doubtful)
            if gone:
                absent.append(Absent(fetch.source, tuple(gone)))
        return {student_id: tuple(records) for student_id, records in changed.items()}, absent

    def _accounts(
        self, due: Sequence[str], changed: Mapping[str, Sequence[RegistryRecord]], work: Work
    ) -> tuple[Account, ...]:
        accounts = {a.person_id: a for a in self.ledger.load_students(changed).values()}
        if work.everyone:
            due = [a.person_id for a in self.ledger.accounts(AccountFilter())]
        accounts |= self.ledger.load(person_id for person_id in due if person_id not in accounts)
        if work.order and work.person_id:
            accounts[work.person_id] = ordered(accounts[work.person_id], work.order)
        return tuple(accounts.values())

    def _taken(
        self, accounts: Sequence[Account], changed: Mapping[str, Sequence[RegistryRecord]]
    ) -> frozenset[str]:
        """Identifiers, ever given by us or standing in the directory, that begin like a new person's name."""
        known = {account.student_id for account in accounts}
        prefixes = {
            prefix
            for student_id, records in changed.items()
            if student_id not in known
            for record in records
            for prefix in names.prefixes(record.surname, record.given_names, self.policy.names)
        }
        given = self.ledger.names_with_prefixes(prefixes)
        standing = self.directory.names_with_prefixes(prefixes)
        return frozenset().union(*given.values(), *standing.values())

    # -- act -------------------------------------------------------------------------------------------

    def _act(self, plan: Plan, seen: Observation) -> tuple[int, list[Parked]]:
        """Batch by batch: identifiers into the ledger, entries into the directory, the outcome into the ledger.
        A crash between any two leaves a world from which the next cycle does the same work again."""
        now, applied, failed = seen.snapshot.now, 0, list[Parked]()
        self.progress("apply", 0, len(plan.steps))
        for batch in _batches(plan.steps):
            clashes = {parked.person_id: parked for parked in self._reserve(batch, now)}
            todo = [step for step in batch if step.person_id not in clashes]
            outcomes = self.directory.apply([step.changes for step in todo])
            done = [s for s, outcome in zip(todo, outcomes, strict=True) if isinstance(outcome, Done)]
            failed += [*clashes.values(), *_refusals(todo, outcomes)]
            changed = seen.snapshot.changed
            self.ledger.commit(done, {s.person_id: changed.get(s.student_id, ()) for s in done}, now)
            if (
                plan.released and done
            ):  # used once something was done under it; an outage before does not count
                self.ledger.spend(plan.released, now)
            applied += sum(step.is_due for step in done)
            _log_steps(done)
            self.progress("apply", applied, len(plan.steps))
        return applied, failed

    def _reserve(self, batch: Sequence[Step], now: datetime) -> list[Parked]:
        new = [step for step in batch if step.identity]
        return self.ledger.reserve(new, self.policy.directory.mail_domain, now) if new else []

    # -- tell ------------------------------------------------------------------------------------------

    def _tell(self, seen: Observation, plan: Plan, now: datetime) -> None:
        """Operators hear of a held plan or a refused fetch once; later cycles keep it visible, silently."""
        if plan.held_hash:
            self._hold(plan.held_hash, "; ".join(t.sentence for t in plan.tripped), now)
        for error in seen.refused:
            self._hold(getattr(error, "plan_hash", None) or self._complaint(error), str(error), now)
            log.error("fetch refused", reason=str(error))
        for fetch in seen.fetches:
            for rejection in fetch.rejections:
                log.warning(
                    "record rejected",
                    student_id=rejection.student_id,
                    file=rejection.file,
                    line=rejection.line,
                    reasons=list(rejection.reasons),
                )

    def _complaint(self, error: ProvisiondError) -> str:
        """A ticket (not to be approved) that is new for each spell of trouble: since the last good fetches."""
        marks = [self.ledger.last_fetch(registry.name) for registry in self.registries]
        spell = [str(error), *(mark.at.isoformat() if mark else "" for mark in marks)]
        return COMPLAINT + hashlib.sha256("\n".join(spell).encode()).hexdigest()[:10]

    def _hold(self, ticket: str, summary: str, now: datetime) -> None:
        today = now.astimezone(self.zone).date()
        told = [
            Notice(f"operator:{ticket}:{to}", None, NoticeKind.OPERATOR, to, today, None)
            for to in self.policy.operators
        ]
        if self.ledger.hold_plan(ticket, summary, told, now):
            log.error("plan held", hash=ticket, summary=summary)

    def _result(
        self, seen: Observation, plan: Plan, applied: int = 0, failed: tuple[Parked, ...] = ()
    ) -> Result:
        rejections = tuple(r for fetch in seen.fetches for r in fetch.rejections)
        return Result(seen.snapshot.now, plan, seen.refused, rejections, seen.absent, applied, failed)


def fetch_ticket(fetch: Fetch) -> str:
    """Under which hash a shrunk fetch waits for approval: exactly this content, no other."""
    return fetch.digest[:16]


def record_order(ledger: Ledger, person_id: str, order: Order) -> None:
    """Put an order in the ledger; the person is due from then on."""
    match order:
        case Activate(at=at, actor=actor, unlisted=unlisted):
            ledger.activate(person_id, actor, at, unlisted)
        case SetHold(hold=hold):
            ledger.hold(person_id, hold)
        case Release(kind=kind, at=at, actor=actor, reason=reason):
            ledger.release(person_id, kind, actor, reason, at)
        case Extend(extension=extension):
            ledger.extend(person_id, extension)


def _whom(accounts: Sequence[Account], changed: Mapping[str, Sequence[RegistryRecord]]) -> dict[str, str]:
    """Person ID → account name of all to be observed; a new person has no name yet ("")."""
    whom = {account.person_id: account.account_name for account in accounts}
    known = {account.student_id for account in accounts}
    new = {r[0].proposed_id: "" for student_id, r in changed.items() if student_id not in known}
    return whom | new


def _batches(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    for start in range(0, len(steps), BATCH):
        yield steps[start : start + BATCH]


def _refusals(todo: Sequence[Step], outcomes: Sequence[Done | Refused]) -> list[Parked]:
    return [
        Parked(
            step.person_id,
            step.student_id,
            f"the directory refused to {o.change.sentence}: {o.text} ({o.code})",
        )
        for step, o in zip(todo, outcomes, strict=True)
        if isinstance(o, Refused)
    ]


def _log_steps(done: Sequence[Step]) -> None:
    for step in done:
        for change in step.changes:
            log.info("change", person=step.person_id, what=change.sentence)
        if step.transition:
            log.info("transition", person=step.person_id, from_state=step.from_state, to_state=step.to_state)
