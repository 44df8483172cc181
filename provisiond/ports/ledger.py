"""Our SQL memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from provisiond.domain.model import (
    Absence,
    Account,
    Extension,
    Fetch,
    Hold,
    HoldKind,
    Notice,
    Occurrence,
    RegistryRecord,
    Rejection,
)
from provisiond.domain.plan import Parked, Step, Unserved
from provisiond.domain.takeover import Takeover
from provisiond.ports.choices import Choices
from provisiond.ports.directory import Sighting
from provisiond.ports.facts import AccountFilter, HeldPlan, HistoryLine, LedgerFacts, RecordKey
from provisiond.ports.posting import Posting
from provisiond.ports.registry import FetchMark, FetchMemory


class Ledger(Posting, Choices, Protocol):
    """Our SQL memory: facts and promises. Every method is one transaction. All instants aware UTC.

    A person's records are given to `commit` by the cycle only when the step that follows from them is done, so
    an interrupted cycle finds the same work again.
    """

    # -- what to work on -------------------------------------------------------------------------------
    def due_students(self, today: date) -> Iterator[str]:
        """Student IDs, ascending (as text), of persons with next_on <= today, whose first step was never carried out
        (`applied` False), or whose entries may be half-written."""
        ...

    def next_due(self, today: date) -> date | None:
        """The earliest day after today on which anybody falls due."""
        ...

    def all_students(self) -> Iterator[str]:
        """Student IDs of all accounts, ascending."""
        ...

    def load(self, person_ids: Iterable[str]) -> dict[str, Account]: ...

    def load_students(self, student_ids: Iterable[str]) -> dict[str, Account]:
        """By student ID; those without an account are missing from the answer."""
        ...

    def find(self, text: str) -> Account | None:
        """By exact student ID, account name, mail address (its local part is looked up) or person ID."""
        ...

    def accounts(self, wanted: AccountFilter) -> list[Account]: ...

    def population(self) -> int:
        """How many accounts are managed (any state but terminated and alumni)."""
        ...

    def facts(self) -> LedgerFacts:
        """Quick whatever the ledger's size: asked every few seconds by who watches."""
        ...

    # -- identifiers -----------------------------------------------------------------------------------
    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        """Every identifier ever given that starts with each prefix (one indexed range query a prefix)."""
        ...

    def identifiers(self) -> Iterator[str]:
        """Every identifier ever given, in any order."""
        ...

    def next_uid_number(self, first: int) -> int:
        """Larger than every uid number ever given, at least `first`."""
        ...

    # -- steps -----------------------------------------------------------------------------------------
    def reserve(self, steps: Sequence[Step], domain: str, at: datetime) -> list[Parked]:
        """Before any directory write, all in one transaction: give the identifiers of new accounts (steps with
        `identity`: account rows in `to_state` with applied False, no records yet; idempotent for the same
        person and name), and remember that the entries of these persons may be half-written, so that they are
        due until `commit`. A step whose name or number was given to another is returned as Parked."""
        ...

    def commit(
        self,
        steps: Sequence[Step],
        records: Mapping[str, Sequence[RegistryRecord]],
        at: datetime,
        weights: Mapping[str, int] | None = None,
    ) -> None:
        """The steps were carried out: state, next_on, applied True, the person's records (person ID → records
        that replace those of the same key; empty or missing: unchanged), notices into the outbox (a key that
        exists already is left as it is), one history line per transition or changed step, parking of that
        person removed. `weights`: what they weigh on each brake, for `recent_weights`."""
        ...

    def recent_weights(self, since: datetime) -> dict[str, int]:
        """What was committed since then, by brake."""
        ...

    def park(self, parked: Sequence[Parked], at: datetime) -> None:
        """Replace the reasons these persons are parked for; `since` is kept. Persons may be unknown yet."""
        ...

    def parked(self) -> list[Parked]: ...

    def unpark(self, person_ids: Iterable[str]) -> None:
        """Also of those who are held back."""
        ...

    def hold_back(self, unserved: Iterable[Unserved]) -> None:
        """Students whose new account a brake holds: kept until they have one, or `unpark`."""
        ...

    def held_back(self) -> dict[str, str]:
        """Student ID → person ID of these."""
        ...

    # -- orders (CLI, portal): facts, each with a history line; the person becomes due -------------------
    def activate(self, person_id: str, actor: str, at: datetime, unlisted: bool | None = None) -> None:
        """The first activation counts; `unlisted` (None: as it was) may change later."""
        ...

    def hold(self, person_id: str, hold: Hold) -> None:
        """Adds; one hold of each kind at a time (a second replaces the first)."""
        ...

    def release(self, person_id: str, kind: HoldKind | None, actor: str, reason: str, at: datetime) -> int:
        """End holds of that kind (None: all); how many there were."""
        ...

    def extend(self, person_id: str, extension: Extension) -> None: ...

    def open_orders(self, today: date) -> dict[str, datetime]:
        """Student ID → when they were last called, of those whom no cycle has looked at since."""
        ...

    def answered(self, given: Mapping[str, datetime]) -> None:
        """A cycle that began after these (of `open_orders`) looked at the persons; who was called again stays so."""
        ...

    def tell(self, person_id: str, occurrence: Occurrence) -> None:
        """An extension refused, a password or second factor changed: the next cycle decides its notice."""
        ...

    # -- registry --------------------------------------------------------------------------------------
    def memory(self, source: str) -> FetchMemory: ...

    def mark_fetch(self, fetch: Fetch, unsettled: Collection[str], at: datetime, today: date) -> None:
        """Remember as the last good fetch of its source: blocks (rows of `unsettled` students are looked at again),
        one more fetch without each absent record, and `fetch.gone` absent since `today`; replaces that
        source's rejections. An incremental fetch changes neither the number of rows nor absences; one that
        rejects a record of the student, or one whose student cannot be read, was not without."""
        ...

    def set_aside(self, kept: Sequence[RegistryRecord], dropped: Collection[RecordKey]) -> None:
        """Keep records of students who have no account until they get one (`commit`), or the record is named no
        more; forget others."""
        ...

    def aside(self, student_ids: Iterable[str]) -> dict[str, tuple[RegistryRecord, ...]]:
        """What is kept of them."""
        ...

    def named_again(self, keys: Collection[RecordKey], at: datetime) -> None:
        """These records are absent no more; their persons are due."""
        ...

    def absences(self) -> list[Absence]: ...

    def call_absent(self, source: str, at_least: int, at: datetime) -> None:
        """Make the persons due of whom a record has now been absent for that many fetches."""
        ...

    def last_fetch(self, source: str) -> FetchMark | None: ...

    def rejections(self) -> list[Rejection]: ...

    # -- brakes ----------------------------------------------------------------------------------------
    def hold_plan(self, plan_hash: str, summary: str, notices: Sequence[Notice], at: datetime) -> bool:
        """Keep a refused plan; True (and `notices` put in the outbox, history line) the first time."""
        ...

    def held_plans(self) -> list[HeldPlan]:
        """Not yet spent, newest first."""
        ...

    def approve(self, plan_hash: str, actor: str, at: datetime) -> HeldPlan | None:
        """None when no unspent plan has that hash."""
        ...

    def spend(self, plan_hash: str, at: datetime) -> bool:
        """Use an approval, once: True when it was approved and unspent."""
        ...

    def held_plan(self, plan_hash: str) -> HeldPlan | None:
        """The latest one of that hash, spent or not."""
        ...

    def purge(self, before: datetime) -> int:
        """Forget held plans that were used before then, and what weighed on brakes; how much it was. Names, history
        and notices stay for ever."""
        ...

    # -- drift -----------------------------------------------------------------------------------------
    def watermark(self) -> str | None:
        """Where the next look for drift begins; None before the first one."""
        ...

    def set_watermark(self, watermark: str) -> None: ...

    def sight(self, seen: Iterable[Sighting], gone: Iterable[bytes] = ()) -> None:
        """Remember these entries as seen, in place of what was known of them; forget those that are gone."""
        ...

    def sightings(self) -> Iterator[Sighting]:
        """Every one, in no order, without holding all in memory."""
        ...

    def owners(self, entry_ids: Iterable[bytes]) -> dict[bytes, str]:
        """Entry ID → person ID, of those that were ever seen."""
        ...

    def students(self) -> Iterator[tuple[str, str]]:
        """Person ID and student ID of every account, in no order, without holding all in memory."""
        ...

    # -- accounts of others, and of a lost ledger --------------------------------------------------------
    def take_over(self, wanted: Sequence[Takeover], event: str, actor: str, at: datetime) -> list[Parked]:
        """Know these accounts from now on, with account name and number given, notices told, and a history line
        `event` each; whoever is known with the same identifiers stays as they are. Whose name or number was given
        to another is returned as Parked."""
        ...

    def keep_names(self, names: Iterable[tuple[str, str | None]], at: datetime) -> None:
        """(name, person ID or None): given to nobody else from now on. Those of a person with an account become
        further names of theirs; names that were given stay whose they are."""
        ...

    def told_before(self, notices: Iterable[Notice], reply: str, at: datetime) -> None:
        """Into the outbox as accepted; a key that exists already is left as it is."""
        ...

    def begin_rebuild(self, actor: str, at: datetime) -> None:
        """Raises RejectedError where accounts are known, unless a rebuild was interrupted."""
        ...

    def end_rebuild(self, actor: str, at: datetime) -> None: ...

    def is_half_rebuilt(self) -> bool:
        """A rebuild was begun and not ended: nothing else may be done with this ledger."""
        ...

    # -- history ---------------------------------------------------------------------------------------

    def history(self, person_id: str | None = None) -> list[HistoryLine]: ...

    def audited(self, at: datetime, actor: str, reason: str) -> None:
        """An audit ended. `reason`: what it found."""
        ...

    def last_audit(self) -> datetime | None:
        """When the last one ended."""
        ...

    def verify_history(self) -> str | None:
        """None, or a sentence that names the first line whose hash does not fit."""
        ...
