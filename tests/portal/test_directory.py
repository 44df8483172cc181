"""The communications directory over HTTP, as somebody without an account meets it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from provisiond.portal.activation.attempts import KEY
from provisiond.portal.directory.query import PAGE, PAGES
from provisiond.ports.portal_directory import Listing, ListingPage
from tests.rigs.clock import StoppedClock
from tests.rigs.listings import fake_listings, listed
from tests.rigs.portal import MemorySessions, desk, serving
from tests.rigs.portal_directory import FakeListings
from tests.rigs.portal_throttle import PlainThrottle
from tests.rigs.visitor import Seen, Visitor

NOON = datetime(2026, 11, 28, 4, tzinfo=UTC)
FULL = listed(
    "kyleung",
    "LEUNG",
    "Ka Yan",
    "Physics",
    "梁嘉欣",
    "Catherine LEUNG",
    telephonenumber=("+852 3943 0001",),
    physicaldeliveryofficename=("Room 12",),
    labeleduri=("https://example.org/~ky My pages",),
    edupersondisplaypronouns=("she/her",),
)
EVIL = '"><script>alert(1)</script>{{ 7*7 }}'


def people() -> list[Listing]:
    many = [listed(f"ho{n:03}", "HO", f"Number {n:03}", "Chemistry") for n in range(PAGE * PAGES + 1)]
    evil = listed(
        "evil", "EVIL" + EVIL, EVIL, EVIL, EVIL, telephonenumber=(EVIL,), labeleduri=("javascript:" + EVIL,)
    )
    others = [Listing(values["uid"][0], values) for values in (*many, FULL, evil)]
    return [*fake_listings(), *others]


@dataclass
class CountedListings(FakeListings):
    """How often it was asked."""

    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(people())

    def find(self, text: str, department: str | None, after: str | None, size: int) -> ListingPage:
        self.asked.append("find")
        return super().find(text, department, after, size)

    def listing(self, name: str) -> Listing | None:
        self.asked.append("listing")
        return super().listing(name)


@dataclass
class Site:
    base: str
    listings: CountedListings
    throttle: PlainThrottle
    clock: StoppedClock
    sessions: MemorySessions

    @property
    def visitor(self) -> Visitor:
        return Visitor(self.base)


@pytest.fixture(scope="module")
def served() -> Iterator[Site]:
    listings, throttle, clock, sessions = (
        CountedListings(),
        PlainThrottle(),
        StoppedClock(NOON),
        MemorySessions(),
    )
    parts = {"listings": listings, "throttle": throttle, "clock": clock, "sessions": sessions}
    with serving(desk(**parts, trusts_proxy=True)) as base:
        yield Site(base, listings, throttle, clock, sessions)


@pytest.fixture
def site(served: Site) -> Site:
    """A day later, so that the throttle remembers nobody."""
    served.clock.at += timedelta(days=1)
    served.listings.asked.clear()
    served.throttle.keys.clear()
    return served


def main_of(seen: Seen) -> str:
    return seen.text.partition("<main")[2].partition("</main>")[0]


def names_in(seen: Seen) -> list[str]:
    """Of the list of results, in its order."""
    found = main_of(seen).partition('<ul class="people">')[2].partition("</ul>")[0]
    return [part.partition('"')[0] for part in found.split('href="/directory/')[1:]]


def test_somebody_is_found_by_name_and_department(site: Site) -> None:
    """Without a cookie, and without JavaScript: the form's values stand in the address."""
    seen = site.visitor.get("/directory?name=chan&department=Physics")
    assert names_in(seen) == ["tmchan"]
    assert 'value="chan"' in seen.text and "<option selected" in seen.text
    assert names_in(site.visitor.get("/directory?name=chan&department=")) == ["schan", "tmchan"]
    assert names_in(site.visitor.get("/directory?name=&department=Physics"))[:2] == ["kyleung", "jmp"]
    assert names_in(site.visitor.get("/directory?name=%E9%99%B3")) == ["schan", "tmchan"]


