"""Adoptions that are cut off at any point, on the fakes: cycles leave those persons alone, and the next run of
`adopt` finishes. And rules by which entries match."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest

from provisiond.adoption import Adoption, Choice
from provisiond.cycle import Cycle
from provisiond.domain.errors import UnavailableError
from provisiond.domain.matching import AdoptRule
from provisiond.domain.model import State
from provisiond.rebuild import rebuild
from provisiond.result import Result
from provisiond.roster import Finding, Roster, What
from tests.rigs.lives import BASE, ZONE, a_person, a_policy
from tests.rigs.world import World

STAFF = f"ou=staff,{BASE}"
CLASSES = ("top", "person", "organizationalPerson", "inetOrgPerson")
PEOPLE = [a_person(f"2000000{n}", surname="CHAN", given_names="Tai Man") for n in range(4)]
BY_NUMBER = AdoptRule()
WRITES = 4 * 3  # an entry and two memberships each


def a_world() -> World:
    policy = a_policy()
    where = replace(policy.directory, account_bases=(STAFF,))
    world = World(policy=replace(policy, directory=where))
    world.directory.account_bases = (STAFF,)
    world.registry.put(*PEOPLE)
    for number, person in enumerate(PEOPLE):
        plant(world, f"legacy{number}", employeenumber=(person.student_id,))
    return world


def plant(world: World, uid: str, **more: tuple[str, ...]) -> str:
    dn = f"uid={uid},{STAFF}"
    attributes = {"objectclass": CLASSES, "uid": (uid,), "cn": ("Tai Man CHAN",), "sn": ("Chan",)}
    world.directory.plant(dn, attributes | more)
    return dn


def the_cycle(world: World) -> Cycle:
    return Cycle([world.registry], world.directory, world.ledger, world.clock, world.policy, ZONE)


def a_roster(world: World, adoption: Adoption) -> Roster:
    fetches, where = adoption.everything_read(), world.policy.directory
    return Roster(world.directory, world.ledger, fetches, adoption.rule, where, date.isoformat)


def findings(world: World, rule: AdoptRule = BY_NUMBER) -> list[Finding]:
    with closing(a_roster(world, Adoption(the_cycle(world), rule, "somebody"))) as roster:
        return list(roster.findings())


def adopt(world: World, rule: AdoptRule = BY_NUMBER) -> Result:
    """What matches, approved."""
    adoption = Adoption(the_cycle(world), rule, "somebody")
    with closing(a_roster(world, adoption)) as roster:
        matches = [one for one in roster.findings() if one.what is What.MATCH]
        choices = [Choice(one.student_id, one.dn, line) for line, one in enumerate(matches)]
        held = adoption.run(roster, choices).plan.held_hash
        if held:
            world.ledger.approve(held, "somebody", world.clock.now())
        return adoption.run(roster, choices)


def finished(world: World) -> None:
    """Every entry is its person's, nobody has two, and no cycle has anything to do."""
    for number, person in enumerate(PEOPLE):
        account = world.account(person.student_id)
        assert (account.account_name, account.applied, account.holds) == (f"legacy{number}", True, ())
        assert account.state is State.ACTIVE
        assert world.directory.look(f"uid=legacy{number},{STAFF}")["provisiondpersonid"] == (
            account.person_id,
        )
    marked = [dn for dn, entry in world.directory.entries.items() if "provisiondpersonid" in entry.attributes]
    assert len(marked) == len(PEOPLE)
    assert not world.cycle().plan.is_due
    assert not world.cycle(everyone=True).plan.is_due
    assert world.ledger.verify_history() is None


@pytest.mark.parametrize("writes", range(WRITES + 1))
def test_an_adoption_cut_off_after_any_write_is_finished_by_the_next_one(writes: int) -> None:
    """A cycle in between touches nobody of whom it cannot know the entry."""
    world = a_world()
    world.directory.dies_after = writes
    if writes < WRITES:
        with pytest.raises(UnavailableError):
            adopt(world)
    world.directory.dies_after = None
    before = dict(world.directory.entries)
    if writes < WRITES:
        world.cycle()
        assert world.directory.entries == before
        assert all("not finished" in parked.reason for parked in world.ledger.parked())
    adopt(world)
    finished(world)


