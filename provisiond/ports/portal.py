"""What the portal asks of the ledger. It decides nothing of an account: facts and orders go to the ledger, the daemon
writes the entries. Only passwords and tokens it sets in the directory itself, at once (DESIGN 3, rule 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from provisiond.domain.model import Account, Occurrence
from provisiond.ports.choices import Choices
from provisiond.ports.facts import HistoryLine


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


class PortalLedger(Choices, Protocol):
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
    def tell(self, person_id: str, occurrence: Occurrence) -> None:
        """A security notice: the next cycle decides its mail."""
        ...

    def note(self, person_id: str, event: str, actor: str, detail: Mapping[str, Any], at: datetime) -> None:
        """A history line of something that changes nothing for the daemon."""
        ...
