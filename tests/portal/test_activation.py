"""A student activates the account over HTTP: with the real ledger, the portal's real memory and a real slapd."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from provisiond.domain.model import Hold, HoldKind, Level, NoticeKind, State
from provisiond.portal.visit import SESSION_COOKIE
from provisiond.ports.portal_directory import BindAnswer
from tests.rigs.campus_portal import Campus, a_student
from tests.rigs.lives import TODAY
from tests.rigs.student import PASSWORD, Student, heading
from tests.rigs.visitor import Visitor

DAY = timedelta(days=1)


# -- the whole way ---------------------------------------------------------------------------------------
def test_a_student_activates_the_account(student: Student, place: Campus) -> None:
    """From the policy to the last page; the daemon opens the services, and a mail says so."""
    place.enrol(a_student())
    name = place.world.account("20000001").account_name
    assert heading(student.identify()) == "This is your account"
    assert heading(student.choose()) == "Set up your phone"
    page = student.enrol_phone()
    assert heading(page) == "Keep your recovery codes"
    codes = re.findall(r"<li><code>([0-9a-z-]{19})</code></li>", page.text)
    assert len(set(codes)) == 10
    done = student.browser.fill(page)
    assert heading(done) == "Your account is active"
    assert "being opened" in done.text
    assert '"done":false' in student.browser.get("/activate/progress").text

    account = place.world.account("20000001")
    assert account.activated_at == account.second_factor_at == place.world.clock.now()
    assert place.portal_ledger.accepted(account.person_id) == ("2026-09", place.world.clock.now())
    kept = place.portal_ledger.recovery_codes(account.person_id)
    assert kept is not None
    assert len(kept.digests) == 10

    place.world.cycle()
    assert place.world.account("20000001").state is State.ACTIVE
    assert (TODAY, NoticeKind.ACTIVATED) in place.world.notices("20000001")
    assert '"done":true' in student.browser.get("/activate/progress").text
    assert place.desk.directory.bind(name, PASSWORD) is BindAnswer.RIGHT


def test_what_is_shown_is_the_record_and_never_the_number(student: Student, place: Campus) -> None:
    place.enrol(a_student(level=Level.RESEARCH_POSTGRADUATE, department="Physics & Chemistry"))
    page = student.identify()
    for text in ("20000001", "Peter CHAN", "陳大文", "Physics &amp; Chemistry", "Postgraduate (research)"):
        assert text in page.text
    assert "Created on 24 November 2026" in page.text
    everything = page.text + student.browser.get("/activate/password").text
    assert not re.search("A123456|2005-03-09", everything)


def test_the_last_recovery_page_is_shown_once(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    student.choose()
    page = student.enrol_phone()
    assert (
        student.browser.get("/activate/codes").text.count("<li><code>") == 10
    )  # reloaded before it was kept
    file = student.browser.get("/activate/codes.txt")
    assert file.headers["content-disposition"] == 'attachment; filename="recovery-codes.txt"'
    assert all(code in page.text for code in file.text.split()[-10:])
    assert heading(student.browser.get("/activate/account")) == "Keep your recovery codes"
    student.browser.fill(page)
    assert "<li><code>" not in student.browser.get("/activate/codes").text
    assert "<li><code>" not in student.browser.get("/activate/codes.txt").text


def test_every_stage_has_another_session(student: Student, place: Campus) -> None:
    """A token that somebody planted in the browser is worth nothing once identity is proven."""
    place.enrol(a_student())
    student.browser.get("/activate")
    tokens = [student.browser.cookies[SESSION_COOKIE]]
    planted = dict(student.browser.cookies)
    student.identify()
    tokens.append(student.browser.cookies[SESSION_COOKIE])
    student.choose()
    student.browser.fill(student.enrol_phone())
    tokens.append(student.browser.cookies[SESSION_COOKIE])
    assert len(set(tokens)) == 3
    thief = replace(student.browser, cookies=planted)
    assert heading(thief.get("/activate/account")) == "Activate your account"


# -- after proof -----------------------------------------------------------------------------------------
def test_each_situation_has_a_page_of_its_own(many: Campus, address: str) -> None:
    numbers = {"20000003": "AB123456(9)", "20000004": "WX123456(9)", "20000005": "E364912(5)"}
    found = {s: heading(Student(Visitor(address), many).identify(n, s)) for s, n in numbers.items()}
    assert found == {
        "20000003": "Your account is closed",
        "20000004": "Only your phone is missing",
        "20000005": "Your account needs a person to look at it",
    }


def test_who_has_activated_already_reads_when(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.activate()
    page = student.identify()
    assert heading(page) == "Your account is active already"
    assert "24 November 2026" in page.text


def test_a_lock_in_the_middle_of_activation_holds(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    account = place.world.account("20000001")
    lock = Hold(HoldKind.LOCK, place.world.clock.now(), None, "stolen card", "operator")
    place.world.ledger.hold(account.person_id, lock)
    assert heading(student.browser.get("/activate/password")) == "Your account is locked"
    assert "stolen card" not in student.browser.get("/activate/account").text


# -- sessions --------------------------------------------------------------------------------------------
def test_a_session_that_ran_out_begins_anew(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    page = student.browser.get("/activate/password")
    place.sleep(timedelta(minutes=16))
    assert heading(student.browser.get("/activate/password")) == "Activate your account"
    assert student.browser.fill(page, password=PASSWORD, again=PASSWORD).url == "/activate"
    name = place.world.account("20000001").account_name
    assert place.desk.directory.bind(name, PASSWORD) is BindAnswer.WRONG


def test_another_person_at_the_same_computer_begins_anew(many: Campus, address: str) -> None:
    first = Student(Visitor(address), many)
    first.identify()
    before = dict(first.browser.cookies)
    page = first.identify("AB987654(3)", "20000002")
    assert "20000002" in page.text
    assert "20000001" not in page.text
    assert heading(Visitor(address, cookies=before).get("/activate/account")) == "Activate your account"


def test_who_is_not_meant_leaves(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    page = student.identify()
    left = student.browser.fill(page)
    assert left.url == "/"
    assert heading(student.browser.get("/activate/account")) == "Activate your account"


def test_a_form_without_our_token_does_nothing(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    answer = student.browser.post("/activate/password", {"password": PASSWORD, "again": PASSWORD})
    assert answer.status == 403


def test_activation_speaks_chinese(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.browser.headers["Accept-Language"] = "zh-HK"
    assert heading(student.identify()) == "這是你的帳戶"
    assert "已於2026年11月24日建立" in student.browser.get("/activate/account").text
    assert heading(student.choose()) == "設定手機"
