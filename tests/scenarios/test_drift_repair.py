"""The real cycle and the audit after changes by others, over the directory in memory and over slapd: repaired or
reported as policy says, nothing else touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

import pytest

from provisiond.adapters.clock import SetClock
from provisiond.audit import Audited, audit
from provisiond.cycle import Cycle
from provisiond.domain.model import Attributes, NoticeKind, Occurrence, State
from provisiond.domain.policy import BrakePolicy, Limit, Policy
from provisiond.result import Result, Work
from tests.contract.test_drift_contract import site
from tests.rigs.directory_site import Site
from tests.rigs.ledger import FakeLedger
from tests.rigs.lives import ZONE, a_person, a_policy, noon
from tests.rigs.steps import a_step

__all__ = ["site"]
STUDENTS = ("20000001", "20000002", "20000003")


@dataclass
class Office:
    """Three students with accounts and listings, no registry: what the ledger knows is all there is."""

    site: Site
    policy: Policy = field(default_factory=a_policy)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    clock: SetClock = field(default_factory=lambda: SetClock(noon(date(2026, 10, 1))))

    def load(self) -> None:
        for number, student_id in enumerate(STUDENTS, 1):
            record = a_person(student_id)
            step = replace(
                a_step(number, account_name=self.name(number), to_state=State.ACTIVE),
                person_id=record.proposed_id,
                student_id=student_id,
            )
            self.ledger.reserve([step], "connect.example.edu", self.clock.now())
            self.ledger.commit([step], {step.person_id: [record]}, self.clock.now())
            self.ledger.activate(step.person_id, "test", self.clock.now())
        assert self.cycle(everyone=True).applied == 3
        assert not self.cycle().plan.is_due

    def name(self, number: int) -> str:
        return f"{self.site.name}{number}"

    def dn(self, number: int) -> str:
        return f"uid={self.name(number)},{self.site.people_base}"

    def listing(self, number: int) -> str:
        return f"uid={self.name(number)},{self.site.contacts_base}"

    def _cycle(self) -> Cycle:
        return Cycle([], self.site.directory, self.ledger, self.clock, self.policy, ZONE)

    def cycle(self, *, everyone: bool = False) -> Result:
        return self._cycle().run(Work(everyone=everyone))

    def plan(self) -> Result:
        return self._cycle().plan()

    def audit(self, *, fix: bool = False) -> Audited:
        return audit(self._cycle(), fix=fix, actor="test")

    def look(self) -> list[dict[str, set[str]]]:
        """Everything that matters of our entries, and who is in the group of students."""
        dns = [make(number) for number in (1, 2, 3) for make in (self.dn, self.listing)]
        return [_values(self.site.tree.look(dn)) for dn in dns] + [
            _values(self.site.tree.look(self.site.students))
        ]


def _values(attributes: Attributes) -> dict[str, set[str]]:
    return {name: {value.lower() for value in values} for name, values in attributes.items()}


@pytest.fixture
def office(site: Site) -> Iterator[Office]:
    found = Office(site)
    found.load()
    yield found


Plant = Callable[[Office], None]
PLANTED: dict[str, Plant] = {
    "another name": lambda o: o.site.tree.plant(o.dn(1), {"sn": ("Somebody Else",)}),
    "an address taken away": lambda o: o.site.tree.strip(o.dn(1), mail=()),
    "another name in the listing": lambda o: o.site.tree.plant(o.listing(1), {"sn": ("Somebody Else",)}),
    "a deleted account": lambda o: o.site.tree.uproot(o.dn(1)),
    "a deleted listing": lambda o: o.site.tree.uproot(o.listing(1)),
    "a removed member": lambda o: o.site.tree.strip(o.site.students, member=(o.dn(1),)),
    "an added member": lambda o: o.site.tree.plant(o.site.alumni, {"member": (o.dn(1),)}),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_next_cycle_repairs_it(office: Office, planted: str) -> None:
    """And the one after finds nothing."""
    before = office.look()
    PLANTED[planted](office)
    assert office.plan().drifted == (STUDENTS[0],)
    result = office.cycle()
    assert (result.drifted, result.applied, result.failed) == ((STUDENTS[0],), 1, ())
    assert office.look() == before
    again = office.cycle()
    assert (again.drifted, again.applied) == ((), 0)


@pytest.mark.parametrize("planted", PLANTED)
def test_where_policy_says_so_it_is_reported_only(office: Office, planted: str) -> None:
    """By the next cycle once, by every audit until it is fixed."""
    directory = replace(office.policy.directory, repair_drift=False)
    office.policy = replace(office.policy, directory=directory)
    before = office.look()
    PLANTED[planted](office)
    planted_look = office.look()
    result = office.cycle()
    assert (result.drifted, result.plan.is_due, result.applied) == ((STUDENTS[0],), False, 0)
    assert office.look() == planted_look
    for _ in range(2):
        found = office.audit()
        assert found.result is not None and not found.is_well
        assert [step.student_id for step in found.result.plan.due] == [STUDENTS[0]]
    assert office.look() == planted_look
    office.audit(fix=True)
    assert office.look() == before


def test_what_others_add_is_no_drift_and_stays(office: Office) -> None:
    office.site.tree.plant(office.dn(1), {"description": ("planted",), "mail": ("alias@elsewhere",)})
    result = office.cycle()
    assert (result.drifted, result.applied) == ((), 0)
    assert office.site.tree.look(office.dn(1))["description"] == ("planted",)


def test_a_lost_mark_parks_the_person_and_takes_nothing(office: Office) -> None:
    """The entry is not ours any more: it is neither changed nor made again; others go on."""
    office.site.tree.plant(office.dn(2), {"sn": ("Somebody Else",)})
    office.site.tree.strip(
        office.dn(1), objectclass=("provisiondObject",), provisiondpersonid=(), **_ours(office.dn(1), office)
    )
    result = office.cycle()
    assert [parked.student_id for parked in result.failed] == [STUDENTS[0]]
    assert "not ours" in result.failed[0].reason
    assert result.applied == 1


def _ours(dn: str, office: Office) -> dict[str, tuple[str, ...]]:
    """Attributes that our class alone allows."""
    return {
        name: ()
        for name in office.site.tree.look(dn)
        if name.startswith("provisiond") and "person" not in name
    }


def test_brakes_count_repairs(office: Office) -> None:
    """Held for an operator; the next look finds it again, so that it is neither forgotten nor repeated."""
    office.policy = replace(office.policy, brakes=BrakePolicy(renames=Limit(0, 0, 0)))
    office.site.tree.strip(office.dn(1), displayname=())
    office.site.tree.plant(office.dn(1), {"displayname": ("Somebody Else",)})
    for _ in range(2):
        result = office.cycle()
        assert (result.applied, result.plan.held_count) == (0, 1)
    office.ledger.approve(result.plan.held_hash or "", "test", office.clock.now())
    assert office.cycle().applied == 1


def test_an_audit_finds_all_well_and_then_looks_at_nothing(office: Office) -> None:
    """The first one looks at everybody, because nobody was ever seen whole."""
    assert (office.audit().looked_at, office.audit().looked_at) == (3, 0)
    assert office.audit().is_well


def test_an_audit_sees_what_no_look_has_seen(office: Office) -> None:
    """A cycle that never came; a server that forgot."""
    office.audit()
    office.site.tree.strip(office.dn(1), mail=())
    office.site.tree.uproot(office.listing(2))
    found = office.audit()
    assert found.looked_at == 2
    assert found.result is not None and found.result.plan.due_count == 2
    fixed = office.audit(fix=True)
    assert fixed.result is not None and fixed.result.applied == 2
    assert office.audit().is_well


def test_an_order_explains_what_the_portal_touched(office: Office) -> None:
    """A password is set with each activation: that is nobody's meddling, and what there is to do is done."""
    before = office.look()
    PLANTED["a removed member"](office)
    told = Occurrence(NoticeKind.PASSWORD_CHANGED, office.clock.now(), "", "student")
    office.ledger.tell(a_person(STUDENTS[0]).proposed_id, told)
    result = office.cycle()
    assert (result.drifted, result.applied) == ((), 1)
    assert office.look() == before
