"""What ports.PortalLedger promises of proofs, activation, second factors and codes: on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from provisiond.adapters.ledger.portal import SqlPortalLedger
from provisiond.domain.errors import RejectedError, UnavailableError
from provisiond.domain.model import NoticeKind, Occurrence
from provisiond.domain.plan import Parked, Proof, Unserved
from provisiond.ports.portal import CodeSet, PortalLedger, Problem, Proofs, Ticket, TicketKind
from tests.rigs.ledgers import AT, DOMAIN, LATER, TODAY, committed
from tests.rigs.portal_ledgers import KINDS, Both, opened_for_portal
from tests.rigs.steps import a_record, a_step

CODES = CodeSet(b"salt", frozenset({b"one", b"two"}), AT)
OTHER_CODES = CodeSet(b"pepper", frozenset({b"three"}), LATER)
STUDENT = a_record(1).student_id
CHANGED = Occurrence(NoticeKind.SECOND_FACTOR_CHANGED, LATER, "", "student")
TERMS = ("2026-1", AT)


@pytest.fixture(params=KINDS)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Both]:
    with opened_for_portal(request, tmp_path) as both:
        yield both


@pytest.fixture
def portal(both: Both) -> PortalLedger:
    return both.portal


@pytest.fixture
def broken(both: Both) -> Iterator[SqlPortalLedger]:
    """Acceptances cannot be written."""
    assert isinstance(both.portal, SqlPortalLedger)
    database = both.portal._db
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE acceptance RENAME COLUMN version TO edition")
    yield both.portal
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE acceptance RENAME COLUMN edition TO version")


@pytest.fixture
def person(both: Both) -> str:
    return committed(both.ledger, 1)


def events(portal: PortalLedger, person: str) -> list[str]:
    return [line.event for line in portal.history(person)]


def enrolled(portal: PortalLedger, person: str, step: int = 100) -> None:
    """Activated, with a confirmed factor whose last code was that of `step`, and recovery codes."""
    begun = portal.begin_factor(person, b"sealed", AT)
    assert portal.complete_activation(person, begun.id, step, CODES, TERMS, AT)


def a_ticket(person: str, kind: TicketKind = TicketKind.ACTIVATION) -> Ticket:
    return Ticket(kind, person, "digest", AT, AT + timedelta(hours=24), ())


def at_once(act: Callable[[], bool]) -> list[bool]:
    """What sixteen threads that begin together got."""
    with ThreadPoolExecutor(16) as threads:
        return [each.result() for each in [threads.submit(act) for _ in range(16)]]


# -- proofs ----------------------------------------------------------------------------------------------
def test_a_person_with_an_account_is_proven_by_all_records_of_the_account(both: Both) -> None:
    step = a_step(1)
    both.ledger.reserve([step], DOMAIN, AT)
    first = replace(a_record(1), hkid_digest="h1", birth_digest="b1")
    second = replace(a_record(1), programme="MSC-CS", hkid_digest="h2", birth_digest="")
    both.ledger.commit([step], {step.person_id: [first, second]}, AT)
    assert both.portal.proofs(STUDENT) == Proofs(
        STUDENT, step.person_id, frozenset({"h1", "h2"}), frozenset({"b1"}), None
    )


def test_nobody_is_proven_by_a_student_id_that_no_registry_named(both: Both, person: str) -> None:
    assert both.portal.proofs("S9999999") is None
    assert both.portal.proofs(STUDENT.lower()) is None


def test_who_is_parked_before_an_account_could_be_made_can_prove_it_until_the_cause_is_gone(
    both: Both,
) -> None:
    parked = Parked("person-9", "S0000009", "no Latin letter", Proof(frozenset({"h"}), frozenset({"b"})))
    both.ledger.park([parked], AT)
    expected = Proofs("S0000009", None, frozenset({"h"}), frozenset({"b"}), Problem.PARKED)
    assert both.portal.proofs("S0000009") == expected
    both.ledger.unpark(["person-9"])
    assert both.portal.proofs("S0000009") is None


def test_an_account_that_could_not_be_finished_is_proven_by_what_the_cycle_kept(both: Both) -> None:
    step = a_step(1)
    both.ledger.reserve([step], DOMAIN, AT)
    proof = Proof(frozenset(), frozenset({"b"}))
    both.ledger.park([Parked(step.person_id, step.student_id, "the directory refused", proof)], AT)
    assert both.portal.proofs(STUDENT) == Proofs(
        STUDENT, step.person_id, frozenset(), frozenset({"b"}), Problem.PARKED
    )
    both.ledger.commit([step], {step.person_id: [a_record(1)]}, AT)
    found = both.portal.proofs(STUDENT)
    assert found is not None
    assert (found.problem, found.birth_digests) == (None, frozenset({a_record(1).birth_digest}))


def test_the_record_of_another_human_under_the_same_student_id_proves_nothing(
    both: Both, person: str
) -> None:
    theirs = Proof(frozenset({"of another"}), frozenset({"of another"}))
    both.ledger.park([Parked(person, STUDENT, "another human", theirs)], AT)
    both.ledger.set_aside([replace(a_record(1), hkid_digest="of another")], [])
    found = both.portal.proofs(STUDENT)
    assert found == Proofs(STUDENT, person, frozenset(), frozenset({a_record(1).birth_digest}), None)


def test_whose_new_account_is_held_can_prove_it_until_it_is_made(both: Both) -> None:
    step, proof = a_step(1), Proof(frozenset({"h"}), frozenset({"b"}))
    both.ledger.hold_back([Unserved(step.person_id, STUDENT, proof)])
    assert both.ledger.held_back() == {STUDENT: step.person_id}
    assert both.portal.proofs(STUDENT) == Proofs(
        STUDENT, None, frozenset({"h"}), frozenset({"b"}), Problem.HELD
    )
    committed(both.ledger, 1)
    assert both.ledger.held_back() == {}


def test_who_was_only_named_can_prove_it(both: Both) -> None:
    both.ledger.set_aside([replace(a_record(1), hkid_digest="h", confidential=True)], [])
    assert both.portal.proofs(STUDENT) == Proofs(
        STUDENT, None, frozenset({"h"}), frozenset({a_record(1).birth_digest}), Problem.WAITING
    )


# -- accounts --------------------------------------------------------------------------------------------
def test_an_account_is_found_by_person_and_by_name(both: Both, person: str) -> None:
    account = both.portal.account(person)
    assert account is not None
    assert account == both.portal.account_named("name1")
    assert (both.portal.account("nobody"), both.portal.account_named("nobody")) == (None, None)


# -- activation ------------------------------------------------------------------------------------------
def test_an_activation_is_one_act(both: Both, person: str) -> None:
    before = events(both.portal, person)
    begun = both.portal.begin_factor(person, b"sealed", AT)
    assert both.portal.complete_activation(person, begun.id, 7, CODES, TERMS, AT)
    factor, account = both.portal.factor(person), both.portal.account(person)
    assert factor is not None and account is not None
    assert (factor.last_step, factor.confirmed_at, factor.sealed) == (7, AT, b"sealed")
    assert (account.activated_at, account.second_factor_at) == (AT, AT)
    assert both.portal.recovery_codes(person) == CODES
    assert both.portal.accepted(person) == TERMS
    assert both.portal.pending_factor(person) is None
    assert both.ledger.open_orders(TODAY) == {STUDENT: AT}
    told = events(both.portal, person)[len(before) :]
    assert told == ["policy-accepted", "second-factor-enrolled", "activated"]
    assert both.ledger.verify_history() is None


def test_a_factor_that_is_not_pending_any_more_activates_nothing(portal: PortalLedger, person: str) -> None:
    stale = portal.begin_factor(person, b"first", AT)
    portal.begin_factor(person, b"second", AT)
    assert not portal.complete_activation(person, stale.id, 7, CODES, TERMS, AT)
    account = portal.account(person)
    assert account is not None and account.activated_at is None
    assert (portal.accepted(person), portal.recovery_codes(person)) == (None, None)


def test_an_activation_does_not_replace_a_confirmed_factor(portal: PortalLedger, person: str) -> None:
    enrolled(portal, person)
    other = portal.begin_factor(person, b"of another", LATER)
    assert not portal.complete_activation(person, other.id, 7, OTHER_CODES, TERMS, LATER)
    factor = portal.factor(person)
    assert factor is not None and factor.sealed == b"sealed"
    assert portal.recovery_codes(person) == CODES


def test_an_account_that_is_active_gets_its_first_factor_without_a_second_activation(
    both: Both, person: str
) -> None:
    """Adopted, or activated by an operator; the person is told of the factor."""
    both.ledger.activate(person, "operator", AT, None)
    before = events(both.portal, person)
    begun = both.portal.begin_factor(person, b"sealed", LATER)
    assert both.portal.complete_activation(person, begun.id, 7, CODES, TERMS, LATER)
    account = both.portal.account(person)
    assert account is not None
    assert (account.activated_at, account.second_factor_at) == (AT, LATER)
    assert account.occurrences == (CHANGED,)
    told = events(both.portal, person)[len(before) :]
    assert told == ["policy-accepted", "second-factor-enrolled", "second-factor-changed"]
    assert both.ledger.open_orders(TODAY) == {STUDENT: LATER}


def test_a_new_phone_needs_no_phone_before_it(portal: PortalLedger, person: str) -> None:
    begun = portal.begin_factor(person, b"sealed", AT)
    assert portal.replace_factor(person, begun.id, 7, CODES, CHANGED, LATER)
    factor = portal.factor(person)
    assert factor is not None and factor.confirmed_at == LATER


def test_of_sixteen_activations_at_once_one_is_done(portal: PortalLedger, person: str) -> None:
    begun = portal.begin_factor(person, b"sealed", AT)
    done = at_once(lambda: portal.complete_activation(person, begun.id, 7, CODES, TERMS, AT))
    assert done.count(True) == 1
    assert events(portal, person).count("activated") == 1


def test_each_change_of_version_is_accepted_once(portal: PortalLedger, person: str) -> None:
    portal.accept(person, "1", AT)
    portal.accept(person, "1", LATER)
    assert portal.accepted(person) == ("1", AT)
    portal.accept(person, "2", LATER)
    assert portal.accepted(person) == ("2", LATER)
    assert events(portal, person).count("policy-accepted") == 2


def test_the_history_goes_on_from_an_acceptance(both: Both, person: str) -> None:
    """Lines that were chained in one way and in the other."""
    both.portal.accept(person, "1", AT)
    both.ledger.activate(person, "operator", AT, None)
    both.portal.accept(person, "2", LATER)
    assert events(both.portal, person)[-3:] == ["policy-accepted", "activated", "policy-accepted"]
    assert both.ledger.verify_history() is None


def test_an_acceptance_that_the_database_refuses_is_told_and_nothing_is_half_done(
    broken: SqlPortalLedger, person: str
) -> None:
    """By itself and within an activation; the person is not named."""
    begun = broken.begin_factor(person, b"sealed", AT)
    for act in (
        lambda: broken.accept(person, "1", AT),
        lambda: broken.complete_activation(person, begun.id, 7, CODES, TERMS, AT),
    ):
        with pytest.raises(UnavailableError) as caught:
            act()
        assert caught.value.system == "ledger" and person not in str(caught.value)
    account = broken.account(person)
    assert account is not None and account.activated_at is None
    assert (broken.pending_factor(person), broken.recovery_codes(person)) == (begun, None)


# -- second factor ---------------------------------------------------------------------------------------
def test_another_pending_factor_replaces_the_pending_one_and_gets_another_number(
    portal: PortalLedger, person: str
) -> None:
    first = portal.begin_factor(person, b"first", AT)
    second = portal.begin_factor(person, b"second", LATER)
    assert first.id != second.id
    assert portal.pending_factor(person) == second
    assert (second.confirmed_at, second.begun_at, portal.factor(person)) == (None, LATER, None)


def test_a_confirmed_factor_stays_until_another_one_is_confirmed(portal: PortalLedger, person: str) -> None:
    enrolled(portal, person)
    other = portal.begin_factor(person, b"new phone", LATER)
    before = portal.factor(person)
    assert before is not None and before.sealed == b"sealed"
    assert portal.replace_factor(person, other.id, 900, OTHER_CODES, CHANGED, LATER)
    after, account = portal.factor(person), portal.account(person)
    assert after is not None and account is not None
    assert (after.id, after.last_step, after.confirmed_at) == (other.id, 900, LATER)
    assert account.occurrences == (CHANGED,)
    assert portal.recovery_codes(person) == OTHER_CODES
    assert not portal.replace_factor(person, other.id, 901, CODES, CHANGED, LATER)


def test_a_factor_of_another_person_confirms_nothing(both: Both, person: str) -> None:
    theirs = both.portal.begin_factor(committed(both.ledger, 2), b"theirs", AT)
    assert not both.portal.replace_factor(person, theirs.id, 5, CODES, CHANGED, AT)
    assert not both.portal.complete_activation(person, theirs.id, 5, CODES, TERMS, AT)


def test_the_oldest_and_the_newest_factor_are_samples(both: Both, person: str) -> None:
    """Of those that count."""
    assert both.portal.sample_factors() == ()
    people = [person, *(committed(both.ledger, number) for number in (2, 3))]
    for one in people:
        enrolled(both.portal, one)
    both.portal.begin_factor(person, b"pending", LATER)
    assert [factor.person_id for factor in both.portal.sample_factors()] == [people[0], people[2]]


def test_of_sixteen_posts_of_one_code_one_counts(portal: PortalLedger, person: str) -> None:
    enrolled(portal, person, step=100)
    assert at_once(lambda: portal.use_step(person, 101)).count(True) == 1
    assert not portal.use_step(person, 100)
    assert portal.use_step(person, 102)


def test_a_pending_factor_takes_no_code(portal: PortalLedger, person: str) -> None:
    portal.begin_factor(person, b"sealed", AT)
    assert not portal.use_step(person, 101)


# -- recovery codes --------------------------------------------------------------------------------------
def test_a_recovery_code_counts_once_of_sixteen_posts(portal: PortalLedger, person: str) -> None:
    enrolled(portal, person)
    assert at_once(lambda: portal.use_recovery_code(person, b"one", LATER)).count(True) == 1
    assert portal.recovery_codes(person) == replace(CODES, digests=frozenset({b"two"}))
    assert events(portal, person).count("recovery-code-used") == 1


def test_new_recovery_codes_replace_all_others_and_are_told(portal: PortalLedger, person: str) -> None:
    enrolled(portal, person)
    portal.replace_recovery_codes(person, OTHER_CODES, CHANGED, LATER)
    assert not portal.use_recovery_code(person, b"one", LATER)
    assert portal.use_recovery_code(person, b"three", LATER)
    account = portal.account(person)
    assert account is not None and account.occurrences == (CHANGED,)


# -- single-use codes ------------------------------------------------------------------------------------
def test_of_sixteen_aliases_at_once_as_many_are_given_as_are_allowed(
    portal: PortalLedger, person: str
) -> None:
    """Each post asks for another one, and all saw an account without any."""
    names = iter([f"Tai.Man.Chan{number}" for number in range(2, 18)])
    given = at_once(lambda: portal.give_alias(person, next(names), DOMAIN, "student", AT, allowed=2))
    assert given.count(True) == 2
    account = portal.account(person)
    assert account is not None
    assert len(account.aliases) == 2


def test_a_ticket_counts_once_of_sixteen_posts(portal: PortalLedger, person: str) -> None:
    ticket = a_ticket(person)
    portal.issue_ticket(ticket, AT, CHANGED)
    assert portal.ticket(person, TicketKind.ACTIVATION) == ticket
    used = at_once(lambda: portal.use_ticket(person, TicketKind.ACTIVATION, "digest", LATER))
    assert used.count(True) == 1
    assert portal.ticket(person, TicketKind.ACTIVATION) is None
    account = portal.account(person)
    assert account is not None and account.occurrences == (CHANGED,)


def test_a_ticket_is_good_between_its_two_times_and_for_its_kind_only(
    portal: PortalLedger, person: str
) -> None:
    portal.issue_ticket(a_ticket(person), AT)
    kind = TicketKind.ACTIVATION
    for wrong in (
        (TicketKind.RE_ENROLMENT, "digest", LATER),
        (kind, "other", LATER),
        (kind, "digest", AT - timedelta(seconds=1)),
        (kind, "digest", AT + timedelta(hours=24)),
    ):
        assert not portal.use_ticket(person, *wrong)
    assert portal.use_ticket(person, kind, "digest", AT)


def test_a_ticket_for_which_one_operator_vouched_is_not_good_yet(portal: PortalLedger, person: str) -> None:
    kind = TicketKind.RE_ENROLMENT
    half = replace(a_ticket(person, kind), from_at=None, issued_by=("ann",))
    portal.issue_ticket(half, AT)
    assert portal.ticket(person, kind) == half
    assert not portal.use_ticket(person, kind, "digest", LATER)
    portal.issue_ticket(replace(half, from_at=LATER, issued_by=("ann", "ben")), AT)
    assert portal.use_ticket(person, kind, "digest", LATER)
    assert [line.actor for line in portal.history(person) if line.event == "code-issued"] == ["ann", "ben"]


def test_a_ticket_that_was_withdrawn_is_none(portal: PortalLedger, person: str) -> None:
    """Once, and the history says by whom and why."""
    kind = TicketKind.RE_ENROLMENT
    portal.issue_ticket(a_ticket(person, kind), AT)
    assert portal.withdraw_ticket(person, kind, "student", "was not me", LATER)
    assert portal.ticket(person, kind) is None
    assert not portal.use_ticket(person, kind, "digest", LATER)
    assert not portal.withdraw_ticket(person, kind, "ann", "again", LATER)
    last = portal.history(person)[-1]
    assert (last.event, last.actor, last.reason) == ("code-withdrawn", "student", "was not me")


# -- history ---------------------------------------------------------------------------------------------
def test_a_note_is_a_line_of_the_history_and_calls_nobody(both: Both, person: str) -> None:
    both.portal.note(person, "logged-in", "student", {"how": "recovery code"}, AT)
    assert events(both.portal, person)[-1] == "logged-in"
    assert both.ledger.open_orders(TODAY) == {}


def test_acts_of_persons_without_an_account_are_rejected(portal: PortalLedger) -> None:
    acts: list[Callable[[], object]] = [
        lambda: portal.accept("nobody", "1", AT),
        lambda: portal.note("nobody", "logged-in", "student", {}, AT),
        lambda: portal.issue_ticket(a_ticket("nobody"), AT),
        lambda: portal.tell("nobody", CHANGED),
        lambda: portal.begin_factor("nobody", b"sealed", AT),
        lambda: portal.complete_activation("nobody", 1, 1, CODES, TERMS, AT),
        lambda: portal.replace_recovery_codes("nobody", CODES, CHANGED, AT),
    ]
    for act in acts:
        with pytest.raises(RejectedError):
            act()


def test_a_ledger_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="there is none"):
        SqlPortalLedger.open(f"sqlite:///{tmp_path}/none.db")
