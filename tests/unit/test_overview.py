"""What the owner of an account is told of it: state and why, services, expiry date, notices."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from provisiond.domain.model import (
    Account,
    Extension,
    Hold,
    HoldKind,
    NoticeKind,
    NoticeStatus,
    RegistryRecord,
    State,
    Status,
)
from provisiond.portal.account.overview import Moved, Overview, Why, masked, overview
from tests.rigs.lives import TODAY, ZONE, a_person, a_policy, accepted, an_account, noon


def told_of(account: Account, today: date = TODAY) -> Overview:
    return overview(account, today, ZONE, a_policy())


def a_graduate(**overrides: Any) -> tuple[Account, RegistryRecord]:
    """Completed 60 days ago, with every notice accepted in time."""
    record = a_person(status=Status.COMPLETED, status_on=TODAY - timedelta(days=60))
    begun = accepted(record.proposed_id, NoticeKind.GRACE_BEGUN, record.status_on, record.status_on)
    reminded = accepted(
        record.proposed_id, NoticeKind.EXPIRY_REMINDER, TODAY - timedelta(days=20), date(2027, 1, 25)
    )
    facts = {"state": State.GRACE, "outbox": (begun, reminded)} | overrides
    return an_account(record, **facts), record


def test_a_student_reads_that_they_are_registered_and_what_this_gives() -> None:
    """State, programme, services and quota of an active account."""
    told = told_of(an_account(a_person(status_on=date(2024, 9, 2)), second_factor_at=noon()))
    assert (told.state, told.why, told.since_on) == (State.ACTIVE, Why.REGISTERED, date(2024, 9, 2))
    assert told.services == ("library", "students")
    assert told.quota_bytes == 2**30
    assert told.expires_on is None
    assert told.can_log_in
    assert told.second_factor_on == TODAY


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"status": Status.ON_LEAVE}, Why.ON_LEAVE),
        ({"status": Status.WITHDRAWN}, Why.WITHDRAWN),
        ({"status": Status.COMPLETED}, Why.COMPLETED),
        ({"status_on": TODAY + timedelta(days=9)}, Why.REGISTERED_FROM),
    ],
)
def test_the_reason_is_the_registrys_word(facts: dict[str, Any], why: Why) -> None:
    """Each status has words of its own."""
    record = a_person(**({"status_on": TODAY - timedelta(days=3)} | facts))
    assert told_of(an_account(record)).why is why


def test_a_graduate_reads_the_last_day_of_service() -> None:
    """Four calendar months after completion."""
    account, record = a_graduate()
    told = told_of(account)
    assert (told.state, told.since_on, told.expires_on) == (State.GRACE, record.status_on, date(2027, 1, 25))
    assert told.moved is None


def test_an_extension_is_told_as_such() -> None:
    """The date that was granted, and that it was granted."""
    until = date(2027, 3, 1)
    account, record = a_graduate()
    told_in_time = accepted(record.proposed_id, NoticeKind.EXPIRY_REMINDER, TODAY, until)
    extended = replace(
        account,
        extensions=(Extension(until, noon(), "thesis", "ops"),),
        outbox=(*account.outbox, told_in_time),
    )
    told = told_of(extended)
    assert (told.expires_on, told.moved) == (until, Moved.EXTENDED)


def test_an_expiry_that_waits_for_notices_says_so() -> None:
    """Nobody is closed unannounced, and the student may know why the date is later."""
    account, _ = a_graduate(outbox=())
    assert told_of(account, date(2027, 1, 25)).moved is Moved.NOT_TOLD


def test_a_lock_shows_its_end_but_not_the_operators_reason() -> None:
    """Reasons are written for operators."""
    ends_on = TODAY + timedelta(days=5)
    lock = Hold(HoldKind.LOCK, noon(), ends_on, "found in a list of stolen passwords", "ops")
    told = told_of(an_account(a_person(), holds=(lock,)))
    assert told.is_locked
    assert not told.can_log_in
    assert told.locked_until_on == ends_on
    assert "stolen" not in repr(told)


def test_a_lock_without_end_has_none() -> None:
    """Of several locks the one without an end decides."""
    ends = Hold(HoldKind.LOCK, noon(), TODAY, "a", "ops")
    told = told_of(an_account(a_person(), holds=(ends, replace(ends, until_on=None))))
    assert told.is_locked
    assert told.locked_until_on is None


def test_notices_are_told_newest_first_to_masked_addresses() -> None:
    """What was sent, when, and to which of one's own addresses; what nobody received is not there."""
    account = an_account(a_person())
    refused = replace(accepted("p20000001", NoticeKind.EXTENDED), status=NoticeStatus.REFUSED)
    told = told_of(replace(account, outbox=(*account.outbox, refused)))
    assert [one.kind for one in told.told] == [NoticeKind.ACTIVATED, NoticeKind.CREATED]
    assert {one.to for one in told.told} == {"x…@example.edu"}


@pytest.mark.parametrize(
    ("address", "shown"),
    [("taiman@example.org", "t…n@example.org"), ("ab@example.org", "a…@example.org"), ("@x", "…@x")],
)
def test_a_masked_address_is_recognised_by_its_owner_only(address: str, shown: str) -> None:
    """First and last letter of the local part."""
    assert masked(address) == shown
