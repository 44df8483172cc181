"""The reader of the listings on a real OpenLDAP: what it can be made to give away, which is what is public."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisiond.adapters.directory.listings import EVERY, MOST, LdapListings
from provisiond.adapters.directory.searching import fits
from provisiond.adapters.directory.session import LdapTarget
from provisiond.domain.errors import UnavailableError
from provisiond.domain.search_words import says_enough, words
from tests.rigs.listings import PEOPLE, fake_listings, listed, plant, reader_target, real_listings
from tests.rigs.portal_site import make_account
from tests.rigs.slapd import SlapdRig

ODD = "*()\\\0&|!=<>~:,;'\"陳大文ｃｈａｎ😀éÉßﬁİ \u3000\u200b\u202e\ufeff"
TEXTS = st.text(st.one_of(st.sampled_from(ODD), st.sampled_from("chantimpo"), st.characters()), max_size=30)


@pytest.fixture(scope="module")
def peopled(slapd_server: SlapdRig) -> SlapdRig:
    slapd_server.reset()
    plant(slapd_server, *PEOPLE)
    return slapd_server


@pytest.fixture(scope="module")
def listings(peopled: SlapdRig) -> Iterator[LdapListings]:
    with closing(real_listings(peopled)) as found:
        yield found


@given(TEXTS)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_finds_only_whom_it_names(listings: LdapListings, text: str) -> None:
    """No character is taken for a part of the filter: every answer begins with the words as they stand."""
    page = listings.find(text, None, None, 20)

    assert all(fits(listing, words(text)) for listing in page.listings)
    assert says_enough(words(text)) or not page.listings


@given(TEXTS)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_name_and_department_are_asked_for(listings: LdapListings, text: str) -> None:
    """They are compared whole."""
    departments = {ou.casefold() for listing in fake_listings() for ou in listing.attributes["ou"]}
    found = listings.listing(text)

    assert found is None or found.name == text.strip().lower()
    assert text.strip().casefold() in departments or not listings.find("", text, None, 20).listings


def test_a_search_looks_at_so_many_and_says_that_there_are_more(slapd: SlapdRig) -> None:
    """The pages end there: a more precise search finds the others. All departments are known all the same."""
    crowd = [listed(f"crowd{n}", "CHAN", f"Number{n}", f"Department {n % 7}") for n in range(MOST + 20)]
    rest = [listed(f"late{n}", "WONG", f"Number{n}", f"Late {n % 3}") for n in range(EVERY)]
    plant(slapd, *crowd, *rest)
    with closing(real_listings(slapd)) as listings:
        seen: list[str] = []
        page = listings.find("chan", None, None, 30)
        seen += [listing.name for listing in page.listings]
        while page.more:
            page = listings.find("chan", None, seen[-1], 30)
            seen += [listing.name for listing in page.listings]

        assert len(seen) == len(set(seen)) == MOST
        assert page.cut
        precise = listings.find("number119 chan", None, None, 30)
        assert ([it.name for it in precise.listings], precise.more, precise.cut) == (
            ["crowd119"],
            False,
            False,
        )
        assert len(listings.departments()) == 10


def test_departments_are_asked_for_once_an_hour(slapd: SlapdRig) -> None:
    """A new one shows soon after that time; meanwhile the page has those of before."""
    now = [0.0]
    plant(slapd, PEOPLE[0])
    with closing(LdapListings(reader_target(slapd), slapd.contacts_base, lambda: now[0])) as listings:
        assert listings.departments() == ("Physics",)
        plant(slapd, PEOPLE[1])
        now[0] = 3599.0
        assert listings.departments() == ("Physics",)
        now[0] = 3601.0
        assert listings.departments() == ("Physics",)
        pause = threading.Event()
        while listings.departments() == ("Physics",):
            pause.wait(0.01)
        assert listings.departments() == ("Chemistry", "Physics")


def test_departments_are_read_before_anybody_asks(slapd: SlapdRig) -> None:
    """Nothing is asked of the directory when somebody does."""
    plant(slapd, PEOPLE[0])
    listings = LdapListings(reader_target(slapd), slapd.contacts_base)
    listings.warm()
    listings.close()  # when it has been read
    with away(slapd):
        assert listings.departments() == ("Physics",)


def test_departments_stay_while_the_directory_is_away(slapd: SlapdRig) -> None:
    now = [0.0]
    plant(slapd, PEOPLE[0])
    with closing(
        LdapListings(impatient(reader_target(slapd)), slapd.contacts_base, lambda: now[0])
    ) as listings:
        assert listings.departments() == ("Physics",)
        with away(slapd):
            for now[0] in (3601.0, 3602.0, 4000.0):
                assert listings.departments() == ("Physics",)


@contextmanager
def away(slapd: SlapdRig) -> Iterator[None]:
    slapd.kill()
    try:
        yield
    finally:
        slapd.start()


def impatient(target: LdapTarget) -> LdapTarget:
    return replace(target, patience=0.5)


def test_accounts_are_not_found(slapd: SlapdRig) -> None:
    """Even where the base is named too high, the server shows this identity listings only."""
    make_account(slapd, "hidden", "p1")
    plant(slapd, PEOPLE[0])
    with closing(LdapListings(reader_target(slapd), slapd.base)) as listings:
        assert [it.name for it in listings.find("chan", None, None, 20).listings] == ["tmchan"]
        assert listings.listing("hidden") is None


def test_a_server_that_is_away_is_told_without_a_secret(slapd: SlapdRig) -> None:
    target = replace(reader_target(slapd), urls=("ldap://127.0.0.1:1",))
    with closing(LdapListings(target, slapd.contacts_base)) as listings:
        with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1") as raised:
            listings.find("chan", None, None, 20)
        assert target.password and target.password not in f"{raised.value!r} {vars(listings)!r}"
