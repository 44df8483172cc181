"""One cycle: observe, decide, act. The only place that writes entries; `plan` and every `--dry-run` stop
after deciding and are otherwise this very path.

What to do is the core's; how, the adapters'; when, the daemon's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from heapq import merge
from typing import assert_never

from provisiond import events
from provisiond.domain.brakes import ROLLING, Tally, braked, tripped, weights
from provisiond.domain.decide import decide
from provisiond.domain.errors import UnsafePlanError
from provisiond.domain.model import Notice, NoticeKind
from provisiond.domain.orders import (
    Activate,
    ChooseDisplayName,
    Extend,
    GiveAlias,
    Order,
    Release,
    SetContact,
    SetHold,
    Tell,
)
from provisiond.domain.plan import Batch, Parked, Plan, Proof, Step, Unserved
from provisiond.domain.policy import Policy
from provisiond.drift import look
from provisiond.fetches import Fetches, fetched
from provisiond.namespace import Namespace
from provisiond.pauses import NoPauses, Pauses
from provisiond.ports import Clock, Directory, Done, Ledger, Outcome, Registry, Unknown
from provisiond.result import WHAT_IS_DUE, Absent, Observation, Result, Work
from provisiond.spool import Spool
from provisiond.workset import PERSONS_A_BATCH, WorkSet

Progress = Callable[[str, int, int], None]
"""(what, done, of how many; 0: not known)"""


@dataclass(frozen=True, slots=True)
class Cycle:
    registries: Sequence[Registry]
    directory: Directory
    ledger: Ledger
    clock: Clock
    policy: Policy
    zone: tzinfo
    progress: Progress = field(default=lambda what, done, total: None)
    pauses: Pauses = field(default_factory=NoPauses)
    persons_a_batch: int = PERSONS_A_BATCH

    def plan(self, work: Work = WHAT_IS_DUE) -> Result:
        """What `run` would do now; writes nothing anywhere."""
        seen = self._observe(work)
        seen.close()
        return seen.result()

    def run(self, work: Work = WHAT_IS_DUE) -> Result:
        """Do it. Raises UnavailableError where a system went away: the next cycle finishes the work."""
        with events.of_cycle(self.clock.now()):
            return self._run(work)

    def _run(self, work: Work) -> Result:
        if work.student_ids and work.order:
            (account,) = self.ledger.load_students(work.student_ids).values()
            record_order(self.ledger, account.person_id, work.order)
        seen = self._observe(Work(work.student_ids, None, work.everyone))
        with closing(seen):
            self._tell(seen)
            applied, failed = self._act(seen)
            self._remember(seen, failed)
        return seen.result(applied, tuple(failed))

    # -- observe ---------------------------------------------------------------------------------------

    def _observe(self, work: Work) -> Observation:
        now = self.clock.now()
        today = now.astimezone(self.zone).date()
        orders = self.ledger.open_orders(today)
        approved = self.approved(now)
        fetches, looked, served = Fetches(), None, set[str]()
        if work.student_ids is None:
            self._refuse_lost_ledger()
            self.progress("registry", 0, 0)
            fetches = fetched(self.registries, self.ledger, self.policy.brakes, today, approved)
            looked = look(self.directory, self.ledger)
        suspects = looked.student_ids if looked else frozenset[str]()

        def due() -> Iterable[str]:
            if work.student_ids is not None:
                return sorted(work.student_ids)
            if work.everyone:
                return self.ledger.all_students()
            return merge(self.ledger.due_students(today), sorted(suspects))

        work_set = WorkSet(
            self.directory,
            self.ledger,
            self.policy,
            now,
            self.zone,
            fetches,
            due,
            work.order,
            self.persons_a_batch,
        )
        spared = self._spared(suspects, work, today)
        plan, drifted = self._decide(work_set, approved, suspects, spared, served)
        absent = self._absent(fetches, work_set) if work.student_ids is None else ()
        if work.student_ids is not None:
            orders = {who: at for who, at in orders.items() if who in work.student_ids}
        return Observation(now, fetches, work_set, plan, absent, drifted, looked, orders, served)

    def _refuse_lost_ledger(self) -> None:
        """A ledger that knows nobody, before a directory that shows our accounts, was lost: with it would go what
        only it knows (holds, activations, names of those who left)."""
        for _ in self.ledger.all_students():
            return
        if any(entry.person_id for entry in self.directory.survey()):
            raise UnsafePlanError(
                "the ledger knows nobody and the directory shows accounts of ours: it was lost, or is another one."
                " `provisiond ledger restore` brings a backup back, `provisiond rebuild` makes it again",
                plan_hash=None,
            )

    def _spared(self, suspects: frozenset[str], work: Work, today: date) -> frozenset[str]:
        """Students of whom policy wants drift reported only, and nothing else is due."""
        if self.policy.directory.repair_drift or work.everyone or not suspects:
            return frozenset()
        return suspects.difference(self.ledger.due_students(today))

    def approved(self, now: datetime) -> frozenset[str]:
        lifetime = timedelta(hours=self.policy.brakes.approval_hours)
        held = self.ledger.held_plans()
        return frozenset(p.hash for p in held if p.approved_at and now < p.approved_at + lifetime)

    def _decide(
        self,
        work: WorkSet,
        approved: frozenset[str],
        suspects: frozenset[str],
        spared: frozenset[str],
        served: set[str],
    ) -> tuple[Plan, frozenset[str]]:
        """Decide batch by batch, then count the whole. Beside the plan: of which suspects anything would change."""
        spool, tally, parked, drifted = Spool[Batch](), Tally(), list[Parked](), set[str]()
        with closing(Namespace(self.directory, self.ledger, self.policy.names)) as namespace:
            for snapshot in work.snapshots(namespace):
                decision = decide(snapshot, self.policy)
                work.decided(snapshot, decision)
                namespace.give(s.account_name for s in decision.steps if s.identity)
                parked += decision.parked
                drifted |= {s.student_id for s in decision.steps if s.changes and s.student_id in suspects}
                left = spared.difference(snapshot.changed)
                steps = tuple(s for s in decision.steps if s.student_id not in left)
                tally.add(steps)
                spool.add(Batch(steps, snapshot.changed))
                self.progress("decide", work.looked_at, 0)
                if self.pauses.wanted():
                    served |= self.pauses.take()
        today = work.now.astimezone(self.zone).date()
        recent = self.ledger.recent_weights(work.now - ROLLING)
        over = tripped(tally.counts, recent, self.ledger.population(), self.policy.brakes, today)
        return braked(spool, tally, tuple(parked), over, approved), frozenset(drifted)

    def _absent(self, fetches: Fetches, work: WorkSet) -> tuple[Absent, ...]:
        gone = [(f.source, student_id) for f in fetches.taken for student_id, _ in f.gone]
        known = [(a.source, a.student_id) for a in self.ledger.absences() if a.key not in work.named_again]
        sources = sorted({source for source, _ in gone + known})
        return tuple(Absent(s, tuple(sorted({who for of, who in gone + known if of == s}))) for s in sources)

    # -- act -------------------------------------------------------------------------------------------

    def _act(self, seen: Observation) -> tuple[int, list[Parked]]:
        """Batch by batch: identifiers into the ledger, entries into the directory, the outcome into the ledger.
        A crash between any two leaves a world from which the next cycle does the same work again. While the
        directory writes a batch, the one before is committed and the next one reserved; whoever waits for a pause
        gets it when nothing is in flight."""
        plan, applied, failed = seen.plan, 0, list[Parked]()
        self.progress("apply", 0, plan.due_count)
        with ThreadPoolExecutor(1, "directory") as writer:
            written: _Written | None = None
            for batch in _applicable(plan, seen.served):
                if self.pauses.wanted():
                    if written:
                        applied += self._committed(written, seen, failed)
                    written = None
                    seen.served.update(self.pauses.take())
                    batch = _without(batch, seen.served)
                todo = self._reserved(batch, seen.now, failed)
                outcomes = writer.submit(self.directory.apply, [step.changes for step in todo.steps])
                if written:
                    applied += self._committed(written, seen, failed)
                    self.progress("apply", applied, plan.due_count)
                written = _Written(todo, outcomes.result())
            if written:
                applied += self._committed(written, seen, failed)
        return applied, failed

    def _reserved(self, batch: Batch, now: datetime, failed: list[Parked]) -> Batch:
        """The batch without those whose identifiers were given to others meanwhile. Also remembers whose entries
        may be half-written from now on: should the registry say otherwise after a crash, they are looked at."""
        writing = [step for step in batch.steps if step.identity or step.changes]
        clashes = self.ledger.reserve(writing, self.policy.directory.mail_domain, now) if writing else []
        failed += [replace(one, proof=Proof.of(batch.records.get(one.student_id, ()))) for one in clashes]
        lost = {parked.person_id for parked in clashes}
        return (
            Batch(tuple(s for s in batch.steps if s.person_id not in lost), batch.records) if lost else batch
        )

    def _committed(self, written: _Written, seen: Observation, failed: list[Parked]) -> int:
        """How many due steps were carried out."""
        batch, plan = written.batch, seen.plan
        pairs = list(zip(batch.steps, written.outcomes, strict=True))
        done = [step for step, outcome in pairs if isinstance(outcome, Done)]
        failed += [_failure(step, o, batch) for step, o in pairs if not isinstance(o, Done)]
        seen.unknown.update(step.student_id for step, outcome in pairs if isinstance(outcome, Unknown))
        records = {s.person_id: batch.records.get(s.student_id, ()) for s in done}
        # what an operator let through does not count on the day's brakes
        weigh = {} if plan.released else weights(done)
        self.ledger.commit(done, records, seen.now, weigh)
        if plan.released and done:  # used by the first batch done; an outage before does not count
            self.ledger.spend(plan.released, seen.now)
        events.carried_out(done)
        return sum(step.is_due for step in done)

    def _remember(self, seen: Observation, failed: Sequence[Parked]) -> None:
        """What was fetched, and who is not finished: their rows are looked at again."""
        now, today = seen.now, seen.now.astimezone(self.zone).date()
        at_rest = seen.work.at_rest
        before = self.ledger.parked()
        held_back = self.ledger.held_back()
        resting = [p.person_id for p in before if p.student_id in at_rest]
        self.ledger.unpark([*resting, *(held_back[s] for s in at_rest & held_back.keys())])
        # who was served in a pause is as that left them
        parked = [p for p in (*seen.plan.parked, *failed) if p.student_id not in seen.served]
        self.ledger.park(parked, now)
        known = frozenset(before)
        events.parked(one for one in parked if one not in known)
        if seen.work.named_again:
            self.ledger.named_again(seen.work.named_again, now)
        unsettled = seen.work.unsettled | {f.student_id for f in failed} | self._hold_back(seen) | seen.served
        for kept, dropped in seen.work.asides:
            self.ledger.set_aside(kept, dropped)
        for fetch in seen.fetches.taken:
            self.ledger.mark_fetch(fetch, unsettled, now, today)
            if fetch.complete and (limit := self.policy.lifecycle.absent_fetches):
                self.ledger.call_absent(fetch.source, limit, now)
        for ticket in seen.fetches.released:
            self.ledger.spend(ticket, now)
        if seen.look and not (self.policy.directory.repair_drift and seen.drifted & unsettled):
            seen.look.remember(self.ledger, seen.drifted | unsettled)  # else: found again by the next look
        self.ledger.answered(seen.orders)

    def _hold_back(self, seen: Observation) -> set[str]:
        """Whose steps are held. Those who wait for a first account can prove who they are meanwhile."""
        held = set[str]()
        for batch in seen.plan.batches if seen.plan.held_count else ():
            steps = [step for step in batch.steps if seen.plan.holds(step)]
            held.update(step.student_id for step in steps)
            new = [s for s in steps if s.identity and s.student_id not in seen.served]
            proofs = [(step, Proof.of(batch.records.get(step.student_id, ()))) for step in new]
            self.ledger.hold_back(
                [Unserved(s.person_id, s.student_id, proof) for s, proof in proofs if proof]
            )
        return held

    # -- tell ------------------------------------------------------------------------------------------

    def _tell(self, seen: Observation) -> None:
        """Operators hear of a held plan or a refused fetch once; later cycles keep it visible, silently."""
        if seen.plan.held_hash:
            self.hold(seen.plan.held_hash, "; ".join(t.sentence for t in seen.plan.tripped), seen.now)
        for refused in seen.fetches.refused:
            if self.hold(refused.ticket, str(refused), seen.now):
                events.refused(refused)
        known = frozenset(self.ledger.rejections())
        events.observed((r for r in seen.fetches.rejections if r not in known), seen.by_others)

    def hold(self, ticket: str, summary: str, now: datetime) -> bool:
        """Whether it is told now, and was not before."""
        today = now.astimezone(self.zone).date()
        told = [
            # the instant: told anew, by a mail of its own, when the same comes again after it was let through
            Notice(f"operator:{ticket}:{now.isoformat()}:{to}", None, NoticeKind.OPERATOR, to, today, None)
            for to in self.policy.operators
        ]
        is_new = self.ledger.hold_plan(ticket, summary, told, now)
        if is_new:
            events.held(ticket, summary)
        return is_new


@dataclass(frozen=True, slots=True)
class _Written:
    """A batch and what the directory said to it."""

    batch: Batch
    outcomes: Sequence[Outcome]


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
        case Tell(occurrence=occurrence):
            ledger.tell(person_id, occurrence)
        case SetContact(details=details, unlisted=hidden, at=at, actor=actor):
            ledger.set_contact(person_id, details, hidden, actor, at)
        case ChooseDisplayName(name=name, at=at, actor=actor):
            ledger.set_display_name(person_id, name, actor, at)
        case GiveAlias(alias=alias, domain=domain, at=at, actor=actor):
            ledger.give_alias(person_id, alias, domain, actor, at)
        case _:
            assert_never(order)


def _applicable(plan: Plan, served: Collection[str]) -> Iterator[Batch]:
    for batch in plan.batches:
        left = _without(batch, served)
        steps = tuple(step for step in left.steps if not plan.holds(step))
        if steps:
            yield Batch(steps, batch.records)


def _without(batch: Batch, served: Collection[str]) -> Batch:
    """What was decided of those before they were served in a pause counts no more."""
    return Batch(tuple(s for s in batch.steps if s.student_id not in served), batch.records)


def _failure(step: Step, outcome: Outcome, batch: Batch) -> Parked:
    """With what proves the person, where the records do not get into the ledger now."""
    assert not isinstance(outcome, Done)
    proof = Proof.of(batch.records.get(step.student_id, ())) if step.from_state is None else None
    return Parked(step.person_id, step.student_id, outcome.sentence, proof)
