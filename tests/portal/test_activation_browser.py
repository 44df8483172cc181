"""Activation as a student meets it, in Chromium from a clean profile: phone and desktop, both languages, axe-core on
every page; by keyboard; without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from provisiond.domain.model import Hold, HoldKind, Status
from tests.rigs.browser import screen
from tests.rigs.campus_portal import Campus, a_student, campus
from tests.rigs.lives import TODAY
from tests.rigs.portal import serving
from tests.rigs.slapd import SlapdRig
from tests.rigs.student import PASSWORD, mailed
from tests.rigs.way import VIEWS, Way


@pytest.fixture
def place(slapd: SlapdRig, tmp_path: Path) -> Iterator[Campus]:
    with campus(slapd, tmp_path) as made:
        made.enrol(a_student())
        yield made


@pytest.fixture
def base(place: Campus) -> Iterator[str]:
    with serving(place.desk) as address:
        yield address.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize(("size", "language"), VIEWS)
def test_every_step_can_be_read_and_done(
    chromium: Browser, base: str, place: Campus, size: str, language: str
) -> None:
    with screen(chromium, base, size, language) as seen:
        way = Way(seen, place)
        seen.page.goto("/activate")
        seen.check("activate-1-policy")
        way.accept()
        seen.check("activate-2-identity")
        way.identify(number="a123456(4)")
        seen.check("activate-2-identity-refused")
        assert seen.page.locator("#number").input_value() == ""
        way.identify()
        seen.check("activate-3-account")
        seen.page.locator("a.button").click()
        way.choose("Chan2005")
        seen.check("activate-4-password-refused")
        seen.page.locator("#password").fill(PASSWORD)
        expect(seen.page.locator(".strength output")).not_to_be_empty()
        seen.check("activate-4-password")
        way.choose()
        seen.check("activate-5-phone")
        seen.page.locator("summary").click()
        seen.check("activate-5-phone-key")
        seen.page.locator("#code").fill(way.code())
        way.submit()
        expect(seen.page.locator(".codes li")).to_have_count(10)
        seen.check("activate-6-codes")
        way.submit()
        seen.check("activate-7-done")
        place.world.cycle()
        expect(seen.page.locator("[data-all-ready]")).not_to_be_empty(timeout=20000)
        seen.check("activate-7-ready")


@pytest.mark.parametrize(("size", "language"), VIEWS)
def test_a_student_without_identity_card_is_led_through_the_mailbox(
    chromium: Browser, base: str, place: Campus, size: str, language: str
) -> None:
    with screen(chromium, base, size, language, dark=size == "phone") as seen:
        way = Way(seen, place)
        way.accept()
        seen.page.locator("a[href='/activate/birth']").click()
        seen.check("activate-2-birth")
        for name, value in {"student_id": "20000001", "day": "9", "month": "3", "year": "2005"}.items():
            seen.page.locator(f"#{name}").fill(value)
        way.submit()
        seen.check("activate-2-code")
        seen.page.locator("#code").fill("wrong")
        way.submit()
        seen.check("activate-2-code-refused")
        seen.page.locator("#code").fill(mailed(place).lower())
        way.submit()
        expect(seen.page).to_have_url(re.compile("/activate/account$"))


@pytest.mark.parametrize(("size", "language"), VIEWS)
def test_whoever_cannot_go_on_is_told_why(
    chromium: Browser, base: str, place: Campus, size: str, language: str
) -> None:
    """Each page after proof that is not the account itself."""
    place.enrol(
        a_student("20000002", "AB9876543"),
        a_student("20000003", "AB1234569"),
        a_student("20000004", "WX1234569"),
        a_student("20000005", "E3649125", surname="", given_names="陳"),
    )
    ledger, now = place.world.ledger, place.world.clock.now()
    lock = Hold(HoldKind.LOCK, now, None, "stolen card", "operator")
    ledger.hold(place.world.account("20000002").person_id, lock)
    ledger.activate(place.world.account("20000004").person_id, "operator", now)
    place.change(place.world.registry.records["20000003", "BSC-CS"], status=Status.WITHDRAWN, status_on=TODAY)
    numbers = {
        "locked": ("20000002", "AB987654(3)"),
        "ended": ("20000003", "AB123456(9)"),
        "activated": ("20000004", "WX123456(9)"),
        "problem": ("20000005", "E364912(5)"),
    }
    with screen(chromium, base, size, language) as seen:
        way = Way(seen, place)
        for name, (student_id, number) in numbers.items():
            way.accept()
            way.identify(student_id, number)
            expect(seen.page).to_have_url(re.compile("/activate/account$"))
            seen.check(f"activate-3-{name}")


def test_activation_needs_no_script(chromium: Browser, base: str, place: Campus) -> None:
    with screen(chromium, base, script=False) as seen:
        way = Way(seen, place)
        way.accept()
        way.identify()
        seen.page.locator("a.button").click()
        way.choose()
        seen.page.locator("summary").click()
        seen.page.locator("#code").fill(way.code())
        way.submit()
        way.submit()
        expect(seen.page.locator("noscript a, a[href='/activate/done']").first).to_be_visible()
        place.world.cycle()
        seen.page.reload()
        expect(seen.page.locator(".checklist li.ready")).to_have_count(3)


def test_activation_is_done_by_keyboard_alone(chromium: Browser, base: str, place: Campus) -> None:
    with screen(chromium, base, "desktop") as seen:
        keys = seen.page.keyboard
        seen.page.goto("/activate")
        seen.page.locator("#accept").focus()
        keys.press("Space")
        keys.press("Tab")
        keys.press("Enter")
        seen.page.locator("#student_id").focus()
        keys.type("20000001")
        keys.press("Tab")
        keys.type("A123456(3)")
        keys.press("Enter")
        expect(seen.page).to_have_url(re.compile("/activate/account$"))


def test_a_password_is_judged_on_the_page_and_sent_to_nobody_meanwhile(
    chromium: Browser, base: str, place: Campus
) -> None:
    with screen(chromium, base) as seen:
        way = Way(seen, place)
        way.accept()
        way.identify()
        seen.page.goto("/activate/password")
        asked: list[str] = []
        seen.page.on("request", lambda request: asked.append(request.url))
        output = seen.page.locator(".strength output")
        for password, told in (
            ("password", "Very weak"),
            ("Peter CHAN 2024!", "Very weak"),
            (PASSWORD, "Very good"),
        ):
            typed = seen.page.locator("#password")
            typed.fill(password[:-1])  # key by key, a busy machine loses one now and then
            typed.press("End")
            typed.press_sequentially(password[-1])
            expect(typed).to_have_value(password)
            expect(output).to_have_text(told)
        assert [url for url in asked if "/static/" not in url] == []


def test_a_double_click_leads_to_one_account_and_its_codes(
    chromium: Browser, base: str, place: Campus
) -> None:
    with screen(chromium, base) as seen:
        way = Way(seen, place)
        way.accept()
        way.identify()
        seen.page.goto("/activate/password")
        way.choose()
        seen.page.locator("summary").click()
        seen.page.locator("#code").fill(way.code())
        seen.page.locator("main form").first.locator("button[type=submit]").dblclick()
        expect(seen.page.locator(".codes li")).to_have_count(10)
        seen.page.go_back()
        expect(seen.page.locator(".codes li")).to_have_count(10)
