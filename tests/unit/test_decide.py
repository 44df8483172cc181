"""The decision as a whole: steps, notices, changes and brakes of small worlds; properties of random ones."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisiond.domain.changes import AddEntry, Change, DeleteEntry, Join, Leave, ModifyEntry, Op
from provisiond.domain.entries import desired
from provisiond.domain.lifecycle import standing
from provisiond.domain.model import (
    Account,
    Entry,
    Hold,
    HoldKind,
    Level,
    NoticeKind,
    Observed,
    RegistryRecord,
    State,
    Status,
)
from provisiond.domain.people import person
from provisiond.domain.plan import Identity
from provisiond.domain.policy import BrakePolicy, Limit, Policy
from tests.rigs.lives import (
    LEVELS,
    TODAY,
    ZONE,
    Decided,
    a_case,
    a_person,
    a_policy,
    an_account,
    decide,
    entry_with,
    noon,
    the_only_step,
)

POLICY = a_policy()


def shown(account: Account, today: date = TODAY, policy: Policy = POLICY) -> Observed:
    """The directory as it is when everything of this account was applied."""
    someone = person(account.student_id, account, ())
    where = standing(someone, today, ZONE, policy.lifecycle)
    wanted = desired(someone, Identity(account.account_name, account.uid_number), where, policy, ZONE)
    return Observed(wanted.account, wanted.listing, frozenset(g.casefold() for g in wanted.groups))


def kinds(plan: Decided) -> list[NoticeKind]:
    return [notice.kind for step in plan.steps for notice in step.notices]


def test_a_new_student_gets_account_groups_and_a_notice() -> None:
    step = the_only_step(
        decide(a_case(records=[a_person(surname="CHAN", given_names="Tai Man")]), POLICY).steps
    )
    assert (step.account_name, step.from_state, step.to_state) == ("tmchan", None, State.PENDING)
    assert [type(change) for change in step.changes] == [AddEntry, Join, Join]
    assert [notice.kind for notice in step.notices] == [NoticeKind.CREATED]


def test_a_listing_appears_on_activation_only_of_those_who_may_be_listed() -> None:
    for account, listed in (
        (an_account(a_person(), state=State.PENDING), True),
        (an_account(a_person(confidential=True), state=State.PENDING), False),
        (an_account(a_person(), state=State.PENDING, unlisted=True), False),
        (an_account(a_person(), activated_at=None), False),
    ):
        assert (shown(account).listing is not None) is listed


def test_nothing_is_due_where_the_directory_shows_what_it_should() -> None:
    account = an_account(a_person())
    plan = decide(a_case(accounts=[account], observed={account.person_id: shown(account)}), POLICY)
    assert not plan.is_due


def test_a_change_of_legal_name_leaves_the_account_name() -> None:
    account = an_account(a_person(surname="CHAN"))
    case = a_case(
        accounts=[account], records=[a_person(surname="WONG")], observed={account.person_id: shown(account)}
    )
    step = the_only_step(decide(case, POLICY).steps)
    assert step.renames and step.account_name == "tmchan"
    modified = {
        mod.attribute for change in step.changes if isinstance(change, ModifyEntry) for mod in change.mods
    }
    assert modified == {"cn", "sn", "displayname"}


def test_values_and_attributes_of_others_survive_every_change() -> None:
    account = an_account(a_person(department="Physics"))
    seen = shown(account)
    assert seen.account
    foreign = entry_with(
        seen.account,
        description=("theirs",),
        ou=("Physics", "Choir"),
        mail=(*seen.account.attributes["mail"], "other@example.edu"),
        edupersonaffiliation=("student", "member", "staff"),
        schacpersonaluniquecode=(
            *seen.account.attributes["schacpersonaluniquecode"],
            "urn:schac:personalUniqueCode:int:studentID:other.edu:99",
        ),
        objectclass=(*seen.account.attributes["objectclass"], "sambaThing"),
    )
    case = a_case(
        accounts=[account],
        records=[a_person(department="Chemistry")],
        observed={account.person_id: replace(seen, account=foreign)},
    )
    changes = the_only_step(decide(case, POLICY).steps).changes
    mods = [mod for c in changes if isinstance(c, ModifyEntry) and c.what == "account" for mod in c.mods]
    assert {(mod.op, mod.attribute, mod.values) for mod in mods} == {
        (Op.DELETE, "ou", ("Physics",)),
        (Op.ADD, "ou", ("Chemistry",)),
    }


def test_a_group_that_no_entitlement_names_is_not_ours_to_leave() -> None:
    account = an_account(a_person())
    seen = shown(account)
    choir = replace(seen, groups=seen.groups | {"cn=choir,ou=groups,dc=example,dc=edu"})
    assert not decide(a_case(accounts=[account], observed={account.person_id: choir}), POLICY).is_due


def test_a_withdrawal_closes_log_in_groups_and_listing() -> None:
    account = an_account(a_person())
    gone = a_person(status=Status.WITHDRAWN, status_on=date(2026, 11, 20))
    case = a_case(accounts=[account], records=[gone], observed={account.person_id: shown(account)})
    step = the_only_step(decide(case, POLICY).steps)
    assert step.to_state is State.TERMINATED and step.ends_access
    assert {type(change) for change in step.changes} == {ModifyEntry, DeleteEntry, Leave}
    ends = [
        m.values
        for c in step.changes
        if isinstance(c, ModifyEntry)
        for m in c.mods
        if m.attribute == "pwdendtime"
    ]
    assert ends == [("20261119160000Z",)]
    assert [notice.kind for notice in step.notices] == [NoticeKind.TERMINATED]


def test_a_terminated_account_keeps_no_affiliation_and_no_quota() -> None:
    account = an_account(a_person())
    gone = a_person(status=Status.WITHDRAWN, status_on=date(2026, 11, 20))
    case = a_case(accounts=[account], records=[gone], observed={account.person_id: shown(account)})
    (change,) = (c for c in the_only_step(decide(case, POLICY).steps).changes if isinstance(c, ModifyEntry))
    emptied = {mod.attribute for mod in change.mods if mod.op is Op.DELETE or not mod.values}
    assert emptied == {
        "edupersonaffiliation",
        "edupersonscopedaffiliation",
        "edupersonprimaryaffiliation",
        "provisiondmailquota",
    }


def test_a_returner_keeps_name_and_mail_and_can_log_in_again() -> None:
    done = a_person(status=Status.COMPLETED, status_on=date(2024, 6, 30))
    account = an_account(done, state=State.ALUMNI)
    seen = shown(account)
    assert seen.account and "pwdendtime" in seen.account.attributes
    back = a_person(programme="PHD", level=Level.RESEARCH_POSTGRADUATE, status_on=TODAY)
    plan = decide(a_case(accounts=[account], records=[back], observed={account.person_id: seen}), POLICY)
    step = the_only_step(plan.steps)
    assert (step.account_name, step.to_state, step.identity) == ("tmchan", State.ACTIVE, None)
    assert NoticeKind.REINSTATED in kinds(plan)
    removed = [
        m.attribute for c in step.changes if isinstance(c, ModifyEntry) for m in c.mods if not m.values
    ]
    assert removed == ["pwdendtime"]


def test_nobody_whose_studies_ended_before_gets_an_account() -> None:
    for status in (Status.COMPLETED, Status.WITHDRAWN):
        assert not decide(
            a_case(records=[a_person(status=status, status_on=date(2026, 11, 1))]), POLICY
        ).steps


def test_a_frozen_person_is_left_alone_and_shown() -> None:
    hold = Hold(HoldKind.FREEZE, noon(), None, "court case", "operator")
    account = an_account(a_person(), holds=(hold,))
    plan = decide(a_case(accounts=[account]), POLICY)
    assert not plan.steps
    assert "court case" in plan.parked[0].reason


def test_a_lock_takes_log_in_and_nothing_else() -> None:
    account = an_account(a_person())
    locked = replace(account, holds=(Hold(HoldKind.LOCK, noon(), None, "theft", "operator"),))
    step = the_only_step(
        decide(a_case(accounts=[locked], observed={account.person_id: shown(account)}), POLICY).steps
    )
    assert not step.ends_access
    (change,) = step.changes
    assert isinstance(change, ModifyEntry) and [mod.attribute for mod in change.mods] == ["pwdendtime"]


def test_a_person_whose_mark_was_copied_waits_and_all_others_go_on() -> None:
    """Nobody can say which entry is the right one; the others are not held hostage."""
    one, other = an_account(a_person()), an_account(a_person("20000002"), account_name="other")
    seen = {a.person_id: shown(a) for a in (one, other)}
    seen[one.person_id] = replace(seen[one.person_id], clash="uid=a and uid=b carry the same person ID")
    records = [replace(a.records[0], department="Law") for a in (one, other)]
    plan = decide(a_case(accounts=[one, other], records=records, observed=seen), POLICY)
    assert the_only_step(plan.steps).account_name == "other"
    assert [(p.student_id, p.reason) for p in plan.parked] == [
        (one.student_id, "uid=a and uid=b carry the same person ID")
    ]


def test_a_student_id_given_to_another_human_is_parked() -> None:
    account = an_account(a_person(birth_digest="b1", hkid_digest="h1"))
    stranger = a_person(birth_digest="b2", hkid_digest="h2")
    plan = decide(a_case(accounts=[account], records=[stranger]), POLICY)
    assert not plan.steps and "another person" in plan.parked[0].reason


def test_a_name_without_latin_letters_waits_for_an_operator() -> None:
    plan = decide(a_case(records=[a_person(surname="陳", given_names="大文")]), POLICY)
    assert not plan.steps and len(plan.parked) == 1


def test_seven_hundred_students_of_one_name_get_seven_hundred_names() -> None:
    records = [a_person(str(20000000 + i), surname="CHAN", given_names="Tai Man") for i in range(700)]
    steps = decide(a_case(records=records), POLICY).steps
    names = [step.account_name for step in steps]
    assert len(set(names)) == 700
    assert (names[0], names[1], names[676], names[677]) == ("tmchan", "tmchanaa", "tmchanzz", "tmchanaaa")


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 11, 1), [NoticeKind.GRACE_BEGUN]),
        (date(2027, 1, 29), [NoticeKind.GRACE_BEGUN, NoticeKind.EXPIRY_REMINDER]),
        (date(2027, 2, 25), [NoticeKind.GRACE_BEGUN, NoticeKind.EXPIRY_REMINDER]),
    ],
)
def test_overtaken_reminders_are_not_sent(today: date, expected: list[NoticeKind]) -> None:
    account = an_account(a_person(status=Status.COMPLETED, status_on=date(2026, 10, 31)))
    assert kinds(decide(a_case(accounts=[account], today=today), POLICY)) == expected


# -- brakes --------------------------------------------------------------------------------------------

TIGHT = replace(POLICY, brakes=replace(BrakePolicy(), losses=Limit(2, 100, 0), renames=Limit(2, 100, 0)))


def _flipped(count: int) -> tuple[list[Account], dict[str, Observed], list[RegistryRecord]]:
    accounts = [
        an_account(a_person(str(20000000 + i)), account_name=f"tmchan{chr(97 + i)}") for i in range(count)
    ]
    observed = {account.person_id: shown(account) for account in accounts}
    gone = [a_person(a.student_id, status=Status.WITHDRAWN, status_on=TODAY) for a in accounts]
    return accounts, observed, gone


def test_a_tripped_brake_holds_what_it_counts_and_lets_the_rest_go_on() -> None:
    accounts, observed, gone = _flipped(3)
    newcomer = a_person("30000000", surname="LEE", given_names="Bo")
    case = a_case(accounts=accounts, observed=observed, records=[*gone, newcomer])
    plan = decide(case, TIGHT)
    assert [step.account_name for step in plan.steps] == ["blee"]
    assert len(plan.held) == 3 and [t.brake for t in plan.tripped] == ["losses"]


def test_an_approval_releases_exactly_the_plan_it_names() -> None:
    accounts, observed, gone = _flipped(4)
    first = a_case(accounts=accounts[:3], observed=observed, records=gone[:3])
    ticket = decide(first, TIGHT).held_hash
    assert ticket
    assert not decide(replace(first, approved=frozenset({ticket})), TIGHT).held
    more = a_case(accounts=accounts, observed=observed, records=gone, approved=frozenset({ticket}))
    assert len(decide(more, TIGHT).held) == 4


def test_the_hash_of_a_held_plan_does_not_change_with_time() -> None:
    accounts, observed, gone = _flipped(3)
    hashes = {
        decide(a_case(accounts=accounts, observed=observed, records=gone, today=day), TIGHT).held_hash
        for day in (TODAY, TODAY + timedelta(days=1))
    }
    assert len(hashes) == 1


@pytest.mark.parametrize(("population", "expected"), [(0, 5), (100, 5), (1000, 20), (100_000, 100)])
def test_a_limit_is_number_or_percent_whichever_is_less_above_a_base(population: int, expected: int) -> None:
    assert BrakePolicy().losses.of(population) == expected


# -- properties ----------------------------------------------------------------------------------------

SURNAMES = ("CHAN", "O'Brien", "van der Berg", "Nguyễn", "陳", "Łuczak", "X")


@st.composite
def registries(draw: st.DrawFn) -> list[RegistryRecord]:
    """A few dozen records of fewer people, in any state of their studies."""
    size = draw(st.integers(1, 25))
    return [
        a_person(
            str(20000000 + draw(st.integers(0, 15))),
            programme=f"P{draw(st.integers(0, 2))}",
            surname=draw(st.sampled_from(SURNAMES)),
            given_names=draw(st.sampled_from(("Tai Man", "", "Jean-Luc"))),
            level=draw(st.sampled_from(LEVELS)),
            status=draw(st.sampled_from(list(Status))),
            status_on=TODAY + timedelta(days=draw(st.integers(-400, 10))),
        )
        for _ in range(size)
    ]


def carried_out(change: Change, world: dict[str, Entry], groups: set[tuple[str, str]]) -> None:
    """A directory in ten lines: enough for the core's own properties."""
    match change:
        case AddEntry(entry=entry):
            world[entry.dn] = entry
        case DeleteEntry(dn=dn):
            del world[dn]
        case ModifyEntry(dn=dn, mods=mods):
            attributes = dict(world[dn].attributes)
            for mod in mods:
                have = attributes.get(mod.attribute, ())
                kept = tuple(v for v in have if v not in mod.values)
                new = {Op.ADD: (*kept, *mod.values), Op.DELETE: kept, Op.REPLACE: mod.values}[mod.op]
                attributes[mod.attribute] = new
            world[dn] = Entry(dn, {name: values for name, values in attributes.items() if values})
        case Join(group=group, dn=dn):
            groups.add((group, dn))
        case Leave(group=group, dn=dn):
            groups.discard((group, dn))


