"""What the shell around the core asks of the world. Adapters raise only the errors of domain/errors.py,
`from` the library's. One contract suite per port runs on the fake and on the real adapter (tests/contract).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from provisiond.domain.changes import Change
from provisiond.domain.model import (
    Absence,
    Account,
    Block,
    Entry,
    Extension,
    Fetch,
    Hold,
    HoldKind,
    Notice,
    NoticeStatus,
    Observed,
    Occurrence,
    OutboxItem,
    RegistryRecord,
    Rejection,
    State,
    Stretch,
)
from provisiond.domain.plan import Parked, Step
from provisiond.domain.takeover import Takeover

Guard = Callable[[], AbstractContextManager[float | None]]
"""Around one send to the world, and around nothing else; gives the seconds that it may take (None: as ever). Raises
UnavailableError where another may be at work: then nothing is sent."""


def unguarded() -> AbstractContextManager[float | None]:
    """Where no other process can be at work."""
    return nullcontext()


class Clock(Protocol):
    """Read once per cycle."""

    def now(self) -> datetime:
        """An aware UTC instant."""
        ...


@dataclass(frozen=True, slots=True)
class FetchMark:
    """The last fetch of a source that was taken over whole."""

    digest: str
    rows: int
    at: datetime
    etag: str | None
    watermark: str | None


class FetchMemory(Protocol):
    """What the ledger remembers of one source; a fetch looks only at what differs from it."""

    def last(self) -> FetchMark | None: ...

    def settled(self) -> frozenset[bytes]:
        """Digests of the remembered blocks all of whose rows are settled."""
        ...

    def unsettled(self) -> frozenset[bytes]:
        """Digests of the other remembered blocks."""
        ...

    def blocks(self, digests: Collection[bytes]) -> Iterator[Block]: ...

    def outline(self) -> tuple[Stretch, ...]:
        """Of the file that was fetched last."""
        ...

    def records(self, student_ids: Collection[str]) -> dict[str, tuple[RegistryRecord, ...]]:
        """As last committed from this source, without those that its last fetch named no more."""
        ...

    def students_with_hkids(self, digests: Collection[str]) -> dict[str, frozenset[str]]:
        """HKID digest → student IDs of such records; of this source, without those named no more."""
        ...


class Registry(Protocol):
    """One source of records. A fetch is whole or refused; single bad records are values in it."""

    @property
    def name(self) -> str: ...

    def fetch(self, today: date, memory: FetchMemory) -> Fetch:
        """Read everything, look at what differs. Raises UnavailableError (not there, unreadable) and
        UnsafeFetchError (empty, header-less, truncated, half-written, wrongly encoded, NUL bytes, columns
        shifted throughout)."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """The server said yes to every change."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server (or the ownership check) said no to `change`; earlier changes of the list took effect."""

    change: Change
    code: int
    text: str

    @property
    def sentence(self) -> str:
        return f"the directory refused to {self.change.sentence}: {self.text} ({self.code})"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Whether `change` took effect could not be read back; the next cycle looks."""

    change: Change
    text: str

    @property
    def sentence(self) -> str:
        return f"it is not known whether the directory did {self.change.sentence}: {self.text}"


Outcome = Done | Refused | Unknown
RecordKey = tuple[str, str, str]
"""Source, student ID, programme."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One entry of the whole tree: `names` are lower-case uid values and local parts of mail addresses."""

    dn: str
    names: frozenset[str]
    person_id: str | None
    csn: str


class Kind(StrEnum):
    """What an entry with a person's ID is, by its place."""

    ACCOUNT = "account"
    LISTING = "listing"
    OTHER = "other"  # elsewhere under the base: not ours to have


