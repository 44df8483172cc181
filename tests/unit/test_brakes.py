"""Brakes beside the single plan: calendar windows, the last 24 hours, protected DNs; a hash that no order changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from provisiond.domain.brakes import limit_on, tripped
from provisiond.domain.model import Absence, State, Status
from provisiond.domain.plan import PlanHash
from provisiond.domain.policy import BrakePolicy, Limit, Window
from tests.rigs.lives import TODAY, a_case, a_person, a_policy, an_account, decide, the_only_step

MANY, FEW = Limit(8000, 100, 1000), Limit(10, 1, 5)
INTAKE = Window("intake", (8, 20), (9, 20), {"creations": MANY})
TURN = Window("turn of the year", (12, 20), (1, 5), {"losses": FEW})
POLICY = BrakePolicy(windows=(INTAKE, TURN))


@pytest.mark.parametrize(
    ("today", "brake", "expected"),
    [
        (date(2027, 8, 19), "creations", POLICY.creations),
        (date(2027, 8, 20), "creations", MANY),
        (date(2027, 9, 20), "creations", MANY),
        (date(2027, 9, 21), "creations", POLICY.creations),
        (date(2027, 8, 25), "losses", POLICY.losses),
        (date(2026, 12, 31), "losses", FEW),
        (date(2027, 1, 5), "losses", FEW),
        (date(2027, 1, 6), "losses", POLICY.losses),
    ],
)
def test_a_window_has_its_own_limits_for_the_brakes_it_names(
    today: date, brake: str, expected: Limit
) -> None:
    assert limit_on(today, brake, POLICY) == expected


def test_ten_times_one_percent_in_a_day_trips_though_no_single_plan_does() -> None:
    """1,000 accounts, 2 % allowed: 10 losses a cycle."""
    done, cycles = 0, 0
    while not (over := tripped({"losses": 10}, {"losses": done}, 1000, BrakePolicy(), TODAY)):
        done, cycles = done + 10, cycles + 1
    assert cycles == 2 and over[0].recent == 20
    assert "10 losses and 20 in the last 24 hours, 20 allowed" in over[0].sentence


def test_what_was_done_before_holds_nothing_that_no_plan_asks_for() -> None:
    assert tripped({"mails": 1}, {"losses": 1000}, 1000, BrakePolicy(), TODAY) == ()


@pytest.mark.parametrize(
    "protected",
    [
        "uid=tmchan,ou=people,dc=example,dc=edu",
        "ou=people,dc=example,dc=edu",
        "cn=students,ou=groups,dc=example,dc=edu",
    ],
)
def test_nothing_is_done_to_a_protected_entry_nor_below_one(protected: str) -> None:
    policy = a_policy()
    policy = replace(policy, directory=replace(policy.directory, protected=frozenset({protected})))
    plan = decide(a_case(records=[a_person(surname="CHAN", given_names="Tai Man")]), policy)
    assert not plan.steps and f"{protected} is protected" in plan.parked[0].reason.casefold()


def test_the_order_of_steps_does_not_matter_to_the_hash_and_every_row_does() -> None:
    records = [
        a_person(str(20000000 + i), surname="CHAN", given_names=f"Tai {chr(65 + i)}") for i in range(4)
    ]
    steps = decide(a_case(records=records), a_policy()).steps
    hashes = set()
    for chosen in (steps, steps[::-1], steps[1:], (*steps[1:], steps[1])):
        one = PlanHash()
        for step in chosen:
            one.add(step)
        hashes.add(str(one))
    assert len(hashes) == 3


@pytest.mark.parametrize(("fetches", "state"), [(2, State.ACTIVE), (3, State.TERMINATED)])
def test_absent_counts_as_withdrawn_only_after_as_many_fetches_as_policy_says(
    fetches: int, state: State
) -> None:
    record = a_person()
    absence = Absence(*record.key, since_on=date(2026, 11, 20), fetches=fetches)
    policy = a_policy()
    policy = replace(policy, lifecycle=replace(policy.lifecycle, absent_fetches=3))
    account = an_account(record, absences=(absence,))
    step = the_only_step(decide(a_case(accounts=[account]), policy).steps)
    assert step.to_state is state
    assert ("no longer names the student since 2026-11-20" in step.reasons[0]) is (state is State.TERMINATED)


def test_absence_never_means_withdrawn_where_policy_says_zero_nor_of_who_completed() -> None:
    done = a_person(status=Status.COMPLETED, status_on=date(2026, 11, 1))
    policy = a_policy()
    strict = replace(policy, lifecycle=replace(policy.lifecycle, absent_fetches=1))
    for record, rules, state in ((a_person(), policy, State.ACTIVE), (done, strict, State.GRACE)):
        absence = Absence(*record.key, since_on=date(2026, 11, 20), fetches=9)
        account = an_account(record, absences=(absence,))
        assert the_only_step(decide(a_case(accounts=[account]), rules).steps).to_state is state
