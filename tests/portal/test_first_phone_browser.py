"""The first phone of an account that was activated elsewhere, in Chromium: each page of both ways, phone and desktop,
both languages, axe-core on every one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.rigs.browser import screen
from tests.rigs.campus_portal import Campus
from tests.rigs.member import activated_elsewhere
from tests.rigs.student import PASSWORD, mailed
from tests.rigs.way import FEWER_VIEWS, Way

OLD = "seventeen quiet herons"


@pytest.fixture
def base(address: str, place: Campus) -> str:
    activated_elsewhere(place, OLD)
    return address.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize(("size", "language"), FEWER_VIEWS)
def test_the_present_password_leads_to_a_phone(
    chromium: Browser, base: str, place: Campus, size: str, language: str
) -> None:
    with screen(chromium, base, size, language) as seen:
        way = Way(seen, place)
        way.accept()
        way.identify()
        seen.check("first-phone-1-account")
        seen.page.locator("a[href='/activate/present-password']").click()
        seen.page.locator("#password").fill("a guess")
        way.submit()
        seen.check("first-phone-2-password-refused")
        seen.page.locator("#password").fill(OLD)
        way.submit()
        seen.check("first-phone-3-phone")
        seen.page.locator("summary").click()
        seen.page.locator("#code").fill(way.code())
        way.submit()
        expect(seen.page.locator(".codes li")).to_have_count(10)
        seen.check("first-phone-4-codes")
        way.submit()
        expect(seen.page).to_have_url(re.compile("/account"))
        seen.check("first-phone-5-account")


@pytest.mark.parametrize(("size", "language"), FEWER_VIEWS)
def test_a_mailed_code_leads_to_another_password(
    chromium: Browser, base: str, place: Campus, size: str, language: str
) -> None:
    with screen(chromium, base, size, language, dark=size == "desktop") as seen:
        way = Way(seen, place)
        way.accept()
        way.identify()
        seen.page.locator("form[action='/activate/mail'] button").click()
        expect(seen.page).to_have_url(re.compile("/activate/mailed-code$"))
        seen.check("first-phone-2-code")
        seen.page.locator("#code").fill("wrong")
        way.submit()
        seen.check("first-phone-2-code-refused")
        seen.page.locator("#code").fill(mailed(place).lower())
        way.submit()
        seen.check("first-phone-3-password")
        way.choose(PASSWORD)
        expect(seen.page).to_have_url(re.compile("/activate/factor$"))
