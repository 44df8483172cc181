"""What every Directory does, in memory, on OpenLDAP and on 389 Directory Server: apply, observe, leave others'
alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from provisiond.adapters.directory.session import normalise_dn
from provisiond.domain.changes import AddEntry, Change, DeleteEntry, Join, Leave, Mod, ModifyEntry, Op
from provisiond.domain.model import Entry, Observed
from provisiond.ports import Done, Refused, Surveyed
from tests.rigs.directory_site import CLASSES, OURS, Site, fake_site, real_site
from tests.rigs.slapd import SlapdRig

NUMBERS = itertools.count(1)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NOBODY = Observed(None, None, frozenset())


@pytest.fixture(params=["memory", "slapd", "ds389"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    yield from site_on(request)


def site_on(request: pytest.FixtureRequest) -> Iterator[Site]:
    """The directory that the parameter names."""
    number = next(NUMBERS)
    name = "zq" + LETTERS[number // 26 % 26] + LETTERS[number % 26]
    if request.param == "memory":
        yield fake_site(name)
        return
    rig: SlapdRig = request.getfixturevalue(request.param)
    yield from real_site(rig, name)


def test_finds_nothing_of_an_unknown_person(site: Site) -> None:
    """An unknown person is in the answer, empty."""
    assert site.directory.observe({"nosuchperson": "x"}) == {"nosuchperson": NOBODY}


def test_asks_nothing_for_nobody(site: Site) -> None:
    assert site.directory.observe({}) == {}
    assert site.directory.names_with_prefixes([]) == {}
    assert site.directory.apply([]) == []


def test_shows_what_was_added(site: Site) -> None:
    """An added account and listing are observed with every value, memberships with normalised DNs."""
    account = site.entry(**{"cn;lang-zh": ("陳大文",), "provisiondstate": ("active",)})
    listing = Entry(f"uid={site.name},{site.contacts_base}", site.entry().attributes)
    outcomes = site.directory.apply(
        [[site.add(account), AddEntry("listing", listing), Join(site.students, site.dn)]]
    )
    assert outcomes == [Done()]
    seen = site.seen()
    assert seen.account is not None and seen.listing is not None
    for wanted, got in ((account, seen.account), (listing, seen.listing)):
        assert normalise_dn(got.dn) == normalise_dn(wanted.dn)
        assert set(got.attributes["objectclass"]) >= set(wanted.attributes["objectclass"])  # servers add some
        others = wanted.attributes.keys() - {"objectclass"}
        assert {name: set(got.attributes[name]) for name in others} == {
            name: set(wanted.attributes[name]) for name in others
        }
    assert seen.groups == {normalise_dn(site.students)}


def test_observes_many_persons_at_once(site: Site) -> None:
    """More persons than fit one search: each is in the answer."""
    several = ["aa", "ab", "ac"]
    site.directory.apply([[site.add(site.entry(suffix))] for suffix in several])
    people = {site.name + a + b: "" for a in LETTERS for b in LETTERS[:10]}
    seen = site.directory.observe(people)
    assert set(seen) == set(people)
    assert {person for person, what in seen.items() if what.account} == {site.name + s for s in several}


def test_repeats_harmlessly(site: Site) -> None:
    """The same batch once more is done again and changes nothing: an interrupted cycle may repeat itself."""
    batch: list[Change] = [
        site.add(site.entry()),
        site.modify(Mod(Op.ADD, "ou", ("Physics",)), Mod(Op.DELETE, "ou", ("Law",))),
        Join(site.students, site.dn),
        Leave(site.alumni, site.dn),
    ]
    assert site.directory.apply([batch]) == [Done()]
    before = (site.tree.look(site.dn), site.tree.look(site.students))
    assert site.directory.apply([batch]) == [Done()]
    assert (site.tree.look(site.dn), site.tree.look(site.students)) == before


def test_modifies_and_leaves_foreign_values_alone(site: Site) -> None:
    """Adding, deleting and replacing touch the values named; what others put there survives."""
    site.directory.apply([[site.add(site.entry(ou=("Physics",)))]])
    foreign = {"ou": ("Choir",), "description": ("planted",), "telephonenumber": ("+852 1234",)}
    site.tree.plant(site.dn, foreign)
    mods = (
        Mod(Op.DELETE, "ou", ("Physics",)),
        Mod(Op.ADD, "ou", ("Law",)),
        Mod(Op.REPLACE, "sn", ("Wong",)),
        Mod(Op.REPLACE, "title", ()),
    )
    assert site.directory.apply([[site.modify(*mods)]]) == [Done()]
    now = site.tree.look(site.dn)
    assert set(now["ou"]) == {"Choir", "Law"}
    assert (now["sn"], now["description"]) == (("Wong",), ("planted",))
    assert now["telephonenumber"] == ("+852 1234",)


def test_modifies_what_must_be_unique(site: Site) -> None:
    """A new mail address on an entry that is ours, with values to delete that are not there."""
    site.directory.apply([[site.add(site.entry(ou=("Law",)))]])
    mail, gone = (f"{site.name}b@connect.example.edu",), ("Law", "Art")
    mods = (Mod(Op.REPLACE, "mail", mail), Mod(Op.DELETE, "ou", gone), Mod(Op.DELETE, "title", ("Mr",)))
    assert site.directory.apply([[site.modify(*mods)]]) == [Done()]
    now = site.tree.look(site.dn)
    assert (now["mail"], now.get("ou")) == (mail, None)


def test_nobody_leaves_a_group_in_vain(site: Site) -> None:
    """Members and others leave together, one joins: each in the end is where it should be."""
    dns = [site.entry(suffix).dn for suffix in "abcde"]
    site.directory.apply([[site.add(site.entry(suffix))] for suffix in "abcde"])
    site.directory.apply([[Join(site.students, dn)] for dn in dns[:3]])
    batches: list[list[Change]] = [[Leave(site.students, dn)] for dn in dns[1:]]
    assert site.directory.apply([*batches, [Join(site.students, dns[4])]]) == [Done()] * 5
    members = {normalise_dn(member) for member in site.tree.look(site.students)["member"]}
    assert [dn for dn in dns if normalise_dn(dn) in members] == [dns[0], dns[4]]


def test_replace_with_nothing_removes(site: Site) -> None:
    site.directory.apply([[site.add(site.entry(title=("Mr",)))]])
    site.directory.apply([[site.modify(Mod(Op.REPLACE, "title", ()))]])
    assert "title" not in site.tree.look(site.dn)


def test_ends_and_reopens_login(site: Site) -> None:
    """The operational attribute that ends log-in is written, observed and removed."""
    name, values = site.login_end
    site.directory.apply([[site.add(site.entry(**{name: values}))]])
    account = site.seen().account
    assert account is not None and account.attributes[name] == values
    site.directory.apply([[site.modify(Mod(Op.REPLACE, name, ()))]])
    account = site.seen().account
    assert account is not None and name not in account.attributes


def test_deletes_and_takes_gone_for_done(site: Site) -> None:
    site.directory.apply([[site.add(site.entry()), Join(site.students, site.dn)]])
    delete = DeleteEntry("account", site.dn, site.name)
    assert site.directory.apply([[delete]]) == [Done()]
    assert site.seen() == NOBODY
    assert site.directory.apply([[delete]]) == [Done()]


@pytest.mark.parametrize("owner", [None, "anotherperson"])
def test_refuses_a_foreign_entry_at_the_dn(site: Site, owner: str | None) -> None:
    """An entry of nobody or of another person is neither adopted, changed nor deleted."""
    more = {} if owner is None else {"provisiondpersonid": (owner,), "objectclass": OURS}
    site.tree.plant(site.dn, site.foreign(**more).attributes)
    before = site.tree.look(site.dn)
    attempts: list[Change] = [
        site.add(site.entry()),
        site.modify(Mod(Op.REPLACE, "sn", ("Stolen",))),
        DeleteEntry("account", site.dn, site.name),
    ]
    outcomes = site.directory.apply([[attempt] for attempt in attempts])
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    assert [o.code for o in outcomes if isinstance(o, Refused)] == [68, 122, 122]
    assert "not ours" in outcomes[0].text  # type: ignore[union-attr]
    assert site.tree.look(site.dn) == before


def decided(site: Site, *mods: Mod) -> ModifyEntry:
    """As the core decides: on the entry as it is observed now."""
    account = site.seen().account
    assert account is not None
    seen = {mod.attribute: account.attributes.get(mod.attribute, ()) for mod in mods}
    return ModifyEntry("account", account.dn, site.name, mods, account.csn, seen)


@pytest.mark.parametrize("attribute", ["sn", "mail"])
def test_overwrites_nothing_unseen(site: Site, attribute: str) -> None:
    """What another wrote after we had looked is not replaced: refused, and the next look decides. So it is with
    what the server's `unique` guards."""
    site.directory.apply([[site.add(site.entry(ou=("Law",)))]])
    change = decided(site, Mod(Op.REPLACE, attribute, (f"{site.name}.ours@x",)), Mod(Op.ADD, "ou", ("Art",)))
    theirs = Mod(Op.REPLACE, attribute, (f"{site.name}.theirs@x",))
    site.directory.apply([[site.modify(theirs)]])
    (outcome,) = site.directory.apply([[change]])
    assert isinstance(outcome, Refused)
    assert outcome.code == 122 and "changed by another" in outcome.text
    now = site.tree.look(site.dn)
    assert (now[attribute], now["ou"]) == (theirs.values, ("Law",))


