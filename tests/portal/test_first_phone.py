"""Somebody whose account was activated without the portal (adopted, by an operator, before a ledger was lost) sets up
the first phone: over HTTP, with the real ledger, the portal's real memory and a real slapd."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provisiond.domain.model import NoticeKind
from provisiond.ports.portal_directory import BindAnswer
from tests.rigs.campus_portal import Campus
from tests.rigs.member import activated_elsewhere
from tests.rigs.student import PASSWORD, Student, faults, heading, mailed
from tests.rigs.visitor import Seen, Visitor

OLD = "seventeen quiet herons"
MISSING = "Only your phone is missing"


@pytest.fixture
def active(student: Student, place: Campus) -> Student:
    """With the password OLD, as others set it."""
    activated_elsewhere(place, OLD)
    return student


def logged_in(active: Student, password: str, page: Seen) -> Seen:
    """By the key that stood on that page, half a minute later."""
    active.place.sleep(timedelta(seconds=30))
    name = active.place.world.account("20000001").account_name
    active.browser.cookies.clear()
    form = active.browser.get("/login")
    return active.browser.fill(form, name=name, password=password, code=active.code(page))


def events(place: Campus) -> list[str]:
    return [line.event for line in place.portal_ledger.history(place.world.account("20000001").person_id)]


def test_identity_and_present_password_give_way_to_a_phone(active: Student, place: Campus) -> None:
    """… without a second activation; the person is told of the phone, and comes in with it."""
    activated_at = place.world.account("20000001").activated_at
    page = active.identify()
    assert heading(page) == MISSING
    page = active.browser.get("/activate/present-password")
    assert faults(active.browser.fill(page, password="a guess")) == [
        "That is not the password of this account."
    ]
    key = active.browser.fill(page, password=OLD)
    assert heading(key) == "Set up your phone"
    assert "Use this phone from now on" in key.text
    codes = active.browser.fill(key, code=active.code(key))
    assert codes.text.count("<li><code>") == 10
    done = active.browser.fill(codes)
    assert done.url == "/account?done=first-phone"
    assert "Your phone is set up" in done.text

    account = place.world.account("20000001")
    assert (account.activated_at, account.second_factor_at) == (activated_at, place.world.clock.now())
    assert events(place).count("activated") == 1
    place.world.cycle()
    told = [kind for _, kind in place.world.notices("20000001")]
    assert told.count(NoticeKind.SECOND_FACTOR_CHANGED) == 1
    assert logged_in(active, OLD, key).url == "/account"


def test_without_the_password_a_mailed_code_gives_way_to_another_one(active: Student, place: Campus) -> None:
    """The person is told of both changes; the old password is void."""
    page = active.identify()
    code = active.browser.fill(page, form=page_form(page, "/activate/mail"))
    assert heading(code) == "Look into your mailbox"
    assert "no longer good" in active.browser.fill(code, code="AAAA-BBBB-CCCC-DDDD").text
    choose = active.browser.fill(code, code=mailed(place))
    assert heading(choose) == "Choose a password"
    key = active.browser.fill(choose, password=PASSWORD, again=PASSWORD)
    assert heading(key) == "Set up your phone"
    assert (
        active.browser.fill(active.browser.fill(key, code=active.code(key))).url
        == "/account?done=first-phone"
    )
    name = place.world.account("20000001").account_name
    assert place.desk.directory.bind(name, OLD) is BindAnswer.WRONG
    place.world.cycle()
    told = {kind for _, kind in place.world.notices("20000001")}
    assert {NoticeKind.PASSWORD_CHANGED, NoticeKind.SECOND_FACTOR_CHANGED} <= told
    assert logged_in(active, PASSWORD, key).url == "/account"


def test_who_showed_a_mailed_code_as_proof_is_not_asked_for_another(active: Student, place: Campus) -> None:
    """By a date of birth one comes here with a code already."""
    page = active.identify_by_birth()
    page = active.browser.fill(page, code=mailed(place))
    assert heading(page) == MISSING
    assert "/activate/mail" not in [action for action, _ in page.forms]
    assert 'href="/activate/password"' in page.text
    assert heading(active.browser.get("/activate/password")) == "Choose a password"


def test_the_right_password_at_log_in_leads_here(active: Student, place: Campus) -> None:
    name = place.world.account("20000001").account_name
    page = active.browser.get("/login")
    assert MISSING in active.browser.fill(page, name=name, password=OLD, code="000000").text


def page_form(page: Seen, action: str) -> int:
    return [where for where, _ in page.forms].index(action)


@pytest.mark.parametrize("path", ["password", "factor", "codes"])
def test_identity_alone_opens_nothing(active: Student, path: str) -> None:
    """Whatever page is asked for, and whatever is sent there."""
    page = active.identify()
    token = page.forms[0][1]["csrf_token"]
    assert heading(active.browser.get(f"/activate/{path}")) == MISSING
    sent = {"csrf_token": token, "password": PASSWORD, "again": PASSWORD, "code": "000000"}
    assert heading(active.browser.post(f"/activate/{path}", sent)) == MISSING
    name = active.place.world.account("20000001").account_name
    assert active.place.desk.directory.bind(name, OLD) is BindAnswer.RIGHT
    assert active.place.portal_ledger.pending_factor(active.place.world.account("20000001").person_id) is None


def test_who_has_a_phone_gets_no_other_one_this_way(active: Student, place: Campus) -> None:
    """Not even a session that showed the password before the phone was set up in another one."""
    active.identify()
    active.browser.fill(active.browser.get("/activate/present-password"), password=OLD)
    key = active.browser.get("/activate/factor")
    other = Student(Visitor(active.browser.base), place)
    other.identify()
    other.browser.fill(other.browser.get("/activate/present-password"), password=OLD)
    others = other.browser.get("/activate/factor")
    other.browser.fill(others, code=other.code(others))
    sealed = place.portal_ledger.factor(place.world.account("20000001").person_id)
    assert heading(active.browser.fill(key, code=active.code(key))) == "Your account is active already"
    for page in ("present-password", "mailed-code", "password"):
        assert heading(active.browser.get(f"/activate/{page}")) == "Your account is active already"
    assert place.portal_ledger.factor(place.world.account("20000001").person_id) == sealed


def test_a_forgotten_password_without_a_phone_leads_here(active: Student) -> None:
    """There is nothing to show beside the identity."""
    page = active.browser.get("/forgotten")
    led = active.browser.fill(page, student_id="20000001", number="A123456(3)")
    assert led.url.startswith("/activate")
    assert MISSING in led.text


def test_a_wrong_password_is_slowed_down(active: Student) -> None:
    active.identify()
    page = active.browser.get("/activate/present-password")
    answers = [active.browser.fill(page, password=f"a guess {n}").status for n in range(14)]
    assert answers[0] == 422
    assert answers[-1] == 429


def test_it_speaks_chinese(active: Student) -> None:
    active.browser.headers["Accept-Language"] = "zh-HK"
    assert heading(active.identify()) == "只欠設定手機"
    assert heading(active.browser.get("/activate/present-password")) == "你的密碼"
