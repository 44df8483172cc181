"""THE decision: `decide(snapshot, policy)`, a batch of persons at a time. Pure: no I/O, no clock, no log.

Stages: correlate records (people) → lifecycle → identifiers (names) → desired entries → changes against the
observed ones (diff) → notices due. Each knows only what it is given. What all batches together may do is for
brakes.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from provisiond.domain import names
from provisiond.domain.changes import Change, DeleteEntry, Join, Leave, ModifyEntry, Op
from provisiond.domain.diff import changes
from provisiond.domain.entries import ENDS_LOGIN, desired
from provisiond.domain.lifecycle import ENDED, Standing, standing
from provisiond.domain.model import Account, Observed, RegistryRecord, State
from provisiond.domain.notices import notices_due
from provisiond.domain.people import Person, people
from provisiond.domain.plan import Identity, Parked, Proof, Step
from provisiond.domain.policy import Policy

NAMES = frozenset({"cn", "sn", "givenname", "displayname", "cn;lang-zh", "displayname;lang-zh"})
NOTHING_SEEN = Observed(None, None, frozenset())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All a decision rests on. `changed`: student ID → records that differ from the ledger's; `taken`: every
    identifier known to begin like the name of a new person; `taken_numbers`: uid numbers from `next_uid_number` on
    that entries of others have."""

    now: datetime
    zone: tzinfo
    accounts: tuple[Account, ...]
    changed: Mapping[str, tuple[RegistryRecord, ...]]
    observed: Mapping[str, Observed]
    taken: frozenset[str]
    next_uid_number: int
    taken_numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do for the persons of one snapshot. `next_uid_number`: the first one not given."""

    steps: tuple[Step, ...]
    parked: tuple[Parked, ...]
    next_uid_number: int


def decide(snapshot: Snapshot, policy: Policy) -> Decision:
    """What to do for everyone in the snapshot; no brake is applied yet."""
    today = snapshot.now.astimezone(snapshot.zone).date()
    identifiers = _Identifiers(policy, set(snapshot.taken), snapshot.next_uid_number, snapshot.taken_numbers)
    steps: list[Step] = []
    parked: list[Parked] = []
    for person in people(snapshot.accounts, snapshot.changed, policy.sources):
        where = standing(person, today, snapshot.zone, policy.lifecycle)
        seen = snapshot.observed.get(person.person_id, NOTHING_SEEN)
        if reason := _why_not(person, where) or seen.clash:
            parked.append(_parked(person, reason))
            continue
        if person.account is None and seen.account is None and not _deserves_account(where):
            continue
        identity = identifiers.of(person, where, seen)
        if isinstance(identity, Parked):
            parked.append(identity)
            continue
        step = _step(person, identity, where, seen, snapshot, policy)
        if touched := _protected(step, policy):
            parked.append(_parked(person, f"{touched} is protected"))
        else:
            steps.append(step)
    return Decision(tuple(steps), tuple(parked), identifiers.next_uid_number)


def _why_not(person: Person, where: Standing) -> str | None:
    """Why nothing may be done for this person at all."""
    if where.frozen is not None:
        return f"frozen: {where.frozen}"
    if person.is_another_human:
        return (
            "the record's birth date and HKID both differ from the ones the account was made for: "
            "was the student ID given to another person? Ask the registry"
        )
    return None


def _parked(person: Person, reason: str) -> Parked:
    """Who has an account is proven by the records that it was made of, never by those that are in question."""
    is_finished = person.account is not None and bool(person.account.records)
    proof = None if is_finished else Proof.of(person.changed)
    return Parked(person.person_id, person.student_id, reason, proof)


def _deserves_account(where: Standing) -> bool:
    """Nobody whose studies had ended before we heard of them gets an account."""
    return where.state is State.PENDING


def _protected(step: Step, policy: Policy) -> str | None:
    """The first DN this step would write that the configuration protects, by itself or from above."""
    if not policy.directory.protected:
        return None
    written = (change.group if isinstance(change, Join | Leave) else change.dn for change in step.changes)
    return next((dn for dn in written if _lies_under(dn.casefold(), policy.directory.protected)), None)


def _lies_under(dn: str, protected: frozenset[str]) -> bool:
    return any(dn == one or dn.endswith(f",{one}") for one in protected)


@dataclass(slots=True)
class _Identifiers:
    """Gives names and numbers out, each once, within one decision."""

    policy: Policy
    taken: set[str]
    next_uid_number: int
    taken_numbers: frozenset[int]

    def of(self, person: Person, where: Standing, seen: Observed) -> Identity | Parked:
        if person.account is not None:
            return Identity(person.account.account_name, person.account.uid_number)
        name = self._name(where.record, seen)
        if isinstance(name, str):
            self.taken.add(name)
            return Identity(name, self._uid_number(seen))
        return _parked(person, name.problem or "no account name is free")

    def _name(self, record: RegistryRecord, seen: Observed) -> str | names.Allocation:
        """An entry that carries this person's ID already has the name (an interrupted load, a lost ledger)."""
        if seen.account and (given := seen.account.attributes.get("uid")):
            return given[0]
        allocation = names.allocate(
            record.surname, record.given_names, self.policy.names, self.taken, explain=False
        )
        return allocation.account_name or allocation

    def _uid_number(self, seen: Observed) -> int | None:
        if not self.policy.directory.posix:
            return None
        if seen.account and (given := seen.account.attributes.get("uidnumber")):
            return int(given[0])
        while self.next_uid_number in self.taken_numbers:
            self.next_uid_number += 1
        self.next_uid_number += 1
        return self.next_uid_number - 1