@settings(max_examples=60)
@given(registries(), st.randoms(use_true_random=False))
def test_order_of_records_is_irrelevant_and_names_serve_one_person(
    records: list[RegistryRecord], chance: random.Random
) -> None:
    unique = list({r.key: r for r in records}.values())
    plan = decide(a_case(records=unique), POLICY)
    chance.shuffle(unique)
    assert decide(a_case(records=unique), POLICY).hash == plan.hash
    assert len({step.account_name for step in plan.steps}) == len(plan.steps)


@settings(max_examples=60)
@given(registries(), st.integers(0, 300))
def test_a_plan_converges(records: list[RegistryRecord], days: int) -> None:
    """Apply the plan, decide again on the same day: nothing to do."""
    unique = list({r.key: r for r in records}.values())
    first = decide(a_case(records=unique), POLICY)
    world: dict[str, Entry] = {}
    groups: set[tuple[str, str]] = set()
    accounts = []
    for step in first.steps:
        mine = [r for r in unique if r.student_id == step.student_id]
        accounts.append(an_account(*mine, account_name=step.account_name, state=step.to_state))
    later = TODAY + timedelta(days=days)
    for _ in range(2):
        observed = {a.person_id: _seen(a, world, groups) for a in accounts}
        plan = decide(a_case(accounts=accounts, observed=observed, today=later, population=10**6), POLICY)
        for step in (*plan.steps, *plan.held):
            for change in step.changes:
                carried_out(change, world, groups)
    assert not [step.changes for step in plan.steps if step.changes]


