"""Builders of steps, records and notices for tests of the ledger: number N is always the same person."""

from __future__ import annotations

from datetime import date, datetime

from provisiond.domain.model import (
    Level,
    Notice,
    NoticeKind,
    NoticeStatus,
    OutboxItem,
    RegistryRecord,
    State,
    Status,
)
from provisiond.domain.plan import Identity, Step


def a_step(
    number: int,
    *,
    account_name: str | None = None,
    uid_number: int | None = -1,
    new: bool = True,
    from_state: State | None = None,
    to_state: State = State.PENDING,
    notices: tuple[Notice, ...] = (),
    next_on: date | None = None,
) -> Step:
    """Of an account that is there already unless `new`. `uid_number` -1: one of the person's own."""
    name = account_name or f"name{number}"
    own = Identity(name, 100000 + number if uid_number == -1 else uid_number)
    return Step(
        person_id=f"person-{number}",
        student_id=f"S{number:07}",
        account_name=name,
        identity=own if new else None,
        from_state=from_state,
        to_state=to_state,
        changes=(),
        notices=notices,
        reasons=("registered for BSC-CS.",),
        next_on=next_on,
        ends_access=False,
        renames=False,
    )


def a_record(number: int) -> RegistryRecord:
    return RegistryRecord(
        source="students",
        file="students.csv",
        line=number + 2,
        student_id=f"S{number:07}",
        proposed_id=f"person-{number}",
        surname="CHAN",
        given_names="Tai Man",
        preferred_name=None,
        chinese_name=None,
        hkid_digest=None,
        birth_digest="b1" * 32,
        programme="BSC-CS",
        department="Computer Science",
        level=Level.UNDERGRADUATE,
        status=Status.REGISTERED,
        status_on=date(2025, 9, 1),
        expected_end_on=date(2029, 6, 30),
        personal_mail="tai.man@example.net",
        supervisor_mail=None,
        language=None,
        confidential=False,
    )


def a_notice(number: int) -> Notice:
    return Notice(
        key=f"person-{number}:created",
        person_id=f"person-{number}",
        kind=NoticeKind.CREATED,
        to="tai.man@example.net",
        due_on=date(2025, 9, 1),
        about_on=None,
    )


def an_item(
    notice: Notice,
    decided_at: datetime,
    status: NoticeStatus = NoticeStatus.DUE,
    settled_at: datetime | None = None,
    reply: str | None = None,
) -> OutboxItem:
    """As the ledger keeps it that never gave it to a mail server."""
    return OutboxItem(
        notice,
        status,
        decided_at,
        settled_at,
        reply,
        attempts=0,
        doubts=0,
        next_try_at=None,
        tried_at=None,
        message_id=None,
        sent_to=None,
    )
