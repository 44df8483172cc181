"""Where a person stands: facts in, state and dates out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.domain.lifecycle import Standing, add_months, standing
from provisiond.domain.model import Account, Extension, Hold, HoldKind, Level, NoticeKind, State, Status
from provisiond.domain.people import person
from provisiond.domain.policy import LifecyclePolicy
from tests.rigs.lives import TODAY, ZONE, a_person, accepted, an_account, noon

POLICY = LifecyclePolicy()
DAY = timedelta(days=1)


def stands(account: Account, today: date = TODAY, policy: LifecyclePolicy = POLICY) -> Standing:
    return standing(person(account.student_id, account, ()), today, ZONE, policy)


def graduate(
    completed_on: date, *, told_on: date | None = None, last_on: date | None = None, **overrides: object
) -> Account:
    """Somebody who completed; with `told_on` all required notices were accepted that day, on `last_on` the mail of
    the last day."""
    record = a_person(status=Status.COMPLETED, status_on=completed_on)
    expiry_on = add_months(completed_on, 4)
    notices = (
        ()
        if told_on is None
        else (
            accepted(record.proposed_id, NoticeKind.GRACE_BEGUN, told_on, completed_on, str(completed_on)),
            accepted(record.proposed_id, NoticeKind.EXPIRY_REMINDER, told_on, expiry_on, f"{expiry_on}:30"),
        )
    )
    if last_on:
        last = accepted(record.proposed_id, NoticeKind.EXPIRY, last_on, last_on, f"{expiry_on}:{last_on}")
        notices = (*notices, last)
    return an_account(record, state=State.GRACE, outbox=notices, **overrides)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 10, 31), 4, date(2027, 2, 28)),
        (date(2027, 10, 31), 4, date(2028, 2, 29)),
        (date(2026, 8, 31), 4, date(2026, 12, 31)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 1, 15), 0, date(2026, 1, 15)),
    ],
)
def test_months_are_calendar_months_clamped_to_the_months_end(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 60))
def test_adding_months_lands_in_the_right_month_and_never_after_the_day(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day


def test_registered_and_not_activated_is_pending() -> None:
    assert stands(an_account(a_person(), activated_at=None)).state is State.PENDING


def test_registered_and_activated_is_active() -> None:
    assert stands(an_account(a_person())).state is State.ACTIVE


def test_on_leave_is_its_own_state_and_only_where_nothing_is_registered() -> None:
    leave = a_person(status=Status.ON_LEAVE)
    assert stands(an_account(leave)).state is State.ON_LEAVE
    other = a_person(programme="OTHER", status=Status.REGISTERED)
    assert stands(an_account(leave, other)).state is State.ACTIVE


def test_a_completion_dated_in_the_future_has_not_happened() -> None:
    record = a_person(status=Status.COMPLETED, status_on=TODAY + 3 * DAY)
    where = stands(an_account(record))
    assert (where.state, where.next_on) == (State.ACTIVE, TODAY + 3 * DAY)


def test_studies_to_come_do_not_decide_while_others_go_on() -> None:
    """An undergraduate admitted to a research degree next year stays an undergraduate until then."""
    coming = a_person(programme="PHD", level=Level.RESEARCH_POSTGRADUATE, status_on=TODAY + 9 * DAY)
    for status, state in ((Status.REGISTERED, State.ACTIVE), (Status.ON_LEAVE, State.ON_LEAVE)):
        account = an_account(a_person(status=status), coming)
        where = stands(account)
        assert (where.state, where.record.programme, where.next_on) == (state, "BSC-CS", TODAY + 9 * DAY)
        assert stands(account, TODAY + 9 * DAY).record.programme == "PHD"


def test_a_graduate_admitted_to_another_programme_is_not_sent_away_in_between() -> None:
    coming = a_person(programme="PHD", level=Level.RESEARCH_POSTGRADUATE, status_on=TODAY + 9 * DAY)
    completed = a_person(status=Status.COMPLETED, status_on=TODAY - DAY)
    assert stands(an_account(completed, coming)).state is State.ACTIVE


def test_grace_runs_to_the_end_of_the_expiry_date() -> None:
    account = graduate(date(2026, 10, 31), told_on=date(2027, 1, 29), last_on=date(2027, 2, 28))
    assert stands(account, date(2027, 2, 28)).state is State.GRACE
    assert stands(account, date(2027, 3, 1)).state is State.ALUMNI


def test_without_the_mail_of_the_last_day_it_is_today() -> None:
    account = graduate(date(2026, 10, 31), told_on=date(2027, 1, 29))
    where = stands(account, date(2027, 3, 4))
    assert (where.state, where.expires_on) == (State.GRACE, date(2027, 3, 4))
    assert "the mail of the last day had not gone out" in where.reason
    none = replace(POLICY, required_notices=frozenset())
    assert (
        standing(person(account.student_id, account, ()), date(2027, 3, 4), ZONE, none).state is State.ALUMNI
    )


def test_without_accepted_notices_services_never_close() -> None:
    account = graduate(date(2026, 1, 1))
    where = stands(account, date(2026, 11, 24))
    assert where.state is State.GRACE
    assert where.waits_for == (NoticeKind.EXPIRY_REMINDER, NoticeKind.GRACE_BEGUN)
    assert where.expires_on == date(2026, 12, 1)
    assert "moved" in where.reason


def test_a_late_notice_moves_the_expiry_by_the_lead_time() -> None:
    account = graduate(date(2026, 6, 1), told_on=date(2026, 11, 20), last_on=date(2026, 11, 27))
    assert stands(account, date(2026, 11, 27)).state is State.GRACE
    assert stands(account, date(2026, 11, 28)).state is State.ALUMNI


def test_an_alumnus_is_not_asked_for_notices_again() -> None:
    account = replace(graduate(date(2025, 1, 1)), state=State.ALUMNI)
    assert stands(account).state is State.ALUMNI


def test_an_extension_moves_the_expiry_date() -> None:
    until = date(2027, 6, 30)
    account = graduate(date(2026, 10, 31), extensions=(Extension(until, noon(), "thesis", "operator"),))
    assert stands(account).expiry_on == until


def test_the_grace_period_runs_from_the_last_valid_affiliation() -> None:
    first = a_person(status=Status.COMPLETED, status_on=date(2026, 6, 30))
    second = a_person(
        programme="MSC", level=Level.TAUGHT_POSTGRADUATE, status=Status.COMPLETED, status_on=date(2026, 10, 1)
    )
    assert stands(an_account(first, second)).expiry_on == date(2027, 2, 1)


def test_grace_length_follows_the_level() -> None:
    policy = LifecyclePolicy(grace_months={**POLICY.grace_months, Level.RESEARCH_POSTGRADUATE: 12})
    record = a_person(
        level=Level.RESEARCH_POSTGRADUATE, status=Status.COMPLETED, status_on=date(2026, 10, 31)
    )
    assert stands(an_account(record), policy=policy).expiry_on == date(2027, 10, 31)


def test_withdrawn_is_terminated_at_once() -> None:
    record = a_person(status=Status.WITHDRAWN, status_on=date(2026, 11, 1))
    assert stands(an_account(record)).state is State.TERMINATED


def test_a_returner_is_active_again_and_the_better_affiliation_decides() -> None:
    old = a_person(status=Status.COMPLETED, status_on=date(2024, 6, 30))
    new = a_person(programme="PHD", level=Level.RESEARCH_POSTGRADUATE)
    where = stands(an_account(old, new, state=State.ALUMNI))
    assert (where.state, where.record.programme) == (State.ACTIVE, "PHD")


def test_the_best_level_wins_among_registered_programmes() -> None:
    master = a_person(programme="MSC", level=Level.TAUGHT_POSTGRADUATE)
    bachelor = a_person(programme="BSC", level=Level.UNDERGRADUATE)
    assert stands(an_account(bachelor, master)).record.programme == "MSC"


def test_a_lock_ends_by_itself_on_its_last_day() -> None:
    hold = Hold(HoldKind.LOCK, noon(), TODAY + DAY, "theft", "operator")
    account = an_account(a_person(), holds=(hold,))
    assert stands(account, TODAY + DAY).locked
    assert not stands(account, TODAY + 2 * DAY).locked
    assert stands(account).next_on == TODAY + 2 * DAY


def test_milestones_say_when_to_look_again() -> None:
    account = graduate(date(2026, 10, 31), told_on=date(2026, 11, 1))
    assert stands(account).next_on == date(2027, 1, 29)
    assert stands(account, date(2027, 2, 27)).next_on == date(2027, 2, 28)
    assert stands(account, date(2027, 2, 28)).next_on == date(2027, 3, 1)


def test_withdrawn_after_an_earlier_degree_is_alumni_and_log_in_ends_at_once() -> None:
    degree = a_person(status=Status.COMPLETED, status_on=TODAY - 400 * DAY)
    left = a_person(programme="PHD", status=Status.WITHDRAWN, status_on=TODAY)
    where = stands(an_account(degree, left))
    assert (where.state, where.expires_on) == (State.ALUMNI, TODAY - DAY)
