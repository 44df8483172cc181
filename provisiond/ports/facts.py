"""What the ledger gives and takes beside accounts: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from provisiond.domain.model import NoticeStatus, State

RecordKey = tuple[str, str, str]
"""Source, student ID, programme."""


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


WAITING = (NoticeStatus.DUE, NoticeStatus.SENDING, NoticeStatus.UNKNOWN)
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
