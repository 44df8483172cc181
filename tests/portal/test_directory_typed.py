"""Whatever somebody types into the directory's form or address, or has written in their own listing: an answer, in
which it is text."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote, urlencode

import markupsafe
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisiond.ports.portal_directory import Listing
from tests.rigs.listings import fake_listings, listed
from tests.rigs.portal import desk, serving
from tests.rigs.portal_directory import FakeListings
from tests.rigs.portal_throttle import OpenThrottle
from tests.rigs.visitor import Seen, Visitor

ODD = "<>\"'&`=/\\*()|!~:;,%?#+{}[]$\t\r\n\0\x1f\x7f\x85\u2028\u202e\ufeff\u3000陳ｃ😀éßİ"
CHARACTERS = st.one_of(
    st.sampled_from(ODD), st.sampled_from("chan"), st.characters(exclude_categories=["Cs"])
)
TEXTS = st.text(CHARACTERS, max_size=40)
_FRAME = "html head meta title link script body a header div span nav ul li main h1 h2 p section footer"
ELEMENTS = {*_FRAME.split(), "form", "label", "input", "select", "option", "button", "dl", "dt", "dd"}
SCRIPTS = 1  # our own


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src", "action")}


def assert_is_ours(seen: Seen) -> None:
    """Nothing but what our templates write: elements, attributes, places that links lead to."""
    tags = _Tags()
    tags.feed(seen.text)
    assert set(tags.tags) <= ELEMENTS and tags.tags.count("script") == SCRIPTS
    assert not {name for name in tags.attributes if name.startswith("on") or name == "style"}
    schemes = ("/", "?", "#", "mailto:", "tel:", "http://", "https://")
    assert all(link.startswith(schemes) and not link.startswith("//") for link in tags.links)


class Rewritten(FakeListings):
    """One listing, whose texts a test sets."""

    def wear(self, text: str) -> None:
        ways = (
            "mail",
            "telephonenumber",
            "labeleduri",
            "physicaldeliveryofficename",
            "edupersondisplaypronouns",
        )
        values = listed("worn", f"WORN {text}", text, text, text)
        self.listings["worn"] = Listing("worn", values | dict.fromkeys(ways, (text,)))


LISTINGS = Rewritten(fake_listings())


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serving(desk(listings=LISTINGS, throttle=OpenThrottle())) as address:
        yield address


@given(name=TEXTS, department=TEXTS, page=TEXTS)
@settings(max_examples=60)
def test_what_is_typed_is_text(base: str, name: str, department: str, page: str) -> None:
    seen = Visitor(base).get(
        "/directory?" + urlencode({"name": name, "department": department, "page": page})
    )
    assert seen.status == 200 and seen.set_cookies == ()
    assert_is_ours(seen)
    if "\0" not in name + department + page:
        assert f'value="{markupsafe.escape(name.strip()[:100])}"' in seen.text


@given(name=TEXTS, suffix=st.sampled_from(["", ".vcf"]))
@settings(max_examples=60)
def test_a_name_in_the_address_is_text(base: str, name: str, suffix: str) -> None:
    """It names somebody or nobody."""
    seen = Visitor(base).get(f"/directory/{quote(name, safe='')}{suffix}")
    assert seen.status == 404 or name.lower() in LISTINGS.listings
    assert_is_ours(seen)


@given(TEXTS)
@settings(max_examples=60)
def test_what_stands_in_a_listing_is_text(base: str, text: str) -> None:
    """On every page, and as one line's value in the vCard."""
    LISTINGS.wear(text)
    for path in ("/directory?name=worn", "/directory/worn", "/directory"):
        seen = Visitor(base).get(path)
        assert seen.status == 200
        assert_is_ours(seen)
    lines = Visitor(base).get("/directory/worn.vcf").text.replace("\r\n ", "").split("\r\n")
    assert (lines[0], lines[-2], lines[-1]) == ("BEGIN:VCARD", "END:VCARD", "")
    assert all(line.partition(":")[1] and line[0].isupper() for line in lines[:-1])


@pytest.mark.parametrize(
    "raw", ["%", "%zz", "%C3%28", "a%0d%0aX-Evil:%201", "%2e%2e", "..%2f..%2fetc", "a" * 2000]
)
def test_ill_formed_addresses_are_nobody(base: str, raw: str) -> None:
    seen = Visitor(base).get(f"/directory/{raw}")
    assert seen.status == 404 and "x-evil" not in seen.headers
    assert Visitor(base).get(f"/directory?name={raw}").status == 200