@pytest.mark.parametrize("attribute", ["sn", "mail"])
def test_others_may_change_other_things_meanwhile(site: Site, attribute: str) -> None:
    """A password or an attribute that we do not write, changed after we had looked, stops nothing; nor does what
    is already as we want it."""
    site.directory.apply([[site.add(site.entry())]])
    new = Mod(Op.REPLACE, attribute, (f"{site.name}.new@x",))
    change = decided(site, new)
    site.tree.plant(site.dn, {"description": ("planted",)})
    assert site.directory.apply([[change]]) == [Done()]
    assert site.directory.apply([[change]]) == [Done()]
    now = site.tree.look(site.dn)
    assert (now[attribute], now["description"]) == (new.values, ("planted",))


def test_deletes_only_what_was_seen(site: Site) -> None:
    """Where changes have numbers; elsewhere only whose it is counts (UNASSERTED_DELETE)."""
    site.directory.apply([[site.add(site.entry())]])
    account = site.seen().account
    assert account is not None
    site.tree.plant(site.dn, {"description": ("planted",)})
    stale = DeleteEntry("account", site.dn, site.name, account.csn)
    (outcome,) = site.directory.apply([[stale]])
    if not site.numbers_changes:
        assert outcome == Done()
        return
    assert isinstance(outcome, Refused) and outcome.code == 122
    assert "changed by another" in outcome.text
    account = site.seen().account
    assert account is not None
    assert site.directory.apply([[replace(stale, csn=account.csn)]]) == [Done()]
    assert site.tree.look(site.dn) == {}