@dataclass(frozen=True, slots=True)
class Sighting:
    """A marked entry as it was when it was right. `entry_id`: 16 bytes that stay the entry's whatever its name;
    `state`: 8 bytes that change with its content and memberships (None: it was not right when seen). `checked`: it
    was looked at whole; else it is right because we were the last to change it."""

    entry_id: bytes
    person_id: str
    kind: Kind
    state: bytes | None
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Marked:
    """A marked entry as it is. `ours`: we were the last to change it, as far as the server tells (in doubt: no)."""

    dn: str
    sighting: Sighting
    ours: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """What happened to entries since the last look. `watermark`: where the next one begins; `person_ids`: whose
    marked entries others changed; `seen`: marked entries changed by anybody, with a state where it was us;
    `touched`: IDs of entries that were deleted by anybody or changed by others, marked or not (whose they were
    before, the ledger knows).
    `deleted`: some may be gone and the server cannot tell which; `memberships`: others changed a managed group.
    Both call for a comparison of everything."""

    watermark: str
    person_ids: frozenset[str] = frozenset()
    seen: tuple[Sighting, ...] = ()
    touched: frozenset[bytes] = frozenset()
    deleted: bool = False
    memberships: bool = False


class Directory(Protocol):
    """The university directory. Only entries that carry a person's ID are ever changed or deleted."""

    def check(self) -> list[str]:
        """Faults found by connecting, binding, whoami, schema and bases; empty when all is well."""
        ...

    def observe(self, people: Mapping[str, str]) -> dict[str, Observed]:
        """`people`: person ID → account name. Entries are found by the person's ID (not by name); groups
        from `memberOf`. Every person asked for is in the answer, `clash` set where several entries carry the ID.
        Raises UnavailableError when the answer is not known to be complete."""
        ...

    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        """For each prefix the lower-case `uid` values and local parts of `mail` anywhere under the base,
        ours or not, that start with it: one indexed search per batch of prefixes."""
        ...

    def uid_numbers(self, first: int, last: int) -> frozenset[int]:
        """Those from `first` to `last` that any entry under the base has."""
        ...

    def survey(self) -> Iterator[Surveyed]:
        """Every entry under the base that has a name or our mark, a page at a time. Raises UnavailableError
        when the answer is not known to be complete."""
        ...

    def drift(self, since: str | None) -> Drift:
        """What others did to marked entries since that watermark (None: nothing is asked, only where to begin),
        at no cost per untouched entry."""
        ...

    def marked(self, *, authors: bool = False) -> Iterator[Marked]:
        """Every marked entry under the base, one by one, in no order; with their state. `ours` is asked for with
        `authors` only. Raises UnavailableError, in the end, unless these were all."""
        ...

    def candidates(self) -> Iterator[Entry]:
        """Every entry of a person under the base, whoever made it, whole and with its change number; listings left
        out. Raises UnavailableError, in the end, unless these were all."""
        ...

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        """Carry out each batch (one person's changes, in order); one outcome per batch, same order. A
        refused change ends its own batch only. Safe to repeat. An AddEntry whose DN holds an entry
        with the same person ID is turned into the missing modifications; with another or none: Refused.
        Batches are written side by side. What was not answered is read back before it is sent again; what
        cannot be read back (or was not sent any more) is Unknown. Raises UnavailableError when nothing at all
        is known to be done."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it is read. `subject` is one line; `html` None: text only."""

    subject: str
    text: str
    html: str | None


class Letters(Protocol):
    """Turns notices into mails."""

    def letter(self, notice: Notice, account: Account | None) -> Letter:
        """`account` None: to the operators. Raises ConfigError naming template, line and variable."""
        ...


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One link of the history's hash chain. `hash` covers all other fields and the previous hash."""

    seq: int
    at: datetime
    actor: str
    person_id: str | None
    event: str
    detail: str
    reason: str
    hash: str


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """A plan (or fetch) that a brake refused. `approved_by` and `approved_at` are set by `approve` (anew when an
    approval ran out), `spent_at` by its one use."""

    hash: str
    summary: str
    told_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    spent_at: datetime | None