def _seen(account: Account, world: dict[str, Entry], groups: set[tuple[str, str]]) -> Observed:
    name = account.account_name
    dn = f"uid={name},{POLICY.directory.people_base}"
    joined = frozenset(group.casefold() for group, member in groups if member == dn)
    return Observed(world.get(dn), world.get(f"uid={name},{POLICY.directory.contacts_base}"), joined)


@given(st.sampled_from(list(Status)), st.integers(-400, 10), st.integers(0, 400))
def test_nobody_outside_their_time_keeps_access(status: Status, since: int, days: int) -> None:
    """Said once more in other words: log-in ends with a withdrawal's day, and with nothing else while no notice
    was accepted."""
    today, since_on = TODAY + timedelta(days=days), TODAY + timedelta(days=since)
    account = an_account(a_person(status=status, status_on=since_on))
    entry = shown(account, today).account
    closed = entry is not None and "pwdendtime" in entry.attributes
    assert closed is (status is Status.WITHDRAWN and since_on <= today)


# -- what a review found -------------------------------------------------------------------------------

MANY = 30


def _many(**facts: object) -> tuple[list[Account], dict[str, Observed]]:
    accounts = [
        an_account(a_person(str(20000000 + i), chinese_name="陳大文", **facts), account_name=f"name{i:03}")
        for i in range(MANY)
    ]
    return accounts, {account.person_id: shown(account) for account in accounts}


