"""What the portal asks of the world. It decides nothing of an account: facts and orders go to the ledger, the daemon
writes the entries. Only passwords and tokens it sets in the directory itself, at once (DESIGN 3, rule 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from provisiond.domain.model import Account, ContactDetail, Occurrence
from provisiond.ports.facts import HistoryLine

# -- facts that only the portal needs --------------------------------------------------------------------------


class Problem(StrEnum):
    """Why a student whom we know has no finished account. Words for machines; the portal says them in its own."""

    PARKED = "parked"  # a cycle met with trouble, operators see it
    HELD = "held"  # a brake holds the new account until operators approve it
    WAITING = "waiting"  # a registry named them, and not yet as somebody who studies


@dataclass(frozen=True, slots=True)
class Proofs:
    """By what a person proves who they are: keyed digests of every record that names the student ID. `person_id`: of
    the account; None: there is none yet. `problem`: there is none, or its entries could not be written yet."""

    student_id: str
    person_id: str | None
    hkid_digests: frozenset[str] = field(repr=False)
    birth_digests: frozenset[str] = field(repr=False)
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor (TOTP, RFC 6238): `sealed` is the secret as the vault encrypted it. `confirmed_at` None: a code
    has not been seen yet, it counts for nothing. `last_step`: the time step of the code used last."""

    id: int
    person_id: str
    sealed: bytes = field(repr=False)
    begun_at: datetime
    confirmed_at: datetime | None
    last_step: int


@dataclass(frozen=True, slots=True)
class CodeSet:
    """Recovery codes as they are kept: one salt, a digest for each code that was not used."""

    salt: bytes = field(repr=False)
    digests: frozenset[bytes] = field(repr=False)
    made_at: datetime


class TicketKind(StrEnum):
    """What a single-use code that we gave out is good for."""

    ACTIVATION = "activation"  # sent to the personal address: possession beside a weak proof
    RE_ENROLMENT = "re-enrolment"  # issued by two operators: another second factor without the old one


@dataclass(frozen=True, slots=True)
class Ticket:
    """A single-use code, kept as a keyed digest. Good from `from_at` until `until_at`; `issued_by`: who vouched
    (operators' names; a re-enrolment needs two different ones before `from_at` is set)."""

    kind: TicketKind
    person_id: str
    digest: str = field(repr=False)
    from_at: datetime | None
    until_at: datetime
    issued_by: tuple[str, ...]


