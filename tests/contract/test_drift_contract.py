"""What a Directory with content synchronisation tells of changes by others: the one in memory, and OpenLDAP; and
what one without says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisiond.domain.changes import AddEntry, Change, DeleteEntry, Join, Mod, Op
from provisiond.domain.model import Entry
from provisiond.ports import Drift, Kind, Marked
from tests.contract.test_directory_contract import site_on
from tests.rigs.directory_site import Site


@pytest.fixture(params=["memory", "slapd"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    yield from site_on(request)


@pytest.mark.parametrize("site_without", ["ds389"], indirect=True)
def test_without_content_synchronisation_nothing_is_told_and_the_audit_still_sees(site_without: Site) -> None:
    """No watermark, whatever the last one was; entries have an ID that stays and a state that changes."""
    site = site_without
    site.directory.apply([[site.add(site.entry()), Join(site.students, site.dn)]])
    assert site.directory.drift(None) == Drift("")
    assert site.directory.drift("") == Drift("")
    before = marked(site)[site.name, Kind.ACCOUNT].sighting
    site.tree.strip(site.students, member=(site.dn,))
    after = marked(site)[site.name, Kind.ACCOUNT].sighting
    assert after.entry_id == before.entry_id
    assert after.state != before.state


@pytest.fixture
def site_without(request: pytest.FixtureRequest) -> Iterator[Site]:
    yield from site_on(request)


@pytest.fixture
def since(site: Site) -> Iterator[str]:
    """Of an account (a student) and a listing of ours, and one more account."""
    listing = Entry(f"uid={site.name},{site.contacts_base}", site.entry().attributes)
    batch: list[Change] = [site.add(site.entry()), AddEntry("listing", listing), Join(site.students, site.dn)]
    site.directory.apply([batch, [site.add(site.entry("b"))]])
    yield site.directory.drift(None).watermark


def listing_dn(site: Site) -> str:
    return f"uid={site.name},{site.contacts_base}"


def marked(site: Site) -> dict[tuple[str, Kind], Marked]:
    found = list(site.directory.marked(authors=True))
    assert found == [each for each in found if each.sighting.entry_id]
    return {(each.sighting.person_id, each.sighting.kind): each for each in found}


def test_a_first_look_finds_where_to_begin(site: Site) -> None:
    drift = site.directory.drift(None)
    assert drift == Drift(drift.watermark)
    assert drift.watermark


def test_a_quiet_look_finds_nothing(site: Site, since: str) -> None:
    drift = site.directory.drift(since)
    assert drift == Drift(drift.watermark)


def test_what_we_did_is_seen_and_no_drift(site: Site, since: str) -> None:
    """Adding, changing, joining and taking away: entries are seen, nobody is suspected."""
    site.directory.apply([[site.add(site.entry("c")), Join(site.alumni, site.entry("c").dn)]])
    site.directory.apply([[site.modify(Mod(Op.REPLACE, "sn", ("Wong",))), Join(site.alumni, site.dn)]])
    drift = site.directory.drift(since)
    assert {each.person_id for each in drift.seen} == {site.name, site.name + "c"}
    assert drift.person_ids <= {site.name}  # a join after a change hides who made it
    assert (drift.deleted, drift.memberships) == (False, False)
    later = site.directory.drift(drift.watermark)
    assert later == Drift(later.watermark)


@pytest.mark.parametrize(
    "change",
    [{"cn": ("Somebody Else",)}, {"description": ("planted",)}, {"mail": ("other@elsewhere",)}],
)
def test_changes_by_others_are_found(site: Site, since: str, change: dict[str, tuple[str, ...]]) -> None:
    """Ours to keep or not: what it means is decided by whoever knows what should be there."""
    site.tree.plant(site.dn, change)
    drift = site.directory.drift(since)
    assert drift.person_ids == {site.name}
    assert site.directory.drift(drift.watermark).person_ids == frozenset()


def test_changes_of_a_listing_and_of_an_account_tell_the_same_person(site: Site, since: str) -> None:
    site.tree.plant(listing_dn(site), {"cn": ("Somebody Else",)})
    site.tree.strip(site.dn, mail=())
    assert site.directory.drift(since).person_ids == {site.name}


@pytest.mark.parametrize("kind", [Kind.ACCOUNT, Kind.LISTING])
def test_deleted_entries_are_told_by_their_ids(site: Site, since: str, kind: Kind) -> None:
    entry_id = marked(site)[site.name, kind].sighting.entry_id
    site.tree.uproot(site.dn if kind is Kind.ACCOUNT else listing_dn(site))
    drift = site.directory.drift(since)
    assert entry_id in drift.touched
    assert (drift.deleted, drift.memberships) == (False, False)


def test_what_we_deleted_is_gone_too(site: Site, since: str) -> None:
    """Whose it was, and that nothing is missing, is for others to say."""
    entry_id = marked(site)[site.name, Kind.LISTING].sighting.entry_id
    site.directory.apply([[DeleteEntry("listing", listing_dn(site), site.name)]])
    drift = site.directory.drift(since)
    assert (drift.touched, drift.person_ids) == (frozenset({entry_id}), frozenset())


def test_a_mark_taken_off_is_told_by_the_id_of_the_entry(site: Site, since: str) -> None:
    before = marked(site)[site.name, Kind.ACCOUNT].sighting.entry_id
    site.tree.strip(site.dn, objectclass=("provisiondObject",), provisiondpersonid=())
    drift = site.directory.drift(since)
    assert (drift.touched, drift.person_ids, drift.seen) == (frozenset({before}), frozenset(), ())


def test_a_mark_put_elsewhere_tells_both_persons(site: Site, since: str) -> None:
    """The one who has it now by the mark, the one who had the entry by its ID."""
    before = marked(site)[site.name, Kind.LISTING].sighting.entry_id
    site.tree.strip(listing_dn(site), objectclass=("provisiondObject",), provisiondpersonid=())
    site.tree.plant(
        listing_dn(site), {"objectclass": ("provisiondObject",), "provisiondpersonid": (site.name + "b",)}
    )
    drift = site.directory.drift(since)
    assert (drift.touched, drift.person_ids) == (frozenset({before}), frozenset({site.name + "b"}))


def test_a_removed_member_is_a_change_of_memberships(site: Site, since: str) -> None:
    """The account's entry does not show it by its number, its state does."""
    before = marked(site)[site.name, Kind.ACCOUNT]
    site.tree.strip(site.students, member=(site.dn,))
    drift = site.directory.drift(since)
    assert drift.memberships
    assert marked(site)[site.name, Kind.ACCOUNT].sighting.state != before.sighting.state


def test_marks_are_listed_with_place_state_and_author(site: Site, since: str) -> None:
    """Each entry's ID stays; its state changes when anybody changes it, and then it is not ours any more."""
    before = marked(site)
    assert set(before) == {(site.name, k) for k in (Kind.ACCOUNT, Kind.LISTING)} | {
        (site.name + "b", Kind.ACCOUNT)
    }
    assert all(each.ours for each in before.values())
    site.tree.plant(site.dn, {"description": ("planted",)})
    after = marked(site)
    mine = (site.name, Kind.ACCOUNT)
    assert {key for key in before if after[key] != before[key]} == {mine}
    assert after[mine].sighting.entry_id == before[mine].sighting.entry_id
    assert after[mine].sighting.state != before[mine].sighting.state
    assert not after[mine].ours
