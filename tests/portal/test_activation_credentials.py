"""Password and second factor in activation, over HTTP and at a real slapd."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from provisiond.ports.portal_directory import BindAnswer
from tests.rigs.campus_portal import Campus, a_student
from tests.rigs.student import PASSWORD, Student, faults, heading
from tests.rigs.visitor import Visitor

DAY = timedelta(days=1)


# -- password --------------------------------------------------------------------------------------------
def test_a_weak_password_is_refused_with_every_reason(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    page = student.choose("Chan2005")
    assert {"Your name is in it."} < set(faults(page))
    assert any("at least 12" in fault for fault in faults(page))
    assert "Chan2005" not in page.text
    assert faults(student.choose(PASSWORD, "something else")) == [
        "The two passwords differ. Type the same password twice."
    ]


@pytest.mark.parametrize(
    "password", ["Ünïcode 密碼 lantern 🔥", "lantern; DROP TABLE pier --", "*)(uid=*) on the pier"]
)
def test_a_password_of_any_signs_logs_in_as_it_was_typed(
    student: Student, place: Campus, password: str
) -> None:
    place.enrol(a_student())
    student.identify()
    assert heading(student.choose(password)) == "Set up your phone"
    name = place.world.account("20000001").account_name
    assert place.desk.directory.bind(name, password) is BindAnswer.RIGHT


def test_what_is_done_stands_in_the_history_without_any_secret(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.activate()
    lines = place.portal_ledger.history(place.world.account("20000001").person_id)
    assert {"policy-accepted", "password-set", "second-factor-enrolled", "activated"} <= {
        line.event for line in lines
    }
    told = " ".join(f"{line.detail} {line.reason}" for line in lines)
    assert PASSWORD not in told
    assert "A123456" not in told


def test_the_second_factor_comes_after_the_password(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    assert heading(student.browser.get("/activate/factor")) == "Choose a password"


def test_going_back_lets_another_password_be_chosen(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    student.choose()
    assert "Your password is set." in student.browser.get("/activate/password").text
    student.choose("another lantern, tenth pier")
    assert heading(student.enrol_phone()) == "Keep your recovery codes"
    name = place.world.account("20000001").account_name
    assert place.desk.directory.bind(name, "another lantern, tenth pier") is BindAnswer.RIGHT


# -- second factor ---------------------------------------------------------------------------------------
def test_a_wrong_code_activates_nothing(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    student.choose()
    page = student.browser.get("/activate/factor")
    right = student.code(page)
    refused = student.browser.fill(page, code=str((int(right) + 1) % 10**6).zfill(6))
    assert faults(refused)[0].startswith("This is not the code of this moment.")
    assert student.code(refused) == right  # the same key, so that the app need not scan again
    assert place.world.account("20000001").activated_at is None


def test_sixteen_posts_of_one_code_activate_once(student: Student, place: Campus) -> None:
    """All come from one browser, at once; every answer leads to the same recovery codes."""
    place.enrol(a_student())
    student.identify()
    student.choose()
    page = student.browser.get("/activate/factor")
    given = page.forms[0][1] | {"code": student.code(page)}
    browsers = [Visitor(student.browser.base, cookies=dict(student.browser.cookies)) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda one: one.post("/activate/factor", given), browsers))
    shown = {tuple(re.findall(r"<li><code>(.*?)</code>", answer.text)) for answer in answers}
    assert len(shown) == 1
    assert len(shown.pop()) == 10
    events = [line.event for line in place.portal_ledger.history(place.world.account("20000001").person_id)]
    assert events.count("activated") == events.count("second-factor-enrolled") == 1


def test_two_windows_of_one_session_show_the_same_key(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    student.choose()
    first, second = (student.browser.get("/activate/factor") for _ in range(2))
    assert student.code(first) == student.code(second)


def test_another_browser_that_begins_anew_wins_and_the_first_is_told(
    student: Student, place: Campus, address: str
) -> None:
    place.enrol(a_student())
    student.identify()
    student.choose()
    old = student.browser.get("/activate/factor")
    other = Student(Visitor(address), place)
    other.identify()
    other.choose("another lantern, tenth pier")
    other.browser.get("/activate/factor")
    page = student.browser.fill(old, code=student.code(old))
    assert faults(page)[0].startswith("The set-up was begun again")
    assert heading(student.browser.fill(page, code=student.code(page))) == "Keep your recovery codes"
    stale = other.browser.get("/activate/factor")
    assert heading(stale) == "Your account is active already"