def test_completes_a_half_made_entry(site: Site) -> None:
    """An entry with the same person's ID is adopted: what is missing or wrong is set, the rest stays."""
    half = {
        "objectclass": ("inetOrgPerson", "provisiondObject"),
        "provisiondpersonid": (site.name,),
        "sn": ("Wrong",),
        "description": ("planted",),
    }
    site.tree.plant(site.dn, site.foreign(**half).attributes)
    wanted = site.entry(provisiondstate=("pending",))
    assert site.directory.apply([[site.add(wanted)]]) == [Done()]
    now = site.tree.look(site.dn)
    assert all(set(values) <= set(now[name]) for name, values in wanted.attributes.items() if name != "cn")
    assert (now["sn"], now["cn"], now["description"]) == (("Chan",), ("Chan Tai Man",), ("planted",))


def test_a_refused_change_ends_its_own_batch_only(site: Site) -> None:
    """What came before it took effect, what came after it in the batch did not, other batches went on."""
    first, last = site.entry("a"), site.entry("c")
    bad = site.modify(Mod(Op.REPLACE, "sn", ("X",)), dn=f"uid=nobody{site.name},{site.people_base}")
    batch: list[Change] = [site.add(site.entry("b")), bad, Join(site.students, site.entry("b").dn)]
    outcomes = site.directory.apply([[site.add(first)], batch, [site.add(last)]])
    assert [type(outcome) for outcome in outcomes] == [Done, Refused, Done]
    assert isinstance(outcomes[1], Refused)
    assert (outcomes[1].change, outcomes[1].code) == (bad, 32)
    assert site.tree.look(site.entry("b").dn)
    members = {normalise_dn(member) for member in site.tree.look(site.students)["member"]}
    assert normalise_dn(site.entry("b").dn) not in members


def test_second_account_with_the_same_address_is_refused(site: Site) -> None:
    """The server's own uniqueness is the second lock; its words are kept."""
    twin = site.entry("b", mail=site.entry("a").attributes["mail"])
    assert site.directory.apply([[site.add(site.entry("a"))]]) == [Done()]
    (outcome,) = site.directory.apply([[site.add(twin)]])  # of two at once either may win
    assert isinstance(outcome, Refused)
    assert outcome.code == 19
    assert outcome.text.startswith("constraintViolation: ")


def test_moves_between_groups(site: Site) -> None:
    site.directory.apply([[site.add(site.entry()), Join(site.students, site.dn)]])
    site.directory.apply([[Leave(site.students, site.dn), Join(site.alumni, site.dn)]])
    assert site.seen().groups == {normalise_dn(site.alumni)}


def test_other_members_stay(site: Site) -> None:
    stranger = f"uid=stranger{site.name},ou=elsewhere,dc=example,dc=edu"
    site.tree.plant(site.students, {"member": (stranger,)})
    site.directory.apply([[site.add(site.entry()), Join(site.students, site.dn)]])
    site.directory.apply([[Leave(site.students, site.dn)]])
    members = {normalise_dn(member) for member in site.tree.look(site.students)["member"]}
    assert normalise_dn(stranger) in members
    assert normalise_dn(site.dn) not in members