def test_a_person_has_a_page_with_all_that_they_show(site: Site) -> None:
    seen = main_of(site.visitor.get("/directory/kyleung"))
    for text in ("Catherine LEUNG", "梁嘉欣", "Physics", "she/her", "Room 12", ">My pages</a>"):
        assert text in seen
    for link in ("mailto:kyleung@connect.example.edu", "tel:+85239430001", "https://example.org/~ky"):
        assert f'href="{link}"' in seen
    assert "person-kyleung" not in seen


def test_the_same_in_chinese_with_the_chinese_name_first(site: Site) -> None:
    seen = site.visitor.get("/directory/kyleung", Accept_Language="zh-HK")
    assert main_of(seen).index("梁嘉欣") < main_of(seen).index("Catherine")
    assert "電郵" in seen.text and "通訊錄" in seen.text


def test_mail_addresses_stand_on_the_page_of_the_person_only(site: Site) -> None:
    """Whoever collects them has to ask for each."""
    for asked in ("name=leung", "name=&department=Physics", "name=chan"):
        assert "@connect" not in main_of(site.visitor.get(f"/directory?{asked}"))
    assert "@connect" in main_of(site.visitor.get("/directory/kyleung"))


def test_a_vcard_is_taken_into_an_address_book(site: Site) -> None:
    seen = site.visitor.get("/directory/kyleung.vcf")
    assert seen.headers["content-type"] == "text/vcard; charset=utf-8"
    assert seen.headers["content-disposition"] == 'attachment; filename="kyleung.vcf"'
    assert seen.text.startswith("BEGIN:VCARD\r\nVERSION:4.0\r\n")
    assert "梁嘉欣" in seen.text and "kyleung@connect.example.edu" in seen.text


def test_reading_sets_no_cookie_and_keeps_no_session(site: Site) -> None:
    """The browser alone may keep the answer, for a minute."""
    for path in ("/directory", "/directory?name=chan", "/directory/kyleung", "/directory/kyleung.vcf"):
        seen = site.visitor.get(path)
        assert seen.set_cookies == ()
        assert seen.headers["cache-control"] == "private, max-age=60"
        assert seen.headers["vary"] == "Accept-Language, Cookie"
    assert site.sessions.kept == {}


def test_an_answer_that_sets_the_language_is_not_kept(site: Site) -> None:
    assert site.visitor.get("/directory?name=chan&lang=zh-Hant").headers["cache-control"] == "no-store"


def test_no_search_engine_keeps_anybody(site: Site) -> None:
    for path in ("/directory", "/directory?name=chan", "/directory/kyleung", "/directory/kyleung.vcf"):
        assert site.visitor.get(path).headers["x-robots-tag"] == "noindex, nofollow, noarchive"


@pytest.mark.parametrize(
    "name", ["nobody", "kyleun", "*", "%2A", "kyleung%00", "%C3%28", "nobody.vcf", "a%2Fb"]
)
def test_who_is_not_listed_has_no_page(site: Site, name: str) -> None:
    """Neither has a name that is none."""
    assert site.visitor.get(f"/directory/{name}").status == 404


@pytest.mark.parametrize("name", ["", "c", "%20", "*", "c+d", "%EF%BC%A3", "%7F", "(", ",c,"])
def test_a_text_that_says_too_little_is_not_looked_up(site: Site, name: str) -> None:
    """… and the page says what is missing, at its field."""
    seen = site.visitor.get(f"/directory?name={name}")
    assert 'id="name-fault"' in seen.text and 'aria-invalid="true"' in seen.text
    assert names_in(seen) == [] and site.listings.asked == [] and site.throttle.keys == set()


@pytest.mark.parametrize("query", ["name=%00chan", "name=%FF", "%FF=chan", "&".join(["name=chan"] * 99)])
def test_a_query_that_no_form_sends_asks_for_nothing(site: Site, query: str) -> None:
    seen = site.visitor.get(f"/directory?{query}")
    assert seen.status == 200 and names_in(seen) == [] and site.listings.asked == []


