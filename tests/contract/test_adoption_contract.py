"""What every Directory does with entries that another made: finds all, adopts them once, and only as they were."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisiond.domain.changes import AdoptEntry, Mod, Op
from provisiond.domain.model import Entry
from provisiond.ports import Done, Refused
from tests.contract.test_directory_contract import site_on
from tests.rigs.directory_site import CLASSES, Site


@pytest.fixture(params=["memory", "slapd", "ds389"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    yield from site_on(request)


def planted(site: Site) -> Entry:
    """Somebody's entry, as `candidates` shows it."""
    foreign = site.foreign(telephonenumber=("2609 0000",), ou=("Choir",))
    site.tree.plant(foreign.dn, foreign.attributes)
    (found,) = [
        entry for entry in site.directory.candidates() if site.name in entry.attributes.get("uid", ())
    ]
    return found


def adopting(site: Site, entry: Entry, *more: Mod) -> AdoptEntry:
    mods = (
        Mod(Op.ADD, "objectclass", ("provisiondObject",)),
        Mod(Op.ADD, "provisiondpersonid", (site.name,)),
        *more,
    )
    return AdoptEntry("account", entry.dn, site.name, mods, entry.csn)


def test_candidates_are_whole_and_listings_are_none(site: Site) -> None:
    listing = {"objectclass": CLASSES, "uid": (site.name,), "cn": ("X",), "sn": ("X",)}
    site.tree.plant(f"uid={site.name},{site.contacts_base}", listing)
    found = planted(site)
    assert bool(found.csn) is site.numbers_changes
    assert found.attributes["telephonenumber"] == ("2609 0000",)


def test_an_adopted_entry_is_ours_and_keeps_what_others_wrote(site: Site) -> None:
    renamed = Mod(Op.REPLACE, "cn", ("Chan Tai Man",))
    assert site.directory.apply([[adopting(site, planted(site), renamed)]]) == [Done()]
    seen = site.seen().account
    assert seen is not None
    assert seen.attributes["telephonenumber"] == ("2609 0000",)
    assert seen.attributes["cn"] == ("Chan Tai Man",)
    assert set(seen.attributes["ou"]) == {"Choir"}


def test_adopting_once_more_changes_nothing(site: Site) -> None:
    """An answer that was lost, a run that was interrupted."""
    change = adopting(site, planted(site))
    assert site.directory.apply([[change]]) == [Done()]
    before = site.seen().account
    assert site.directory.apply([[change]]) == [Done()]
    after = site.seen().account
    assert before and after and (before.csn, before.attributes) == (after.csn, after.attributes)


def test_what_changed_since_it_was_looked_at_is_not_adopted(site: Site) -> None:
    change = adopting(site, planted(site))
    site.tree.plant(site.dn, {"description": ("theirs",)})
    (outcome,) = site.directory.apply([[change]])
    if site.numbers_changes:
        assert isinstance(outcome, Refused) and "changed by another" in outcome.text
    assert ("provisiondpersonid" in site.tree.look(site.dn)) is not site.numbers_changes


def test_nothing_of_another_is_replaced_unseen(site: Site) -> None:
    """Also where the server does not number changes."""
    entry = planted(site)
    mods = (*adopting(site, entry).mods, Mod(Op.REPLACE, "cn", ("Chan Tai Man",)))
    change = AdoptEntry("account", entry.dn, site.name, mods, seen={"cn": entry.attributes["cn"]})
    site.tree.plant(site.dn, {"cn": ("Somebody",)})
    (outcome,) = site.directory.apply([[change]])
    assert isinstance(outcome, Refused) and "changed by another" in outcome.text
    assert set(site.tree.look(site.dn)["cn"]) == {"X", "Somebody"}


def test_a_mark_of_another_person_is_never_replaced(site: Site) -> None:
    entry = planted(site)
    marked = {"objectclass": ("provisiondObject",), "provisiondpersonid": (f"{site.name}other",)}
    site.tree.plant(site.dn, marked)
    (outcome,) = site.directory.apply([[adopting(site, Entry(entry.dn, entry.attributes))]])
    assert isinstance(outcome, Refused)
    assert site.tree.look(site.dn)["provisiondpersonid"] == (f"{site.name}other",)


def test_what_is_gone_is_told(site: Site) -> None:
    change = adopting(site, planted(site))
    site.tree.uproot(site.dn)
    (outcome,) = site.directory.apply([[change]])
    assert isinstance(outcome, Refused) and outcome.code == 32
