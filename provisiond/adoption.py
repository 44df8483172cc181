"""Adopts entries that another tool made: one plan, decided by the ordinary rules, held until exactly it is approved,
then applied under the crash rule. From then on the ordinary cycle manages them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from provisiond.cycle import Cycle
from provisiond.domain.brakes import Tally
from provisiond.domain.changes import AdoptEntry, Change, Mod, ModifyEntry, Op
from provisiond.domain.decide import Snapshot, decide
from provisiond.domain.matching import AdoptRule
from provisiond.domain.model import Account, Hold, HoldKind, NoticeKind, Observed, State
from provisiond.domain.plan import Batch, Identity, Parked, Plan, Step, Tripped
from provisiond.domain.takeover import Takeover, account_name, told, uid_number
from provisiond.fetches import Fetches, NothingRemembered
from provisiond.ports import Done
from provisiond.rebuild import batches
from provisiond.result import Result
from provisiond.roster import ADOPTING, MARK, Roster, Someone
from provisiond.spool import Spool

A_BATCH = 500
ADOPTIONS = "adoptions"  # what is always held until it was looked at


@dataclass(frozen=True, slots=True)
class Choice:
    """An operator's word: this entry is that student's account. `line` of the file."""

    student_id: str
    dn: str
    line: int


@dataclass(frozen=True, slots=True)
class Adoption:
    """`rule`: what holds of all that are adopted."""

    cycle: Cycle
    rule: AdoptRule
    actor: str

    def plan(self, roster: Roster, choices: Sequence[Choice]) -> Result:
        """What `run` would do; writes nothing."""
        now = self.cycle.clock.now()
        return self._result(now, self._plan(roster, choices, now))

    def run(self, roster: Roster, choices: Sequence[Choice]) -> Result:
        """Held the first time; applied when exactly this was approved."""
        now = self.cycle.clock.now()
        plan = self._plan(roster, choices, now)
        if plan.held_hash:
            self.cycle.hold(plan.held_hash, "; ".join(t.sentence for t in plan.tripped), now)
            return self._result(now, plan)
        applied, failed = self._apply(plan, now)
        return self._result(now, plan, applied, tuple(failed))

    def _result(self, now: datetime, plan: Plan, applied: int = 0, failed: tuple[Parked, ...] = ()) -> Result:
        return Result(now, plan, (), (), (), looked_at=plan.due_count, applied=applied, failed=failed)

    def everything_read(self) -> Fetches:
        """All registries, as if for the first time. Raises what any of them refuses."""
        today = self.cycle.clock.now().astimezone(self.cycle.zone).date()
        return Fetches(tuple(r.fetch(today, NothingRemembered()) for r in self.cycle.registries))

    # -- decide ------------------------------------------------------------------------------------------
    def _plan(self, roster: Roster, choices: Sequence[Choice], now: datetime) -> Plan:
        spool, tally, parked = Spool[Batch](), Tally(), list[Parked]()
        for some in batches(self._fit(roster, choices, parked), A_BATCH):
            batch, troubles = self._decided(some, now)
            parked += troubles
            tally.add(batch.steps)
            spool.add(batch)
            self.cycle.progress("decide", tally.due, len(choices))
        if not tally.due:
            return Plan(spool, tuple(parked))
        ticket = str(tally.hash)
        if ticket in self.cycle.approved(now):
            return Plan(spool, tuple(parked), due_count=tally.due, hash=ticket, released=ticket)
        over = (Tripped(ADOPTIONS, tally.due, 0, 0, self.cycle.ledger.population()),)
        return Plan(spool, tuple(parked), over, lambda step: True, 0, tally.due, ticket, ticket)

    def _fit(self, roster: Roster, choices: Sequence[Choice], parked: list[Parked]) -> Iterator[Someone]:
        """Those of the file that can be adopted; the others are told."""
        students, dns = set[str](), set[str]()
        for choice in choices:
            against = roster.objections(choice.student_id, choice.dn)
            if choice.student_id in students or choice.dn.casefold() in dns:
                against.append("the file names this student or this entry twice")
            students.add(choice.student_id)
            dns.add(choice.dn.casefold())
            if against:
                parked.append(Parked("", choice.student_id, f"{choice.dn}: {'; '.join(against)}"))
            else:
                yield roster.someone(choice.student_id, choice.dn)

    def _decided(self, some: Sequence[Someone], now: datetime) -> tuple[Batch, tuple[Parked, ...]]:
        identities = {one.person_id: _identity(one) for one in some}
        snapshot = Snapshot(
            now=now,
            zone=self.cycle.zone,
            accounts=tuple(self._account(one, identities[one.person_id], now) for one in some),
            changed={one.student_id: one.records for one in some},
            observed={one.person_id: _observed(one) for one in some},
            taken=frozenset(),
            next_uid_number=0,
        )
        decision = decide(snapshot, self.cycle.policy)
        dns = {one.person_id: one.entry.dn for one in some}
        steps = tuple(_adopting(s, identities[s.person_id], dns[s.person_id]) for s in decision.steps)
        return Batch(steps, snapshot.changed), decision.parked

    def _account(self, one: Someone, identity: Identity, now: datetime) -> Account:
        """As it is to be: nothing was applied yet."""
        return Account(
            person_id=one.person_id,
            student_id=one.student_id,
            account_name=identity.account_name,
            uid_number=identity.uid_number,
            state=State.PENDING,
            applied=False,
            created_at=now,
            activated_at=now if self.rule.activated else None,
            unlisted=not self.rule.listed,
            next_on=None,
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

    # -- act ---------------------------------------------------------------------------------------------
    def _apply(self, plan: Plan, now: datetime) -> tuple[int, list[Parked]]:
        """Batch by batch: known to the ledger and frozen, adopted in the directory, released. A crash between any two
        leaves persons whom no cycle touches and a further `adopt` finishes."""
        applied, failed = 0, list[Parked]()
        today, ledger = now.astimezone(self.cycle.zone).date(), self.cycle.ledger
        for batch in plan.batches:
            wanted = [self._takeover(step, now, today) for step in batch.steps]
            refused = ledger.take_over(wanted, "adopted", self.actor, now)
            failed += refused
            lost = {parked.person_id for parked in refused}
            steps = [step for step in batch.steps if step.person_id not in lost]
            outcomes = self.cycle.directory.apply([step.changes for step in steps])
            done = []
            for step, outcome in zip(steps, outcomes, strict=True):
                if isinstance(outcome, Done):
                    done.append(step)
                else:
                    failed.append(Parked(step.person_id, step.student_id, outcome.sentence))
            ledger.commit(done, {s.person_id: batch.records[s.student_id] for s in done}, now)
            if done and plan.released:
                ledger.spend(plan.released, now)
            applied += len(done)
            self.cycle.progress("adopt", applied, plan.due_count)
        ledger.park(failed, now)
        self._keep_names(now)
        return applied, failed

    def _takeover(self, step: Step, now: datetime, today: date) -> Takeover:
        assert step.identity
        to = f"{step.account_name}@{self.cycle.policy.directory.mail_domain}"
        activated_at = now if self.rule.activated else None
        return Takeover(
            step.person_id,
            step.student_id,
            step.identity,
            step.to_state,
            applied=False,
            activated_at=activated_at,
            unlisted=not self.rule.listed,
            holds=(Hold(HoldKind.FREEZE, now, None, ADOPTING, self.actor),),
            told=told(step.person_id, to, activated_at, None, today),
            aliases=(),
        )

    def _keep_names(self, now: datetime) -> None:
        """Further names and addresses of what is ours now."""
        ours = (entry for entry in self.cycle.directory.survey() if entry.person_id)
        names = ((name, entry.person_id) for entry in ours for name in sorted(entry.names))
        for some in batches(names, A_BATCH):
            self.cycle.ledger.keep_names(some, now)


def _identity(one: Someone) -> Identity:
    name = account_name(one.entry)
    assert name
    return Identity(name, uid_number(one.entry.attributes))


def _observed(one: Someone) -> Observed:
    groups = frozenset(group.casefold() for group in one.entry.attributes.get("memberof", ()))
    return Observed(one.entry, None, groups)


def _adopting(step: Step, identity: Identity, dn: str) -> Step:
    """The first change takes the entry over, or finds that done. Whose account is older than us is not told of its
    creation."""
    changes = tuple(_adopted(change) for change in step.changes)
    if not any(isinstance(change, AdoptEntry) for change in changes):
        marked = Mod(Op.ADD, MARK, (step.person_id,))
        changes = (AdoptEntry("account", dn, step.person_id, (marked,)), *changes)
    return replace(
        step,
        identity=identity,
        changes=changes,
        notices=tuple(n for n in step.notices if n.kind is not NoticeKind.CREATED),
    )


def _adopted(change: Change) -> Change:
    if not isinstance(change, ModifyEntry) or change.what != "account":
        return change
    marked = tuple(Mod(Op.ADD, m.attribute, m.values) if m.attribute == MARK else m for m in change.mods)
    return AdoptEntry(change.what, change.dn, change.person_id, marked, change.csn, change.seen)
