"""What a student sees, in a real browser: both languages, phone and desktop, light and dark, without a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from provisiond.portal.application import Page
from provisiond.portal.site import PAGES
from provisiond.portal.visit import Stage
from tests.portal.sampler import sampler
from tests.rigs.browser import screen
from tests.rigs.portal import desk, serving


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    folder = Path(__file__).with_name("templates")
    pages = (*PAGES, Page("/sampler", Stage.VISITOR, get=sampler, post=sampler))
    with serving(desk(templates=[folder]), pages) as address:
        yield address.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_readable_by_everybody(
    chromium: Browser, base: str, size: str, language: str, dark: bool
) -> None:
    """axe-core finds nothing, and nothing is wider than the screen."""
    with screen(chromium, base, size, language, dark=dark) as seen:
        for name, path in {"start": "/", "terms": "/terms", "nowhere": "/nowhere"}.items():
            seen.page.goto(path)
            seen.check(name)


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_parts_of_pages_are_readable_by_everybody(
    chromium: Browser, base: str, size: str, language: str, dark: bool
) -> None:
    """Fields, faults, steps, facts, notices, tables, codes: as they are, and after a form was refused."""
    with screen(chromium, base, size, language, dark=dark) as seen:
        seen.page.goto("/sampler")
        seen.check("parts")
        seen.page.locator("form button[type=submit]").click()
        expect(seen.page.get_by_role("alert")).to_be_focused()
        seen.check("parts-faults")


def test_the_narrowest_phone_is_wide_enough(chromium: Browser, base: str) -> None:
    with screen(chromium, base) as seen:
        seen.page.set_viewport_size({"width": 320, "height": 640})
        for path in ("/", "/terms", "/sampler"):
            seen.page.goto(path)
            seen.check("narrow" + path.replace("/", "-"))


def test_a_keyboard_reaches_the_content_first(chromium: Browser, base: str) -> None:
    with screen(chromium, base, "desktop") as seen:
        seen.page.goto("/")
        seen.page.keyboard.press("Tab")
        expect(seen.page.get_by_role("link", name="Skip to the content")).to_be_focused()
        seen.page.keyboard.press("Enter")
        expect(seen.page.locator("main")).to_be_focused()


def test_the_language_is_switched_on_the_page_and_kept(chromium: Browser, base: str) -> None:
    """The browser keeps our cookies over http on this machine, as a trustworthy place."""
    with screen(chromium, base) as seen:
        seen.page.goto("/terms")
        seen.page.get_by_role("link", name="繁體中文").click()
        expect(seen.page.locator("html")).to_have_attribute("lang", "zh-Hant")
        seen.page.goto("/")
        expect(seen.page.locator("html")).to_have_attribute("lang", "zh-Hant")


def test_forms_work_without_a_script(chromium: Browser, base: str) -> None:
    with screen(chromium, base, script=False) as seen:
        seen.page.goto("/sampler")
        seen.page.locator("form button[type=submit]").click()
        expect(seen.page.get_by_role("alert")).to_be_visible()


def test_a_password_can_be_shown(chromium: Browser, base: str) -> None:
    with screen(chromium, base) as seen:
        seen.page.goto("/sampler")
        field = seen.page.get_by_label("New password")
        field.fill("correct horse")
        button = seen.page.get_by_role("button", name="Show")
        button.click()
        expect(field).to_have_attribute("type", "text")
        expect(seen.page.get_by_role("button", name="Hide")).to_have_attribute("aria-pressed", "true")
