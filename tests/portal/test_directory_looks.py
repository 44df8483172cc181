"""The communications directory in a real browser: looked up by mouse, keyboard and screen reader, with and without a
script, on a phone and on a desk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from provisiond.ports.portal_directory import Listing
from tests.rigs.browser import screen
from tests.rigs.listings import fake_listings, listed
from tests.rigs.portal import desk, serving
from tests.rigs.portal_directory import FakeListings
from tests.rigs.portal_throttle import OpenThrottle, PlainThrottle

FULL = listed(
    "kyleung",
    "LEUNG",
    "Ka Yan Catherine",
    "Department of Computer Science and Engineering",
    "梁嘉欣",
    "Catherine LEUNG",
    telephonenumber=("+852 3943 0001",),
    physicaldeliveryofficename=("Room 1203, Ho Sin-Hang Engineering Building",),
    labeleduri=("https://example.org/~catherine My pages",),
    edupersondisplaypronouns=("she/her",),
)
PATHS = {
    "start": "/directory",
    "answer": "/directory?name=ho",
    "last": "/directory?name=ho&page=5",
    "nobody": "/directory?name=zz&department=Physics",
    "fault": "/directory?name=c",
    "person": "/directory/kyleung",
}


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    crowd = [listed(f"ho{n:03}", "HO", f"Ka Ho {n:03}", "Chemistry", "何家豪" * (n % 2)) for n in range(130)]
    people = [Listing(values["uid"][0], values) for values in (*crowd, FULL)]
    listings = FakeListings([*fake_listings(), *people])
    with serving(desk(listings=listings, throttle=OpenThrottle())) as address:
        yield address.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
@pytest.mark.parametrize(("size", "dark"), [("phone", True), ("phone", False), ("desktop", False)])
def test_pages_are_readable_by_everybody(
    chromium: Browser, base: str, size: str, language: str, dark: bool
) -> None:
    """axe-core finds nothing, and nothing is wider than the screen."""
    with screen(chromium, base, size, language, dark=dark) as seen:
        for name, path in PATHS.items():
            seen.page.goto(path)
            seen.check(f"directory-{name}")


def test_the_narrowest_phone_is_wide_enough(chromium: Browser, base: str) -> None:
    with screen(chromium, base) as seen:
        seen.page.set_viewport_size({"width": 320, "height": 640})
        for name in ("answer", "fault", "person"):
            seen.page.goto(PATHS[name])
            seen.check(f"narrow-directory-{name}")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_somebody_is_looked_up_by_keyboard_alone(chromium: Browser, base: str, script: bool) -> None:
    """Name, Enter, page, person; the reader is told at each step where they are. No cookie stays behind."""
    with screen(chromium, base, script=script) as seen:
        page = seen.page
        page.goto("/directory")
        page.get_by_role("searchbox", name="Name").focus()
        page.keyboard.type("ho")
        page.keyboard.press("Enter")
        expect(page).to_have_title("ho – Communications directory – Example University")
        expect(page.get_by_role("region", name="People found").get_by_role("listitem")).to_have_count(20)

        page.get_by_role("link", name="Next page").press("Enter")
        expect(page).to_have_title("ho – Page 2 – Communications directory – Example University")
        person = page.get_by_role("link", name="HO Ka Ho 021 何家豪")
        person.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("HO Ka Ho 021 何家豪")
        assert page.context.cookies() == []


def test_the_whole_line_of_a_person_can_be_touched(chromium: Browser, base: str) -> None:
    with screen(chromium, base) as seen:
        seen.page.goto("/directory?name=leung")
        seen.page.get_by_role("listitem").filter(has_text="Catherine").last.tap(position={"x": 300, "y": 20})
        expect(seen.page.get_by_role("heading", level=1)).to_contain_text("Catherine LEUNG")


def test_a_fault_is_where_the_reader_is(chromium: Browser, base: str) -> None:
    with screen(chromium, base) as seen:
        page = seen.page
        page.goto("/directory")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("alert")).to_be_focused()
        page.get_by_role("link", name="Write a name, or choose a department.").click()
        expect(page.get_by_role("searchbox", name="Name")).to_be_focused()
        described = re.compile("Write a name, or choose a department.*The beginning of a name is enough")
        expect(page.get_by_role("searchbox", name="Name")).to_have_accessible_description(described)


def test_a_department_is_chosen_and_stays_chosen(chromium: Browser, base: str) -> None:
    with screen(chromium, base, "desktop") as seen:
        page = seen.page
        page.goto("/directory")
        page.get_by_label("Department").select_option("Physics")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("link", name="Peter CHAN")).to_be_visible()
        expect(page.get_by_label("Department")).to_have_value("Physics")


def test_a_person_is_taken_into_the_address_book(chromium: Browser, base: str, tmp_path: Path) -> None:
    with screen(chromium, base) as seen:
        seen.page.goto("/directory/kyleung")
        with seen.page.expect_download() as begun:
            seen.page.get_by_role("link", name="Save to my contacts").click()
        assert begun.value.suggested_filename == "kyleung.vcf"
        begun.value.save_as(tmp_path / "card")
        assert "FN;ALTID=1;LANGUAGE=zh-Hant:梁嘉欣" in (tmp_path / "card").read_text("utf-8")


def test_the_language_is_switched_on_the_answer_itself(chromium: Browser, base: str) -> None:
    with screen(chromium, base) as seen:
        seen.page.goto("/directory?name=leung&department=")
        seen.page.get_by_role("link", name="繁體中文").click()
        expect(seen.page.get_by_role("link", name="梁嘉欣 Catherine LEUNG")).to_be_visible()
        expect(seen.page.get_by_role("searchbox", name="姓名")).to_have_value("leung")


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_who_asks_too_often_sees_what_to_do(chromium: Browser, language: str) -> None:
    what = desk(listings=FakeListings(fake_listings()), throttle=PlainThrottle())
    with (
        serving(what) as address,
        screen(chromium, address.replace("127.0.0.1", "localhost"), "phone", language) as seen,
    ):
        for _ in range(60):
            assert seen.page.request.get("/directory?name=chan").status == 200
        seen.page.goto("/directory?name=chan")
        expect(seen.page.get_by_role("alert")).to_be_visible()
        seen.check("directory-wait")