def test_missing_group_is_refused_and_the_account_stands(site: Site) -> None:
    join = Join(f"cn=nosuchgroup,{site.groups_base}", site.dn)
    (outcome,) = site.directory.apply([[site.add(site.entry()), join]])
    assert isinstance(outcome, Refused)
    assert outcome.change == join
    assert outcome.code in (32, 50)  # a server may keep to itself that there is none
    assert site.seen().account is not None


def test_finds_names_of_accounts_and_addresses_of_anybody(site: Site) -> None:
    """Account names and local parts count, ours or not, whatever the case."""
    site.directory.apply([[site.add(site.entry())]])
    foreign = site.entry("b", uid=(site.name.upper() + "B", site.name + "alias"))
    attributes = dict(foreign.attributes) | {"objectclass": CLASSES, "mail": (f"{site.name}X@elsewhere",)}
    del attributes["provisiondpersonid"]
    site.tree.plant(f"uid={site.name}alias,{site.people_base}", attributes)
    found = site.directory.names_with_prefixes([site.name, site.name + "al", "qqqq"])
    assert found == {
        site.name: {site.name, site.name + "b", site.name + "alias", site.name + "x"},
        site.name + "al": {site.name + "alias"},
        "qqqq": frozenset(),
    }


def test_two_entries_of_one_person_are_no_answer(site: Site) -> None:
    """Which of two entries is the person's cannot be known: said of that person, and both are named."""
    attributes = site.entry().attributes
    listings = [f"uid={site.name}{suffix},{site.contacts_base}" for suffix in "ab"]
    for suffix, dn in zip("ab", listings, strict=True):
        site.tree.plant(dn, dict(attributes) | {"uid": (site.name + suffix,)})
    site.directory.apply([[site.add(site.entry("z"))]])
    seen = site.directory.observe({site.name: "", site.name + "z": ""})
    assert all(dn.lower() in str(seen[site.name].clash).lower() for dn in listings)
    assert seen[site.name + "z"].account and seen[site.name + "z"].clash is None


def test_odd_characters_survive(site: Site) -> None:
    """Blanks, commas, asterisks, backslashes and Chinese come back as they were sent."""
    odd = {"cn": ("O'Brien, \\ * (x) #1",), "displayname;lang-zh": ("歐陽 大文",), "givenname": ("é ü",)}
    site.directory.apply([[site.add(site.entry(**odd))]])
    account = site.seen().account
    assert account is not None
    assert {name: account.attributes[name] for name in odd} == odd


def test_surveys_every_name_and_mark(site: Site) -> None:
    """A scan shows ours and others', with names in lower case, the mark, and a number that grows by changes."""
    site.directory.apply([[site.add(site.entry())]])
    other = {"objectclass": CLASSES, "cn": ("X",), "sn": ("X",), "mail": (f"{site.name.upper()}b@elsewhere",)}
    site.tree.plant(f"cn={site.name},{site.people_base}", other)
    before = surveyed(site)
    ours, theirs = (before[normalise_dn(dn)] for dn in (site.dn, f"cn={site.name},{site.people_base}"))
    assert (ours.names, ours.person_id) == (frozenset({site.name}), site.name)
    assert (theirs.names, theirs.person_id) == (frozenset({site.name + "b"}), None)
    assert not any(dn.startswith("cn=students,") for dn in before)
    site.tree.plant(site.dn, {"description": ("planted",)})
    after = surveyed(site)
    assert (after[normalise_dn(site.dn)].csn > ours.csn) is site.numbers_changes
    assert after[normalise_dn(theirs.dn)] == theirs


def surveyed(site: Site) -> dict[str, Surveyed]:
    """What a survey says of this test's entries, by normalised DN."""
    return {normalise_dn(each.dn): each for each in site.directory.survey() if site.name in each.dn.lower()}


def test_uid_numbers_of_anybody_are_seen_within_a_range(site: Site) -> None:
    posix = {"gidnumber": ("1",), "homedirectory": ("/",), "uidnumber": ("700005",)}
    classes = (*site.entry("a").attributes["objectclass"], "posixAccount")
    assert site.directory.apply([[site.add(site.entry("a", objectclass=classes, **posix))]]) == [Done()]
    assert site.directory.uid_numbers(700000, 700010) == {700005}
    assert site.directory.uid_numbers(700006, 700010) == frozenset()


def test_an_account_that_lies_where_none_belongs_is_told_and_not_taken_for_absent(site: Site) -> None:
    dn = f"uid={site.name},{site.people_base.partition(',')[2]}"
    site.tree.plant(dn, site.entry().attributes)
    try:
        seen = site.seen()
    finally:
        site.tree.uproot(dn)
    assert seen.account is None and seen.clash is not None and dn in seen.clash