WAITING = tuple(status for status in NoticeStatus if status.value in ("due", "sending", "unknown"))
"""Notices in these have not come to an end."""


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """How much of what, at one instant. `next_on`: the earliest day on which anybody is due; `held_plans`: those that
    wait for an operator; `fetched_at`: the last fetch of each source that was taken over."""

    accounts: Mapping[State, int]
    next_on: date | None
    parked: int
    rejections: int
    held_plans: int
    notices: Mapping[NoticeStatus, int]
    oldest_waiting_at: datetime | None
    fetched_at: Mapping[str, datetime]

    @property
    def waiting(self) -> int:
        """Notices in the outbox that have not come to an end."""
        return sum(self.notices.get(status, 0) for status in WAITING)


@dataclass(frozen=True, slots=True)
class Sending:
    """What is about to be given to a mail server."""

    key: str
    message_id: str
    to: str


@dataclass(frozen=True, slots=True)
class Looked:
    """How far a folder of the mailbox was read: the last UID, which means something under its UIDVALIDITY only."""

    uid_validity: int
    uid: int


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """A mail that tells of one of ours, by its place in the mailbox. `message_id`: its own, if it has one."""

    folder: str
    uid_validity: int
    uid: int
    message_id: str | None


@dataclass(frozen=True, slots=True)
class Bounce:
    """A notice that was accepted and came back. `sent_to`: from where; `goes_to`: the other address on record, None:
    there is no other. `is_lasting`: that address will not do next time either. `reply`: one line."""

    key: str
    sent_to: str
    reply: str
    is_lasting: bool
    goes_to: str | None