def _with(state: State, **changes: object) -> Policy:
    entitlements = dict(POLICY.entitlements)
    entitlements[state] = replace(entitlements[state], **changes)  # type: ignore[arg-type]
    return replace(POLICY, entitlements=entitlements)


@pytest.mark.parametrize(
    "policy",
    [
        _with(State.ACTIVE, login=False),
        _with(State.ACTIVE, groups=frozenset({"other", "another"})),
        _with(State.ACTIVE, groups=frozenset()),
    ],
)
def test_a_policy_that_takes_access_from_many_is_held(policy: Policy) -> None:
    accounts, observed = _many()
    plan = decide(a_case(accounts=accounts, observed=observed, population=MANY), policy)
    assert len(plan.held) == MANY and "losses" in {t.brake for t in plan.tripped}


@pytest.mark.parametrize(
    ("changed", "brake"),
    [
        ({"confidential": True}, "losses"),
        ({"chinese_name": "é™³"}, "renames"),
        ({"preferred_name": "Ã©"}, "renames"),
    ],
)
def test_a_column_gone_wrong_for_everybody_is_held(changed: dict[str, object], brake: str) -> None:
    accounts, observed = _many()
    records = [replace(account.records[0], **changed) for account in accounts]  # type: ignore[arg-type]
    case = a_case(accounts=accounts, observed=observed, records=records, population=MANY)
    plan = decide(case, POLICY)
    assert len(plan.held) == MANY and brake in {t.brake for t in plan.tripped}


