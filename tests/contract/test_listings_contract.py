"""What the directory's readers rely on when they search, on the fake and on a real OpenLDAP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from provisiond.ports.portal_directory import Listings
from tests.rigs.listings import PEOPLE, fake_listings, plant, real_listings
from tests.rigs.portal_directory import FakeListings
from tests.rigs.slapd import SlapdRig


@pytest.fixture(params=["fake", "openldap"], scope="module")
def listings(request: pytest.FixtureRequest) -> Iterator[Listings]:
    if request.param == "fake":
        yield FakeListings(fake_listings())
        return
    rig: SlapdRig = request.getfixturevalue("slapd_server")
    rig.reset()
    plant(rig, *PEOPLE)
    with closing(real_listings(rig)) as found:
        yield found


def names(listings: Listings, text: str, department: str | None = None) -> list[str]:
    return [listing.name for listing in listings.find(text, department, None, 20).listings]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("chan", ["schan", "tmchan"]),
        ("CHAN Tai Man", ["tmchan"]),
        ("tai man chan", ["tmchan"]),
        ("man tai chan", []),
        ("tai m peter", ["tmchan"]),
        ("chan t", ["tmchan"]),
        ("tai, ch", ["tmchan"]),
        ("peter", ["tmchan"]),
        ("ｃｈａｎ　ｔａｉ", ["tmchan"]),
        ("陳", ["tmchan", "schan"]),
        ("陳大", ["tmchan"]),
        ("陳大文 Chan", ["tmchan"]),
        ("大文", []),  # begins no name
        ("herman", ["hwong"]),
        ("man", ["jmp"]),
        ("an", []),
        ("wong an", []),
        ("máire", ["obrien"]),
        ("o'br", ["obrien"]),
        ("man-p josé", ["jmp"]),
        ("star (*", ["star"]),
        ("a\\b", ["star"]),
    ],
)
def test_words_begin_names(listings: Listings, text: str, expected: list[str]) -> None:
    """Of a surname, a given name, the whole or the display name, in any order and case, Latin or Chinese."""
    assert sorted(names(listings, text)) == sorted(expected)


@pytest.mark.parametrize("text", ["", "   ", "c", "*", "(", ")", "\\", "\0", "\x1f,;", "\ud800"])
def test_a_text_that_says_nothing_finds_nothing(listings: Listings, text: str) -> None:
    """Least of all everybody."""
    assert names(listings, text) == []


@pytest.mark.parametrize(
    "text", ["**", "*)(uid=*", "ch*", "chan)(cn=*", "😀", "😀 chan", "\\2a", "chan\\", "(|"]
)
def test_no_character_means_anything(listings: Listings, text: str) -> None:
    assert names(listings, text) == []


def test_a_department_is_matched_whole(listings: Listings) -> None:
    """With a name or alone; in the order of display names."""
    assert names(listings, "", "Physics") == ["jmp", "tmchan", "star", "hwong"]
    assert names(listings, "chan", "Physics") == ["tmchan"]
    assert names(listings, "c", "Physics") == ["tmchan"]
    assert names(listings, "chan", "Phys") == []
    assert names(listings, "", "*") == []
    assert names(listings, "", "School of Law, Society & *Arts*") == ["obrien"]


def test_departments(listings: Listings) -> None:
    assert listings.departments() == ("Chemistry", "Physics", "School of Law, Society & *Arts*")


def test_pages_follow_each_other(listings: Listings) -> None:
    """Each begins after the last listing of the one before; the last one says that it is."""
    first = listings.find("", "Physics", None, 2)
    second = listings.find("", "Physics", first.listings[-1].name, 2)

    assert ([it.name for it in first.listings], first.more) == (["jmp", "tmchan"], True)
    assert ([it.name for it in second.listings], second.more) == (["star", "hwong"], False)


def test_a_line_of_an_answer_has_names_and_departments_only(listings: Listings) -> None:
    """In every language; the rest is asked for with the one that is chosen."""
    found = listings.find("chan tai man", None, None, 20).listings[0]
    whole = listings.listing("tmchan")
    assert whole and {"uid", "cn", "cn;lang-zh", "ou"} <= set(found.attributes) < set(whole.attributes)
    assert "mail" in whole.attributes and "mail" not in found.attributes
    assert all(found.attributes[name] == whole.attributes[name] for name in found.attributes)


def test_one_listing_by_its_exact_name(listings: Listings) -> None:
    """With what it shows."""
    found = listings.listing("schan")

    assert found is not None
    assert found.name == "schan"
    assert found.attributes["telephonenumber"] == ("+852 3943 0001",)
    assert found.attributes["cn;lang-zh"] == ("陳小明",)
    for name in ("scha", "*", "", "schan)(uid=*", "schan\0", "\ud800"):
        assert listings.listing(name) is None
