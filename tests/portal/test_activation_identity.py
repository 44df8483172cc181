"""Who somebody is, over HTTP: nobody learns of others, nobody is kept out."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from provisiond.domain.model import NoticeKind
from provisiond.portal.activation.claims import hkid_claim
from provisiond.portal.activation.course import identity_check, possession
from provisiond.portal.rules import CodeWanted
from tests.rigs.campus_portal import DIGESTS, HKID, Campus, a_student
from tests.rigs.lives import TODAY, noon
from tests.rigs.portal import serving
from tests.rigs.student import Student, faults, heading, mailed
from tests.rigs.visitor import Visitor

DAY = timedelta(days=1)


# -- identity --------------------------------------------------------------------------------------------
def test_without_the_policy_nothing_is_asked(student: Student) -> None:
    assert heading(student.browser.get("/activate/identity")) == "Activate your account"
    page = student.browser.fill(student.browser.get("/activate"))
    assert faults(page)[0].startswith("Tick the box")


def test_a_new_version_of_the_policy_is_accepted_anew(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    newer = replace(place.desk, rules=replace(place.desk.rules, terms_version="2026-12"))
    with serving(newer) as other:
        later = replace(student.browser, base=other)
        assert heading(later.get("/activate/password")) == "Activate your account"


WRONG = {
    "wrong number": ("20000001", "C123456(9)"),
    "wrong check digit": ("20000001", "A123456(4)"),
    "no number": ("20000001", "<script>'--*)(uid=*"),
    "unknown student": ("29999999", HKID),
    "number of another": ("20000001", "AB987654(3)"),
    "terminated, wrong": ("20000003", "C123456(9)"),
    "activated, wrong": ("20000004", "C123456(9)"),
    "no account yet, wrong": ("20000005", "C123456(9)"),
}


def test_before_proof_nobody_learns_who_is_there(many: Campus, address: str) -> None:
    """Unknown, wrong, ill-formed, ended, activated, not created: the same page, status and statements."""
    answers = {}
    for why, (student_id, number) in WRONG.items():
        who = Student(Visitor(address), many)
        with many.statements() as asked:
            page = who.identify(number, student_id)
        text = re.sub(r'value="[^"]*"|request [0-9a-f]+', "", page.text)
        answers[why] = (page.status, text, tuple(asked))
    reference = answers["wrong number"]
    assert "could not confirm who you are" in reference[1]
    assert len(reference[2]) > 5
    for why, answer in answers.items():
        assert answer == reference, why


def test_what_was_typed_as_number_is_never_shown_again(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    page = student.identify("C123456(9)")
    assert "C123456" not in page.text
    assert 'value="20000001"' in page.text


@pytest.mark.parametrize(
    "typed",
    [
        *("*)(uid=*", "' OR 1=1 --", "{{ 7*7 }}", "<script>alert(1)</script>", "uid=tmchan,ou=people"),
        *("20000001\r\nSet-Cookie: stolen=1 ", "\u202e20000001", "%s%n", "x" * 5000),
    ],
)
def test_whatever_is_typed_is_text_and_nothing_else(student: Student, place: Campus, typed: str) -> None:
    place.enrol(a_student())
    page = student.identify(HKID, typed)
    assert (page.status, len(faults(page))) == (200, 1)
    assert "<script>alert" not in page.text
    assert "stolen" not in student.browser.cookies
    assert heading(student.browser.get("/activate/account")) == "Activate your account"


def test_too_many_tries_wait_and_the_right_one_does_too(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    pages = [student.identify("C123456(9)") for _ in range(14)]
    assert pages[-1].status == 429
    assert int(pages[-1].headers["retry-after"]) > 0
    assert student.identify().status == 429
    place.sleep(timedelta(minutes=15))
    assert heading(student.identify()) == "This is your account"


def test_who_is_besieged_gets_in_by_the_mailbox(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    check = identity_check(place.desk)
    for n in range(30):
        check.judge(hkid_claim("20000001", "C123456(9)"), f"198.51.{n}.7", place.world.clock.now())
    page = student.identify()
    assert heading(page) == "Look into your mailbox"
    assert heading(student.browser.fill(page, code=mailed(place))) == "This is your account"


# -- the code by mail ------------------------------------------------------------------------------------
def test_a_date_of_birth_wants_a_code_from_the_mailbox_too(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    page = student.identify_by_birth()
    assert heading(page) == "Look into your mailbox"
    code = mailed(place)
    assert faults(student.browser.fill(page, code="AAAA-BBBB-CCCC-DDDD")) != []
    assert heading(student.browser.get("/activate/account")) == "Activate your account"
    place.world.cycle()
    assert (TODAY, NoticeKind.ACTIVATION_CODE) in place.world.notices("20000001")
    page = student.browser.fill(page, code="-".join(re.findall("....", code.lower())))
    assert heading(page) == "This is your account"


def test_a_code_is_good_once_and_only_the_latest_is(student: Student, place: Campus, address: str) -> None:
    place.enrol(a_student())
    page = student.identify_by_birth()
    first = mailed(place)
    place.sleep(timedelta(seconds=1))
    other = Student(Visitor(address), place)
    page_of_other = other.identify_by_birth()
    latest = mailed(place, 2)
    assert faults(student.browser.fill(page, code=first))
    assert heading(student.browser.fill(page, code=latest)) == "This is your account"
    assert faults(other.browser.fill(page_of_other, code=latest))


def test_a_code_is_good_for_a_day(place: Campus) -> None:
    place.enrol(a_student())
    way, person_id, now = possession(place.desk), place.world.account("20000001").person_id, noon(TODAY)
    for later, is_good in ((timedelta(hours=23, minutes=59), True), (timedelta(hours=24), False)):
        assert way.send(person_id, now)
        code = DIGESTS.activation_code(person_id, now)
        assert way.shown(person_id, "20000001", code, "192.0.2.1", now + later) is is_good
        now += 2 * DAY


def test_whether_a_code_was_sent_nobody_can_see(many: Campus, address: str) -> None:
    wrong, right = Student(Visitor(address), many), Student(Visitor(address), many)
    texts = []
    for who, day in ((right, "9"), (wrong, "10")):
        with many.statements() as asked:
            page = who.identify_by_birth(day)
        texts.append((page.status, re.sub(r'value="[^"]*"', "", page.text)))
        assert asked
    assert texts[0] == texts[1]
    assert mailed(many) is not None
    assert faults(wrong.browser.fill(wrong.browser.get("/activate/code"), code=mailed(many)))


def test_a_right_date_of_birth_takes_the_same_work_as_a_wrong_one(many: Campus, address: str) -> None:
    """What the portal asks its databases before it answers: the mail is ordered afterwards, the right one is last."""
    asked = {}
    for day in ("10", "31", "9"):
        who = Student(Visitor(address), many)
        who.browser.fill(who.browser.get("/activate"), accept="y")
        page = who.browser.get("/activate/birth")
        values = page.forms[0][1] | {"student_id": "20000001", "day": day, "month": "2", "year": "2005"}
        values["month"] = "3" if day != "31" else "2"
        with many.statements() as seen:
            answer = who.browser.post("/activate/birth", values, follow=False)
        assert (answer.status, answer.headers["location"]) == (303, "/activate/code")
        asked[day] = list(seen)
    assert asked["10"] == asked["31"]
    assert asked["9"][: len(asked["10"])] == asked["10"]


def test_at_most_three_mails_an_hour(student: Student, place: Campus) -> None:
    """More are not sent, and the page does not tell; the last one that was sent still counts."""
    place.enrol(a_student())
    page = student.identify_by_birth()
    for number in range(1, 4):
        code = mailed(place, number)
        place.sleep(timedelta(seconds=1))
        page = student.browser.fill(page, form=1)
        assert heading(page) == "Look into your mailbox"
    page = student.browser.fill(page, form=1)
    assert heading(student.browser.fill(page, code=code)) == "This is your account"
    told = [o.kind for o in place.world.account("20000001").occurrences]
    assert told.count(NoticeKind.ACTIVATION_CODE) == 3


@pytest.mark.parametrize(
    ("wanted", "by_number", "by_birth"),
    [
        (CodeWanted.NEVER, "This is your account", "This is your account"),
        (CodeWanted.ALWAYS, "Look into your mailbox", "Look into your mailbox"),
        (CodeWanted.BIRTH_DATE, "This is your account", "Look into your mailbox"),
    ],
)
def test_policy_says_when_possession_is_asked_for(
    place: Campus, wanted: CodeWanted, by_number: str, by_birth: str
) -> None:
    place.enrol(a_student())
    with serving(place.with_code(wanted)) as other:
        assert heading(Student(Visitor(other), place).identify()) == by_number
        assert heading(Student(Visitor(other), place).identify_by_birth()) == by_birth