def test_a_leave_dated_in_the_future_has_not_begun() -> None:
    account = an_account(a_person(status=Status.ON_LEAVE, status_on=TODAY + timedelta(days=60)))
    step = the_only_step(decide(a_case(accounts=[account]), POLICY).steps)
    assert (step.to_state, step.next_on) == (State.ACTIVE, TODAY + timedelta(days=60))


def test_without_an_hkid_birth_date_and_name_tell_another_human() -> None:
    account = an_account(a_person(birth_digest="b1", surname="CHAN"))
    stranger = a_person(birth_digest="b2", surname="WONG")
    assert decide(a_case(accounts=[account], records=[stranger]), POLICY).parked
    corrected = a_person(birth_digest="b2", surname="CHAN")
    assert not decide(a_case(accounts=[account], records=[corrected]), POLICY).parked


def test_a_returner_who_withdraws_is_an_alumnus_at_once_and_told() -> None:
    done = a_person(status=Status.COMPLETED, status_on=date(2020, 6, 30))
    left = a_person(programme="PHD", status=Status.WITHDRAWN, status_on=TODAY)
    plan = decide(a_case(accounts=[an_account(done, left)]), POLICY)
    assert the_only_step(plan.steps).to_state is State.ALUMNI
    assert kinds(plan) == [NoticeKind.ALUMNI]


def test_an_open_entry_of_somebody_who_left_is_closed_though_the_ledger_forgot_them() -> None:
    seen = shown(an_account(a_person()))
    gone = a_person(status=Status.WITHDRAWN, status_on=TODAY)
    plan = decide(a_case(records=[gone], observed={gone.proposed_id: seen}), POLICY)
    step = the_only_step(plan.steps)
    assert (step.account_name, step.to_state, step.ends_access) == ("tmchan", State.TERMINATED, True)
    assert NoticeKind.CREATED not in kinds(plan)


def test_numbers_are_not_asked_of_accounts_that_have_none() -> None:
    policy = replace(POLICY, directory=replace(POLICY.directory, posix=True))
    account = an_account(a_person())
    case = a_case(accounts=[account], observed={account.person_id: shown(account)})
    assert not decide(case, policy).is_due


def test_a_uid_number_that_somebody_else_has_is_passed_over() -> None:
    policy = replace(POLICY, directory=replace(POLICY.directory, posix=True))
    case = a_case(
        records=[a_person(str(20000000 + i), surname="CHAN", given_names="Tai Man") for i in range(3)]
    )
    case = replace(case, snapshot=replace(case.snapshot, taken_numbers=frozenset({100000, 100002})))
    assert [step.identity and step.identity.uid_number for step in decide(case, policy).steps] == [
        100001,
        100003,
        100004,
    ]