@dataclass(frozen=True, slots=True)
class BadAddress:
    """An address from which a notice came back for good. `notice`: its key."""

    address: str
    reply: str
    at: datetime
    notice: str
    person_id: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a notice that was being sent. `sent_to`: where it went or, while it is due, where it goes next.
    `counts`: the mail server answered for this notice (False: none was there, the attempt was none)."""

    key: str
    status: NoticeStatus
    reply: str
    sent_to: str
    next_try_at: datetime | None = None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """For listings; None means any. `text` matches student ID, account name or programme by prefix."""

    state: State | None = None
    text: str | None = None
    due_by: date | None = None


class Ledger(Protocol):
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

    def unpark(self, person_ids: Iterable[str]) -> None: ...

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

    # -- outbox ----------------------------------------------------------------------------------------
    def outbox(self, status: NoticeStatus | None = None) -> list[OutboxItem]: ...

    def notices(self, keys: Iterable[str]) -> list[OutboxItem]:
        """Those that are there, in no order."""
        ...

    def sent_as(self, message_id: str) -> OutboxItem | None:
        """The notice that was sent with this Message-ID (as it stands in mails, with angle brackets)."""
        ...

    def outbox_counts(self) -> dict[NoticeStatus, int]:
        """How many there are of each status."""
        ...

    def oldest_unsent(self) -> datetime | None:
        """When the oldest notice was decided that is due, being sent or unknown."""
        ...

    def notify(self, notices: Iterable[Notice], at: datetime) -> int:
        """Into the outbox as due; a key that exists already is left as it is. How many are new."""
        ...

    def settle(self, keys: Iterable[str], status: NoticeStatus, reply: str, actor: str, at: datetime) -> int:
        """Record a mail server's answer for notices that are due; the persons become due. How many."""
        ...

    def claim(self, at: datetime, limit: int, longest: timedelta) -> list[OutboxItem]:
        """Notices that may be sent now (due or unknown, `next_try_at` has come, or is further away than `longest`:
        the clock was wrong), longest decided first. First of all, what somebody left as `sending` becomes `unknown`:
        whoever asks is the only one who sends."""
        ...

    def turn(self, answer: Answer | None, following: Sending | None, at: datetime) -> bool:
        """In one transaction, so that a crash leaves one notice in doubt at most: record what became of the one being
        sent, mark the following one as `sending`. False: that one is not to be sent (any more), or there is none.
        The history, and that a person whose notice is settled (accepted, refused, given up) is due, follow with the
        next `claim`."""
        ...

    def tried_between(self, after: datetime, until: datetime) -> int:
        """How many notices were given to a mail server in that time."""
        ...

    def retry(self, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        """Due at once, as if never tried, to the address first chosen: those refused, given up, dropped, unknown or
        waiting for their next try. A mark on that address is taken off. How many."""
        ...

    def drop(self, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        """Not to be sent any more: those due, unknown, refused or given up. How many."""
        ...

    # -- returned mail ---------------------------------------------------------------------------------
    def looked(self, folder: str) -> Looked | None:
        """How far this folder of the mailbox was read."""
        ...

    def look_on(self, folder: str, until: Looked) -> None: ...

    def take_returned(self, mail: ReturnedMail, bounces: Sequence[Bounce], at: datetime) -> int:
        """Remember the mail, and in the same transaction send on each notice that still counts as delivered to the
        address it came back from (or record it as refused), and mark that address. How many; none when a mail of
        that Message-ID, or at that place, was taken before. The persons become due."""
        ...

    def unfiled(self, folder: str, uid_validity: int) -> list[int]:
        """UIDs of mails that were taken and not put away yet."""
        ...

    def file_returned(self, folder: str, uid_validity: int, uids: Iterable[int], at: datetime) -> None:
        """They were put away."""
        ...

    def bad_addresses(self, since: datetime | None = None) -> list[BadAddress]:
        """Marked after `since`, latest first."""
        ...

    def bad_among(self, addresses: Iterable[str], since: datetime) -> frozenset[str]:
        """Those of these that were marked after `since`, as they are written here."""
        ...

    def trust(self, addresses: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        """Take the marks off. How many."""
        ...

    # -- history ---------------------------------------------------------------------------------------

    def history(self, person_id: str | None = None) -> list[HistoryLine]: ...

    def verify_history(self) -> str | None:
        """None, or a sentence that names the first line whose hash does not fit."""
        ...


class DeliveryOutcome(StrEnum):
    """What a mail server did with one message."""

    ACCEPTED = "accepted"  # 250 after the final dot: it is theirs now
    DEFERRED = "deferred"  # 4xx: later
    REFUSED = "refused"  # 5xx for this message or this address: never
    UNKNOWN = "unknown"  # the connection was lost while the answer to the final dot was awaited
    UNAVAILABLE = (
        "unavailable"  # no server serves us (at all, or as the sender that we are): nothing was sent
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """`reply`: the server's own words, one line, or what happened instead of them."""

    outcome: DeliveryOutcome
    reply: str


class MailBatch(Protocol):
    """One connection, made when first needed and again when it was lost."""

    def send(
        self,
        message: bytes,
        to: str,
        begin: Callable[[], bool] = lambda: True,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Delivery | None:
        """One message (RFC 5322; ASCII where the address is) to one address, to its end. Raises nothing that a
        mail server does. `begin` is asked once, before any content goes out, while the server is busy already; False:
        nothing does, None is returned. `meanwhile` is done while the server has the content, perhaps never."""
        ...


class Mailer(Protocol):
    def batch(self) -> AbstractContextManager[MailBatch]: ...

    def check(self) -> list[str]:
        """Faults found by connecting, encrypting and logging in; empty when all is well."""
        ...


class InboxFolder(Protocol):
    """A folder of a mailbox, opened."""

    @property
    def uid_validity(self) -> int: ...

    def uids(self, after: int) -> list[int]:
        """Of the mails behind that UID, ascending."""
        ...

    def mail(self, uid: int) -> bytes | None:
        """As it is, unchanged and still unseen, cut off behind a bound. None: the server does not give it."""
        ...

    def file(self, uids: Sequence[int]) -> None:
        """Put away as read; those that are gone are passed over."""
        ...


class Inbox(Protocol):
    """The mailbox to which mails come back. Raises UnavailableError("inbox", …)."""

    @property
    def folder(self) -> str: ...

    def opened(self, *, read_only: bool = False) -> AbstractContextManager[InboxFolder]: ...

    def check(self) -> list[str]:
        """Faults found by connecting, encrypting, logging in and looking for the folders; empty when all is well."""
        ...
