"""The pages of the communications directory on a real slapd, bound as the reader of the listings: they show all
that it can see, so what is missing here is public nowhere. People are written as the daemon writes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.domain.changes import AddEntry
from provisiond.domain.entries import desired
from provisiond.domain.lifecycle import standing
from provisiond.domain.model import Account, Audience, ContactDetail, ContactField
from provisiond.domain.people import person
from provisiond.domain.plan import Identity
from provisiond.ports import Done
from tests.rigs.listings import listed, plant, real_listings
from tests.rigs.lives import TODAY, ZONE, a_person, a_policy, an_account
from tests.rigs.portal import desk, serving
from tests.rigs.portal_throttle import OpenThrottle
from tests.rigs.slapd import SlapdRig
from tests.rigs.visitor import Visitor

DETAILS = {
    ContactField.TELEPHONE: "+852 2123 4567",
    ContactField.OFFICE: "Tower 7",
    ContactField.WEBSITE: "https://example.net/secret-page",
    ContactField.PRONOUNS: "xe/xem",
    ContactField.PREFERRED_NAME: "Quentin",
}
EVIL = "<img src=x onerror=alert(1)>"
ODD = "*()\\\0&|!=<>~:,;'\"/%?#+陳大文ｃｈａｎ😀é\u202e\ufeff\x7f"
TEXTS = st.text(st.one_of(st.sampled_from(ODD), st.sampled_from("hidenpls")), max_size=20)


def account(name: str, surname: str, number: int, audience: Audience, **facts: bool) -> Account:
    details = tuple(ContactDetail(field, value, audience) for field, value in DETAILS.items())
    record = a_person(
        f"2000000{number}",
        surname=surname,
        given_names="Siu Man",
        chinese_name="陳小文",
        department="Physics",
        confidential=facts.pop("confidential", False),
    )
    return an_account(record, account_name=name, contact=details, **facts)


PEOPLE = (
    account("open", "OPEN", 1, Audience.EVERYONE),
    account("inside", "INSIDE", 2, Audience.UNIVERSITY),
    account("closed", "CLOSED", 3, Audience.NOBODY),
    account("unlisted", "UNLISTED", 4, Audience.EVERYONE, unlisted=True),
    account("hidden", "HIDDEN", 5, Audience.EVERYONE, confidential=True),
)


def write(rig: SlapdRig, one: Account) -> None:
    """Account and, where there is one, listing."""
    someone, policy = person(one.student_id, one, ()), a_policy()
    where = standing(someone, TODAY, ZONE, policy.lifecycle)
    wanted = desired(someone, Identity(one.account_name, None), where, policy, ZONE)
    listing = (AddEntry("listing", wanted.listing),) if wanted.listing else ()
    bases = (rig.base, rig.people_base, rig.contacts_base, rig.groups_base)
    with closing(LdapDirectory(rig.daemon, *bases, groups=[])) as directory:
        assert list(directory.apply([(AddEntry("account", wanted.account), *listing)])) == [Done()]


@pytest.fixture(scope="module")
def base(slapd_server: SlapdRig) -> Iterator[str]:
    slapd_server.reset()
    for one in PEOPLE:
        write(slapd_server, one)
    plant(slapd_server, listed("evil", f"EVIL{EVIL}", EVIL, EVIL, EVIL, telephonenumber=("1(2)",)))
    with (
        closing(real_listings(slapd_server)) as listings,
        serving(desk(listings=listings, throttle=OpenThrottle())) as address,
    ):
        yield address


def found(base: str, **asked: str) -> list[str]:
    """Account names, in the order of the page."""
    seen = Visitor(base).get("/directory?" + urlencode(asked))
    assert seen.status == 200
    part = seen.text.partition('<ul class="people">')[2].partition("</ul>")[0]
    return [piece.partition('"')[0] for piece in part.split('href="/directory/')[1:]]


def shown(base: str, path: str) -> str:
    """Of page and vCard."""
    answers = [Visitor(base).get(path + suffix) for suffix in ("", ".vcf")]
    assert [seen.status for seen in answers] == [200, 200]
    return "".join(seen.text.replace("\r\n ", "") for seen in answers)


def test_who_shows_everything_is_found_and_shown(base: str) -> None:
    assert found(base, name="open") == ["open"]
    assert found(base, name="quentin") == ["open"]
    text = shown(base, "/directory/open")
    assert all(value in text for value in DETAILS.values())


def test_what_is_for_the_university_is_neither_shown_nor_found(base: str) -> None:
    """By name the person is."""
    assert found(base, name="inside") == ["inside"]
    text = shown(base, "/directory/inside")
    assert "INSIDE" in text and "inside@connect.example.edu" in text
    assert not [value for value in DETAILS.values() if value in text]
    assert "inside" not in found(base, name="quentin")


def test_what_is_for_nobody_is_neither_shown_nor_found(base: str) -> None:
    text = shown(base, "/directory/closed")
    assert not [value for value in DETAILS.values() if value in text]
    assert "closed" not in found(base, name="quentin")


@pytest.mark.parametrize("name", ["unlisted", "hidden"])
def test_who_is_unlisted_or_confidential_is_not_there(base: str, name: str) -> None:
    """Nor does the page of somebody who was never here look otherwise."""
    assert found(base, name=name) == []
    assert name not in [
        *found(base, name="siu man"),
        *found(base, name="陳"),
        *found(base, name="", department="Physics"),
    ]
    for suffix in ("", ".vcf"):
        there, never = (Visitor(base).get(f"/directory/{who}{suffix}") for who in (name, "never"))
        assert (there.status, there.text.replace(name, "never")) == (404, never.text)
        assert there.headers.keys() == never.headers.keys()


def test_nothing_but_what_is_meant_to_be_shown_is_asked_of_a_listing(base: str) -> None:
    """Not our own marks."""
    text = shown(base, "/directory/open")
    assert "p20000001" not in text and "20000001" not in text and "provisiond" not in text


def test_accounts_cannot_be_reached_by_names_that_are_filters(base: str) -> None:
    for name in ("*", "o*", "open)(uid=*", "*)(objectClass=*", "open\\2a", "\\2a"):
        assert Visitor(base).get("/directory/" + quote(name, safe="")).status == 404
        assert found(base, name=name) == []


def test_markup_in_a_listing_is_text(base: str) -> None:
    for path in ("/directory/evil", "/directory?name=evil", "/directory"):
        seen = Visitor(base).get(path)
        assert EVIL not in seen.text
        assert "&lt;img src=x" in seen.text


@given(TEXTS, TEXTS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_hidden_is_found_whatever_is_typed(base: str, text: str, department: str) -> None:
    """And no text is an error."""
    names = found(base, name=text, department=department)
    assert not {"hidden", "unlisted"} & set(names)
    assert not names or text.strip() or department.strip()
    assert Visitor(base).get("/directory/" + quote(text, safe="")).status in (200, 404)