def test_each_request_asks_the_directory_once_at_most(site: Site) -> None:
    for path, asked in {
        "/directory": [],
        "/directory?name=c": [],
        "/directory?name=ho": ["find"],
        "/directory?name=ho&page=3": ["find"],
        "/directory/kyleung": ["listing"],
        "/directory/kyleung.vcf": ["listing"],
    }.items():
        site.listings.asked.clear()
        site.visitor.get(path)
        assert site.listings.asked == asked


def test_pages_follow_each_other_up_to_the_last_that_is_shown(site: Site) -> None:
    """Nobody is shown twice; then the page says how to find the others."""
    seen, names = site.visitor.get("/directory?name=ho"), []
    for _ in range(PAGES):
        names += names_in(seen)
        following = main_of(seen).partition('rel="next nofollow" href="')[2].partition('"')[0]
        if following:
            seen = site.visitor.get(following.replace("&amp;", "&"))
    assert names == [f"ho{n:03}" for n in range(PAGE * PAGES)]
    assert "More people match" in seen.text and 'rel="next' not in seen.text


@pytest.mark.parametrize("page", ["6", "999", "-1", "0", "x", "1e3", "٣", "", "99999999999999999999", "2.5"])
def test_no_page_beyond_the_last_can_be_asked_for(site: Site, page: str) -> None:
    seen = site.visitor.get(f"/directory?name=ho&page={page}")
    assert seen.status == 200
    assert set(names_in(seen)) <= {f"ho{n:03}" for n in range(PAGE * PAGES)}


def test_one_address_reads_so_fast_and_no_faster(site: Site) -> None:
    """Search, page and vCard count together; others go on, and so does that address after a while. Wherever it asks,
    the answer is the same page, which says how long to wait."""
    harvester = Visitor(site.base, headers={"X-Forwarded-For": "192.0.2.1"})
    paths = ("/directory?name=ho", "/directory/kyleung", "/directory/kyleung.vcf")
    statuses = [harvester.get(paths[n % 3]).status for n in range(61)]
    assert statuses == [200] * 60 + [429]

    for path in (*paths, "/directory/nobody"):
        seen = harvester.get(path)
        assert seen.status == 429 and int(seen.headers["retry-after"]) <= 60
        assert "Please wait a little" in seen.text and seen.headers["cache-control"] == "no-store"
        assert names_in(seen) == [] and "LEUNG" not in main_of(seen)
    assert harvester.get("/directory").status == 200  # costs nothing

    assert Visitor(site.base, headers={"X-Forwarded-For": "192.0.2.2"}).get(paths[0]).status == 200
    site.clock.at += timedelta(minutes=1)
    assert harvester.get(paths[0]).status == 200


def test_one_subscriber_is_one_address(site: Site) -> None:
    """Of IPv6 they have a whole network."""
    for n in range(60):
        Visitor(site.base, headers={"X-Forwarded-For": f"2001:db8::{n:x}"}).get("/directory/kyleung")
    assert (
        Visitor(site.base, headers={"X-Forwarded-For": "2001:db8::ffff:1"}).get("/directory/kyleung").status
        == 429
    )
    assert (
        Visitor(site.base, headers={"X-Forwarded-For": "2001:db8:1::1"}).get("/directory/kyleung").status
        == 200
    )


def test_the_throttle_learns_no_address(site: Site) -> None:
    Visitor(site.base, headers={"X-Forwarded-For": "192.0.2.1"}).get("/directory/kyleung")
    assert site.throttle.keys and all(len(key) == KEY for key in site.throttle.keys)


def test_names_are_text(site: Site) -> None:
    """Whatever somebody managed to write into a listing, and whatever is asked for."""
    for path in ("/directory/evil", "/directory?name=evil", "/directory?name=%22%3E%3Cscript%3Ealert(1)"):
        seen = site.visitor.get(path)
        assert seen.status == 200
        assert "<script>alert" not in seen.text and '"><script' not in seen.text and "49" not in main_of(seen)
        assert 'href="javascript' not in seen.text


def test_the_directory_takes_no_forms(site: Site) -> None:
    assert site.visitor.post("/directory", {"name": "chan"}).status == 405
    assert site.visitor.post("/directory/kyleung", {}).status == 405
