"""Students who should have an account and do not yet can prove who they are, so that the portal can tell them why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisiond.adapters.clock import SetClock
from provisiond.cycle import Cycle
from provisiond.domain.model import State, Status
from provisiond.domain.policy import BrakePolicy, Limit
from provisiond.ports.portal import Problem, Proofs
from provisiond.result import Result
from tests.rigs.directory import FakeDirectory
from tests.rigs.lives import TODAY, ZONE, a_person, a_policy, noon
from tests.rigs.portal_ledgers import Both, on_sqlite
from tests.rigs.portal_people import ACTIVE, CONFIDENTIAL, PARKED, UNDERGRADUATE, filled
from tests.rigs.registry import DIGESTS
from tests.rigs.world import Rows

NONE_TO_BE_MADE = BrakePolicy(creations=Limit(number=0, percent=0, always_allowed=0))
CHAN = a_person(hkid_digest="h", birth_digest="b")
STUDENT = CHAN.student_id


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    with on_sqlite(tmp_path) as both:
        yield both


class Campus:
    """The real cycle on a real ledger; no account is made without approval unless `brakes` says so."""

    def __init__(self, both: Both, brakes: BrakePolicy = NONE_TO_BE_MADE) -> None:
        self.both, self.brakes, self.rows = both, brakes, Rows()
        self.directory = FakeDirectory(groups=("students", "library", "alumni"))
        self.clock = SetClock(noon(TODAY))

    def cycle(self) -> Result:
        policy = a_policy(brakes=self.brakes)
        return Cycle([self.rows], self.directory, self.both.ledger, self.clock, policy, ZONE).run()

    def proofs(self) -> Proofs | None:
        return self.both.portal.proofs(STUDENT)


def held(problem: Problem = Problem.HELD) -> Proofs:
    return Proofs(STUDENT, None, frozenset({"h"}), frozenset({"b"}), problem)


def test_whose_account_waits_for_approval_can_prove_it_until_it_is_made(both: Both) -> None:
    campus = Campus(both)
    campus.rows.put(CHAN)
    ticket = campus.cycle().plan.held_hash
    assert ticket and campus.proofs() == held()
    campus.cycle()
    assert campus.proofs() == held()
    both.ledger.approve(ticket, "alice", campus.clock.now())
    assert campus.cycle().applied == 1
    assert campus.proofs() == replace(held(), person_id=CHAN.proposed_id, problem=None)
    assert both.ledger.held_back() == {}


def test_a_registry_that_is_away_lets_nobody_be_forgotten(both: Both) -> None:
    campus = Campus(both)
    campus.rows.put(CHAN)
    campus.cycle()
    campus.rows = Rows(name="another")
    campus.cycle()
    assert campus.proofs() == held()


def test_who_leaves_the_registry_before_an_account_was_made_leaves_no_digest(both: Both) -> None:
    campus = Campus(both)
    campus.rows.put(CHAN, a_person("20000002"))
    campus.cycle()
    del campus.rows.records[STUDENT, CHAN.programme]
    campus.cycle()
    assert campus.proofs() is None
    assert list(both.ledger.held_back()) == ["20000002"]


def test_who_is_not_to_have_an_account_any_more_leaves_no_digest(both: Both) -> None:
    campus = Campus(both)
    campus.rows.put(CHAN)
    campus.cycle()
    campus.rows.put(replace(CHAN, status=Status.WITHDRAWN, status_on=TODAY))
    campus.cycle()
    assert campus.proofs() is None


def test_who_is_parked_before_an_account_was_made_can_prove_it(both: Both) -> None:
    campus = Campus(both, BrakePolicy())
    campus.rows.put(replace(CHAN, surname="陳", given_names=""))
    campus.cycle()
    assert campus.proofs() == held(Problem.PARKED)
    campus.rows.put(CHAN)
    campus.cycle()
    assert campus.proofs() == replace(held(), person_id=CHAN.proposed_id, problem=None)


def test_whose_entry_the_directory_refuses_can_prove_it(both: Both) -> None:
    campus = Campus(both, BrakePolicy())
    campus.directory.refusals = {"uid=tmchan,ou=people,dc=example,dc=edu": (19, "constraint violation")}
    campus.rows.put(CHAN)
    campus.cycle()
    refused = replace(held(Problem.PARKED), person_id=CHAN.proposed_id)
    assert campus.proofs() == refused
    campus.cycle()
    assert campus.proofs() == refused
    campus.directory.refusals = {}
    campus.cycle()
    assert campus.proofs() == replace(refused, problem=None)


def test_the_record_of_another_human_under_the_same_student_id_does_not_prove_them(both: Both) -> None:
    campus = Campus(both, BrakePolicy())
    campus.rows.put(CHAN)
    campus.cycle()
    campus.rows.put(replace(CHAN, hkid_digest="of another", birth_digest="of another"))
    assert len(campus.cycle().plan.parked) == 1
    assert campus.proofs() == replace(held(), person_id=CHAN.proposed_id, problem=None)


def test_the_sample_students_are_as_the_portal_s_tests_want_them(both: Both) -> None:
    people = filled(both.ledger, both.portal)
    active = people[ACTIVE.student_id]
    assert (active.state, active.second_factor_at is not None) == (State.ACTIVE, True)
    assert people[UNDERGRADUATE.student_id].state is State.PENDING
    assert any(record.confidential for record in people[CONFIDENTIAL.student_id].records)
    proofs = both.portal.proofs(UNDERGRADUATE.student_id)
    assert proofs is not None and proofs.hkid_digests == {DIGESTS.hkid("A1234563")}
    parked = both.portal.proofs(PARKED.student_id)
    assert parked is not None and (parked.problem, parked.person_id) == (Problem.PARKED, None)