class PortalLedger(Protocol):
    """The ledger as the portal sees it. Every method is one transaction; acts leave a history line."""

    def proofs(self, student_id: str) -> Proofs | None:
        """Quick, and as quick whether there is one or not."""
        ...

    def account(self, person_id: str) -> Account | None: ...

    def account_named(self, account_name: str) -> Account | None:
        """By account name (lower case), for log-in."""
        ...

    def history(self, person_id: str) -> list[HistoryLine]: ...

    # -- activation
    def accept(self, person_id: str, version: str, at: datetime) -> None:
        """The acceptable use policy of that version was accepted."""
        ...

    def accepted(self, person_id: str) -> tuple[str, datetime] | None:
        """The latest version and when."""
        ...

    def complete_activation(
        self,
        person_id: str,
        factor_id: int,
        step: int,
        codes: CodeSet,
        accepted: tuple[str, datetime],
        at: datetime,
    ) -> bool:
        """All in one transaction: the pending factor is confirmed with the code of that step, recovery codes kept,
        acceptance recorded, the account activated (the person becomes due). One that was activated before stays so,
        and the person is told of the factor (notice). False, and nothing is done, where the factor is not pending any
        more, or another one is confirmed: another request was faster."""
        ...

    # -- second factor
    def begin_factor(self, person_id: str, sealed: bytes, at: datetime) -> Factor:
        """A pending one, in place of any other pending one; a confirmed one stays as it is."""
        ...

    def pending_factor(self, person_id: str) -> Factor | None: ...

    def factor(self, person_id: str) -> Factor | None:
        """The confirmed one."""
        ...

    def sample_factors(self) -> tuple[Factor, ...]:
        """Of all that are confirmed the oldest and the newest: to see whether they can be read."""
        ...

    def replace_factor(
        self, person_id: str, factor_id: int, step: int, codes: CodeSet, occurrence: Occurrence, at: datetime
    ) -> bool:
        """Confirm the pending one in place of the one before, with new recovery codes, and tell the person (notice).
        False: as in complete_activation."""
        ...

    def use_step(self, person_id: str, step: int) -> bool:
        """A code of the confirmed factor counts once: True where `step` is later than the last one (a conditional
        update, so that of sixteen requests at once one wins)."""
        ...

    def recovery_codes(self, person_id: str) -> CodeSet | None: ...

    def use_recovery_code(self, person_id: str, digest: bytes, at: datetime) -> bool:
        """Once."""
        ...

    def replace_recovery_codes(
        self, person_id: str, codes: CodeSet, occurrence: Occurrence, at: datetime
    ) -> None: ...

    # -- single-use codes
    def issue_ticket(self, ticket: Ticket, at: datetime, notice: Occurrence | None = None) -> None:
        """In place of an earlier one of that kind for that person. `notice`: told by the next cycle, in the same
        transaction."""
        ...

    def ticket(self, person_id: str, kind: TicketKind) -> Ticket | None:
        """The one that is neither used nor out of date (by its `until_at`, which the caller judges)."""
        ...

    def use_ticket(self, person_id: str, kind: TicketKind, digest: str, at: datetime) -> bool:
        """Once, between its two times."""
        ...

    def withdraw_ticket(
        self, person_id: str, kind: TicketKind, actor: str, reason: str, at: datetime
    ) -> bool:
        """It counts no more. False: there was none that was not used."""
        ...

    # -- orders: facts for the daemon
    def set_contact(
        self, person_id: str, details: Sequence[ContactDetail], unlisted: bool, actor: str, at: datetime
    ) -> None:
        """In place of what was there; no change, no history line."""
        ...

    def set_display_name(self, person_id: str, name: str | None, actor: str, at: datetime) -> None:
        """None: as policy makes it."""
        ...

    def give_alias(
        self, person_id: str, alias: str, domain: str, actor: str, at: datetime, allowed: int | None = None
    ) -> bool:
        """A further local part of the lifelong address, for ever. Raises RejectedError where it was ever given to
        another, or is an account name; again to the same person: nothing happens. `allowed`: how many one person may
        have in all (None: any number). False, and nothing is given: they have as many."""
        ...

    def taken(self, names: Collection[str]) -> frozenset[str]:
        """Those of these (lower case) that were ever given to anybody, or that an entry of others has."""
        ...

    def tell(self, person_id: str, occurrence: Occurrence) -> None:
        """A security notice: the next cycle decides its mail."""
        ...

    def note(self, person_id: str, event: str, actor: str, detail: Mapping[str, Any], at: datetime) -> None:
        """A history line of something that changes nothing for the daemon."""
        ...


# -- the portal's own short memory -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WebSession:
    """What the portal knows between two requests. `person_id`: proven or logged in (which, says `stage`); `content`:
    JSON, never a secret. `proved_at`: the last time that password and second factor were shown."""

    person_id: str | None
    stage: str
    content: Mapping[str, Any]
    begun_at: datetime
    seen_at: datetime
    proved_at: datetime | None