def _step(
    person: Person,
    identity: Identity,
    where: Standing,
    seen: Observed,
    snapshot: Snapshot,
    policy: Policy,
) -> Step:
    account = person.account
    now = snapshot.now.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
    todo = changes(desired(person, identity, where, policy, snapshot.zone), seen, person.person_id, now)
    today = snapshot.now.astimezone(snapshot.zone).date()
    from_state = account.state if account and account.applied else None
    return Step(
        person_id=person.person_id,
        student_id=person.student_id,
        account_name=identity.account_name,
        identity=identity if account is None else None,
        from_state=from_state,
        to_state=where.state,
        changes=todo,
        notices=notices_due(person, identity.account_name, where, today, policy),
        reasons=(where.reason,),
        next_on=where.next_on,
        ends_access=_ends_access(person, where, seen, todo),
        renames=_renames(account, seen, todo),
    )


def _ends_access(person: Person, where: Standing, seen: Observed, todo: tuple[Change, ...]) -> bool:
    """Whether something is taken away that the person has: log-in, a group, a licence, the listing. Not counted:
    what an operator or the person ordered, what a new level gives otherwise, and repairs of an ended account."""
    account = person.account
    before = account.state if account and account.applied else None
    if seen.account is None or (
        before in ENDED and (before, where.state) != (State.ALUMNI, State.TERMINATED)
    ):
        return False
    mods = [mod for change in todo if isinstance(change, ModifyEntry) for mod in change.mods]
    closes = not where.locked and any(mod.attribute in ENDS_LOGIN and mod.values for mod in mods)
    unlists = any(isinstance(c, DeleteEntry) for c in todo) and not (account and account.unlisted)
    same_level = account is None or where.record.level in {record.level for record in account.studies}
    leaves = any(isinstance(change, Leave) for change in todo) or any(
        mod.op is Op.DELETE and mod.attribute == "edupersonentitlement" for mod in mods
    )
    return where.state in ENDED or closes or unlists or (leaves and same_level)


def _renames(account: Account | None, seen: Observed, todo: tuple[Change, ...]) -> bool:
    """Whether a name that the account shows becomes another one, but for a display name that the person chose. The
    listing shows the same names, and further ones only because the person ordered it."""
    shown = seen.account.attributes if seen.account else {}
    modified = (c for c in todo if isinstance(c, ModifyEntry) and c.what == "account")
    changed = {mod.attribute for change in modified for mod in change.mods}
    chosen = {"displayname"} if account and account.display_name else set()
    return any(name in shown for name in (changed & NAMES) - chosen)
