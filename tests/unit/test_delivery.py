"""When a notice is sent, where to, when again, and when not any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from provisiond.domain.delivery import (
    MailPolicy,
    is_mail_address,
    other_address,
    overtaken,
    waiting,
)
from provisiond.domain.model import Account, Extension, Notice, NoticeKind, State
from tests.rigs.lives import a_person, an_account, noon
from tests.rigs.steps import an_item

EXPIRY = date(2025, 10, 31)
OWN, PRIVATE = "tmchan@connect.example.edu", "tai.man@example.net"


def a_notice(kind: NoticeKind, due_on: date, about_on: date | None = EXPIRY, to: str = OWN) -> Notice:
    return Notice(f"p1:{kind}:{due_on}", "p1", kind, to, due_on, about_on)


def in_grace(*notices: Notice, **overrides: object) -> Account:
    outbox = tuple(an_item(notice, noon(notice.due_on)) for notice in notices)
    record = a_person(personal_mail=PRIVATE)
    return replace(an_account(record, state=State.GRACE, outbox=outbox), **overrides)  # type: ignore[arg-type]


def test_waits_grow_and_end() -> None:
    policy = MailPolicy()
    waits = [wait for n in range(1, 100) if (wait := waiting(n, policy))]
    assert waits[:4] == [timedelta(minutes=m) for m in (5, 10, 20, 40)]
    assert max(waits) == policy.longest_backoff
    total = sum(waits, timedelta())
    assert policy.give_up_after <= total < policy.give_up_after + policy.longest_backoff
    assert waiting(10**6, policy) is None


def test_the_other_address_is_tried_once() -> None:
    account = in_grace()
    notice = a_notice(NoticeKind.EXPIRY, EXPIRY)
    domain = "connect.example.edu"
    assert other_address(notice, OWN, account, domain) == PRIVATE
    assert other_address(notice, PRIVATE, account, domain) is None
    assert other_address(replace(notice, to=PRIVATE), PRIVATE, account, domain) == OWN
    alone = replace(account, records=(a_person(personal_mail=None),))
    assert other_address(notice, OWN, alone, domain) is None
    assert other_address(notice, OWN, None, domain) is None


def test_a_reminder_is_overtaken_by_the_next_one_and_by_the_expiry_itself() -> None:
    first = a_notice(NoticeKind.EXPIRY_REMINDER, EXPIRY - timedelta(days=30))
    second = a_notice(NoticeKind.EXPIRY_REMINDER, EXPIRY - timedelta(days=7))
    last = a_notice(NoticeKind.EXPIRY, EXPIRY)
    today = EXPIRY - timedelta(days=5)
    assert overtaken(first, in_grace(first), today) is None
    assert overtaken(first, in_grace(first, second), today) is not None
    assert overtaken(second, in_grace(first, second), today) is None
    assert overtaken(second, in_grace(first, second, last), EXPIRY) is not None
    assert overtaken(last, in_grace(first, second, last), EXPIRY) is None
    assert overtaken(last, in_grace(first, second, last), EXPIRY + timedelta(days=1)) is not None


def test_the_last_reminder_goes_out_late_while_the_expiry_waits_for_it() -> None:
    reminder = a_notice(NoticeKind.EXPIRY_REMINDER, EXPIRY - timedelta(days=1))
    assert overtaken(reminder, in_grace(reminder), EXPIRY + timedelta(days=20)) is None


def test_an_extension_overtakes_what_announced_the_old_date() -> None:
    reminder = a_notice(NoticeKind.EXPIRY_REMINDER, EXPIRY - timedelta(days=7))
    granted = Extension(EXPIRY + timedelta(days=30), noon(EXPIRY), "thesis", "alice")
    account = in_grace(reminder, extensions=(granted,))
    assert overtaken(reminder, account, EXPIRY - timedelta(days=7)) is not None
    about_the_new = replace(reminder, about_on=granted.until_on)
    assert overtaken(about_the_new, account, EXPIRY) is None


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (NoticeKind.GRACE_BEGUN, State.ACTIVE),
        (NoticeKind.EXPIRY_REMINDER, State.ALUMNI),
        (NoticeKind.EXPIRY, State.ACTIVE),
        (NoticeKind.ALUMNI, State.ACTIVE),
        (NoticeKind.TERMINATED, State.ACTIVE),
        (NoticeKind.CREATED, State.TERMINATED),
    ],
)
def test_what_is_not_true_any_more_is_not_said(kind: NoticeKind, state: State) -> None:
    assert overtaken(a_notice(kind, EXPIRY), in_grace(state=state), EXPIRY) is not None


@pytest.mark.parametrize("kind", [NoticeKind.ACTIVATED, NoticeKind.HOLD_SET, NoticeKind.HOLD_LIFTED])
def test_what_happened_stays_true(kind: NoticeKind) -> None:
    later = EXPIRY + timedelta(days=99)
    assert all(overtaken(a_notice(kind, EXPIRY), in_grace(state=state), later) is None for state in State)


def test_ordinary_addresses_are_addresses() -> None:
    for text in ("a@example.net", "a.b+c@sub.example.edu.hk", "大文@例子.香港", "o'brien@example.ie", OWN):
        assert is_mail_address(text), text