class Sessions(Protocol):
    """Kept under a digest of the token in the cookie. Shared by all portals of one ledger; survives restarts."""

    def load(self, token: str, at: datetime) -> WebSession | None:
        """None: unknown, idle for too long, or over."""
        ...

    def keep(self, token: str, session: WebSession, replaces: str | None = None) -> None:
        """`replaces`: the token that the session had before, which is void from now on."""
        ...

    def end(self, token: str) -> None: ...

    def end_all(self, person_id: str, but: str | None = None) -> int:
        """Every session of that person but the one with the token `but`; how many."""
        ...

    def purge(self, at: datetime) -> int: ...


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in each period of `per`."""

    name: str
    count: int
    per: timedelta


class Throttle(Protocol):
    """Counts that survive restarts and are shared by all portals. Keys hold no personal data (digests)."""

    def admit(self, wanted: Sequence[tuple[Rate, str]], at: datetime) -> timedelta | None:
        """Count one act under each (rate, key): None where all allow it, else how long to wait (nothing counts)."""
        ...

    def pause(self, key: str, at: datetime) -> timedelta:
        """How long until the next try under this key may come (zero: now). Grows with failures, up to a limit."""
        ...

    def failed(self, keys: Sequence[str], at: datetime) -> None: ...

    def succeeded(self, keys: Sequence[str]) -> None:
        """The failures are forgotten."""
        ...

    def purge(self, at: datetime) -> int: ...


class Tried(StrEnum):
    """What became of an attempt to prove something."""

    RIGHT = "right"
    WRONG = "wrong"
    PAUSED = "paused"  # too many before: it was not looked at
    BESIEGED = "besieged"  # so many against that person today that something else is asked for too


class Tally(Protocol):
    """What those who watch want to count; of nobody in particular. Thread-safe, and quick."""

    def answered(self, route: str, status: int, seconds: float) -> None:
        """`route`: the page as it is written in the list of pages, never what somebody typed."""
        ...

    def tried(self, purpose: str, outcome: Tried) -> None: ...

    def activated(self) -> None:
        """An account, for the first time."""
        ...

    def away(self, system: str) -> None:
        """A request met a system that did not answer."""
        ...


# -- the directory ---------------------------------------------------------------------------------------------


class PasswordRefusal(StrEnum):
    """Why the directory did not take a password (draft-behera-ldap-password-policy, 5.2)."""

    TOO_SHORT = "too-short"
    USED_BEFORE = "used-before"
    TOO_YOUNG = "too-young"
    QUALITY = "quality"
    OTHER = "other"


class BindAnswer(StrEnum):
    """`WRONG` also where the account is not there: outsiders must not tell the two apart."""

    RIGHT = "right"
    WRONG = "wrong"
    BLOCKED = "blocked"  # right or wrong: the server lets nobody in (ended, locked, too many failures)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the directory shows of an account to services: names of groups, addresses, display name, quota (bytes)."""

    dn: str
    state: str | None
    groups: frozenset[str]
    mail: tuple[str, ...]
    display_name: str | None
    quota_bytes: int | None


class PortalDirectory(Protocol):
    """The directory by the portal's own identity. All raise UnavailableError; none repeats a write in doubt."""

    def set_password(self, person_id: str, password: str) -> PasswordRefusal | None:
        """By the operation of RFC 3062: the server hashes it and its policy judges it. None: it holds."""
        ...

    def bind(self, account_name: str, password: str, code: str | None = None) -> BindAnswer:
        """Whether the person's own bind succeeds; `code` follows the password where the server asks for it (otp
        overlay), else it is left out. As slow for a name that is not there, or has no password yet. Where the caller
        has checked the person's code, or a recovery code, it gives the code of the present step."""
        ...

    def shown(self, person_id: str) -> Shown | None: ...

    def put_token(self, person_id: str, secret: bytes) -> None:
        """Write the TOTP token entry, in place of the one before."""
        ...

    def is_enforced(self, person_id: str) -> bool:
        """Whether the server asks for a code at bind."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """A contact entry as the reader of the listings sees it; `attributes` by lower-case name (with options)."""

    name: str  # uid
    attributes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ListingPage:
    listings: tuple[Listing, ...]
    more: bool  # there are others after these
    cut: bool = False  # there are matches that were not looked at: a more precise search finds them


class Listings(Protocol):
    """The communications directory's view, bound as the listing reader: what it can see is all that is public."""

    def find(self, text: str, department: str | None, after: str | None, size: int) -> ListingPage:
        """By beginnings of names (any word order, Latin or Chinese) and department; ascending by display name;
        `after`: the name of the last listing of the page before. Empty where the text says too little."""
        ...

    def listing(self, name: str) -> Listing | None: ...

    def departments(self) -> tuple[str, ...]:
        """As they were within the last hour or so; quick, where they were known before."""
        ...

    def warm(self) -> None:
        """Begin to read what takes long, and return at once."""
        ...

    def close(self) -> None: ...
