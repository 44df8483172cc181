"""Log-in and self-service in a real browser, on a real slapd and a SQLite ledger: phone and desk, two languages."""

from __future__ import annotations

from base64 import b32decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from provisiond.domain.model import Level
from provisiond.portal.account import services
from provisiond.portal.account.membership import PROOF_LASTS
from tests.rigs.browser import Screen, screen
from tests.rigs.campus_portal import HKID, Campus, a_student, campus
from tests.rigs.member import Member, activated
from tests.rigs.portal import serving
from tests.rigs.slapd import SlapdRig
from tests.rigs.visitor import Visitor

NEW = "copper lantern drifts beyond"
WAYS = pytest.mark.parametrize(
    ("size", "language", "dark"),
    [
        ("phone", "en", False),
        ("phone", "zh-Hant", True),
        ("desktop", "en", True),
        ("desktop", "zh-Hant", False),
    ],
)


@pytest.fixture
def site(slapd: SlapdRig, tmp_path: Path) -> Iterator[Campus]:
    with campus(slapd, tmp_path) as made:
        yield made


@pytest.fixture
def member(site: Campus) -> Member:
    record = a_student(level=Level.RESEARCH_POSTGRADUATE, personal_mail="taiman@example.org")
    return activated(site, record)


@pytest.fixture
def base(site: Campus) -> Iterator[str]:
    with serving(site.desk) as address:
        yield address.replace("127.0.0.1", "localhost")


def send(page: Page) -> None:
    """The one form of the page's main part."""
    page.locator("main form button[type=submit]").first.click()


def log_in(seen: Screen, member: Member) -> None:
    page = seen.page
    page.goto("/login")
    seen.check("log-in")
    page.fill("#name", member.name)
    page.fill("#password", member.password)
    page.fill("#code", "000000")
    send(page)
    expect(page.get_by_role("alert")).to_be_focused()
    seen.check("log-in-fault")
    page.fill("#password", member.password)
    page.fill("#code", member.next_code())
    send(page)
    expect(page).to_have_url("/account")


@WAYS
def test_a_student_looks_after_the_account(
    chromium: Browser, base: str, member: Member, size: str, language: str, dark: bool
) -> None:
    """Every page once: no violation, nothing wider than the screen, each act done by what a page offers."""
    with screen(chromium, base, size, language, dark=dark) as seen:
        page = seen.page
        log_in(seen, member)
        seen.check("account")
        set_up_contact(seen)
        for name in ("security", "activity", "display-name", "alias", "data", "codes", "password"):
            page.goto(f"/account/{name}")
            seen.check(f"account-{name}")
        log_out_elsewhere(seen, member, base)
        change_password(seen, member)
        another_phone(seen, member)
        page.goto("/account/security")
        member.campus.sleep(2 * PROOF_LASTS)
        page.goto("/account/password")
        expect(page).to_have_url("/account/confirm")
        seen.check("confirm")
        page.locator(".menu button").click()
        expect(page).to_have_url("/login?out=yes")
        seen.check("logged-out")


def set_up_contact(seen: Screen) -> None:
    page = seen.page
    page.goto("/account/contact")
    seen.check("contact")
    page.fill("#telephone_text", "call me")
    send(page)
    expect(page.get_by_role("alert")).to_be_focused()
    page.fill("#telephone_text", "9123 4567")
    page.check("#telephone_seen-1")
    page.fill("#website_text", "example.org/tai-man")
    page.check("#website_seen-2")
    send(page)
    seen.check("contact-preview")
    page.locator("main button[value=save]").click()
    expect(page.locator(".notice.good")).to_be_visible()
    seen.check("account-saved")


def log_out_elsewhere(seen: Screen, member: Member, base: str) -> None:
    """From one of two other browsers, then from the one that is left."""
    phone = "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"
    others = [Visitor(base, headers={"User-Agent": agent}) for agent in (phone, "curl/8.14.1")]
    for other in others:
        member.logged_in(other)
    page = seen.page
    page.goto("/account/security")
    page.locator("main a[href='/account/log-ins']").click()
    seen.check("account-log-ins")
    page.locator("tr", has_text="Firefox").get_by_role("button").click()
    expect(page).to_have_url("/account/log-ins?done=one")
    assert [other.get("/account").url for other in others] == ["/login", "/account"]
    seen.shot("account-log-ins-ended")
    page.locator("main button[value=others]").click()
    expect(page).to_have_url("/account/log-ins?done=others")
    assert others[1].get("/account").url == "/login"


def change_password(seen: Screen, member: Member) -> None:
    page = seen.page
    page.goto("/account/password")
    page.fill("#old", member.password)
    page.fill("#password", NEW)
    page.fill("#again", NEW)
    send(page)
    expect(page).to_have_url("/account?done=password")
    member.password = NEW


def another_phone(seen: Screen, member: Member) -> None:
    """The key is read as somebody reads it who cannot scan."""
    page = seen.page
    page.goto("/account/phone")
    seen.check("phone")
    member.secret = b32decode(page.locator("#copyable").inner_text().replace(" ", ""))
    page.fill("#code", member.next_code())
    send(page)
    expect(page).to_have_url("/account/new-codes")
    assert page.locator(".codes li").count() == 10
    seen.check("new-codes")
    send(page)
    expect(page).to_have_url("/account?done=phone")


@WAYS
def test_who_lost_something_finds_the_way(
    chromium: Browser, base: str, member: Member, size: str, language: str, dark: bool
) -> None:
    """A forgotten password with a recovery code; the page of a new phone; a warning to whoever did not ask for it."""
    with screen(chromium, base, size, language, dark=dark) as seen:
        page = seen.page
        page.goto("/new-phone")
        seen.check("new-phone")
        page.goto("/forgotten?by=birth")
        seen.check("forgotten-birth")
        page.goto("/forgotten")
        seen.check("forgotten")
        page.fill("#student_id", "20000001")
        page.fill("#number", HKID)
        send(page)
        expect(page).to_have_url("/forgotten/code")
        seen.check("forgotten-code")
        page.locator(".links a").click()
        page.fill("#code", member.codes[0])
        send(page)
        expect(page).to_have_url("/forgotten/password")
        seen.check("forgotten-password")
        page.fill("#password", NEW)
        page.fill("#again", NEW)
        send(page)
        expect(page).to_have_url("/login?done=password")
        member.password = NEW
        at = member.campus.world.clock.now()
        for operator in ("ann", "ben"):
            services.re_enrolment(member.campus.desk).vouch(member.person_id, operator, "lost", at)
        log_in(seen, member)
        seen.check("account-warned")
        page.locator("main button.danger").click()
        expect(page).to_have_url("/account?done=stopped")


def test_log_in_needs_no_script(chromium: Browser, base: str, member: Member) -> None:
    """Nor does anything after it that has a form."""
    with screen(chromium, base, script=False) as seen:
        page = seen.page
        page.goto("/login")
        page.fill("#name", member.name)
        page.fill("#password", member.password)
        page.fill("#code", member.next_code())
        send(page)
        expect(page).to_have_url("/account")
        page.goto("/account/display-name")
        page.fill("#name", "Peter Chan")
        send(page)
        expect(page.locator("h1")).to_have_text("Peter Chan")