def test_an_adoption_whose_outcome_was_not_written_down_is_finished_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The entries are adopted, the ledger does not know it yet."""
    world = a_world()
    breaks: Callable[..., None] = _broken
    with monkeypatch.context() as patch:
        patch.setattr(type(world.ledger), "commit", breaks)
        with pytest.raises(UnavailableError):
            adopt(world)
    before = dict(world.directory.entries)
    world.cycle()
    assert world.directory.entries == before
    adopt(world)
    finished(world)


def _broken(*_arguments: object, **_more: object) -> None:
    raise UnavailableError("ledger", "the disk is full")


def test_one_refused_entry_stops_nobody_else_and_waits_visibly() -> None:
    world = a_world()
    world.directory.refusals[f"uid=legacy2,{STAFF}"] = (50, "insufficientAccessRights")
    result = adopt(world)
    assert (result.applied, [parked.student_id for parked in result.failed]) == (3, ["20000002"])
    world.cycle()
    assert any("not finished" in parked.reason for parked in world.ledger.parked())
    world.directory.refusals.clear()
    adopt(world)
    finished(world)


def test_adopted_accounts_are_not_told_of_a_creation_or_activation() -> None:
    world = a_world()
    adopt(world)
    world.cycle(everyone=True)
    assert [kind for _, kind in world.notices("20000001")] == ["activated", "created"]
    assert {item.reply for item in world.ledger.outbox() if item.notice.person_id} == {"told: adopted"}


def test_not_activated_ones_wait_for_the_portal() -> None:
    world = a_world()
    adopt(world, AdoptRule(activated=False))
    assert world.account("20000001").state is State.PENDING


def test_listings_are_made_only_where_policy_says_so() -> None:
    world = a_world()
    adopt(world)
    assert world.directory.look(f"uid=legacy1,{world.directory.contacts_base}") == {}
    other = a_world()
    adopt(other, AdoptRule(listed=True))
    assert other.directory.look(f"uid=legacy1,{other.directory.contacts_base}")["sn"] == ("CHAN",)


@pytest.mark.parametrize(
    ("rule", "attributes"),
    [
        (AdoptRule("mail", r"^(\d{8})@"), {"mail": ("chan@example.edu", "30000000@student.example.edu")}),
        (
            AdoptRule("schacPersonalUniqueCode", r":(?P<student_id>\d+)$"),
            {"schacpersonaluniquecode": ("urn:schac:personalUniqueCode:hk:studentID:30000000",)},
        ),
        (AdoptRule("uid"), {"uid": ("30000000",)}),
    ],
)
def test_a_student_id_is_found_where_the_rule_says(
    rule: AdoptRule, attributes: dict[str, tuple[str, ...]]
) -> None:
    world = World()
    world.registry.put(a_person("30000000", surname="CHAN"))
    dn = f"uid=one,{world.directory.people_base}"
    common = {"objectclass": CLASSES, "uid": ("one",), "cn": ("Chan",), "sn": ("Chan",)}
    world.directory.plant(dn, common)
    world.directory.plant(dn, attributes)
    (one,) = findings(world, rule)
    assert (one.what, one.student_id) == (What.MATCH, "30000000")


def test_an_entry_of_two_students_and_a_birth_date_that_does_not_fit_are_conflicts() -> None:
    world = a_world()
    two = plant(world, "two", description=("20000001 20000002",), title=("20000001", "20000002"))
    told = {one.dn: one for one in findings(world, AdoptRule("title"))}
    assert told[two].what is What.CONFLICT and "it names student" in told[two].note
    rule = AdoptRule(birth_date_attribute="schacDateOfBirth")
    fits, other = f"uid=legacy0,{STAFF}", f"uid=legacy1,{STAFF}"
    world.registry.put(replace(PEOPLE[0], birth_digest="2001-02-03"))
    for dn in (fits, other):
        world.directory.plant(dn, {"schacdateofbirth": ("20010203",)})
    notes = {one.dn: one.note for one in findings(world, rule)}
    assert (notes[fits], notes[other]) == ("", "the birth date does not fit")


def test_an_entry_named_by_its_full_name_keeps_that_name() -> None:
    """A server lets nobody take the value out that names the entry."""
    world = World()
    world.registry.put(a_person("30000000", surname="CHAN", given_names="Tai Man"))
    dn = f"cn=Tai Man CHAN,{world.directory.people_base}"
    attributes = {"objectclass": CLASSES, "uid": ("tmc7",), "cn": ("Tai Man CHAN",), "sn": ("Chan",)}
    world.directory.plant(dn, attributes | {"employeenumber": ("30000000",)})
    adopt(world)
    assert world.directory.look(dn)["cn"] == ("Tai Man CHAN", "CHAN Tai Man")
    assert not world.cycle(everyone=True).plan.is_due


def test_a_rebuild_takes_back_adopted_accounts_wherever_they_lie() -> None:
    world = a_world()
    adopt(world)
    lost = World(policy=world.policy, registry=world.registry, directory=world.directory, clock=world.clock)
    before = dict(world.directory.entries)
    found = rebuild(the_cycle(lost), "somebody")
    assert (found.accounts, found.troubles) == (4, [])
    assert not lost.cycle().plan.is_due
    assert lost.directory.entries == before
    assert {one.what for one in findings(lost)} == set()
