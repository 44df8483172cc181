"""A student activates the account over HTTP: with the real ledger, the portal's real memory and a real slapd."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pyotp
import pytest

from provisiond.domain.model import Hold, HoldKind, Level, NoticeKind, State, Status
from provisiond.portal.activation.claims import hkid_claim
from provisiond.portal.activation.course import identity_check, possession
from provisiond.portal.rules import CodeWanted
from provisiond.portal.visit import SESSION_COOKIE
from provisiond.ports.portal import BindAnswer
from tests.rigs.campus_portal import DIGESTS, HKID, Campus, a_student, campus
from tests.rigs.lives import TODAY, noon
from tests.rigs.portal import serving
from tests.rigs.slapd import SlapdRig
from tests.rigs.visitor import Seen, Visitor

PASSWORD = "lantern on the ninth pier"
DAY = timedelta(days=1)


@pytest.fixture
def place(slapd: SlapdRig, tmp_path: Path) -> Iterator[Campus]:
    with campus(slapd, tmp_path) as made:
        yield made


@pytest.fixture
def base(place: Campus) -> Iterator[str]:
    with serving(place.desk) as address:
        yield address


@dataclass
class Student:
    """Somebody at a browser, who knows what they need to know."""

    browser: Visitor
    place: Campus
    student_id: str = "20000001"

    def identify(self, number: str = HKID, student_id: str | None = None) -> Seen:
        page = self.browser.fill(self.browser.get("/activate"), accept="y")
        return self.browser.fill(page, student_id=student_id or self.student_id, number=number)

    def identify_by_birth(self, day: str = "9", month: str = "3", year: str = "2005") -> Seen:
        self.browser.fill(self.browser.get("/activate"), accept="y")
        page = self.browser.get("/activate/birth")
        return self.browser.fill(page, student_id=self.student_id, day=day, month=month, year=year)

    def choose(self, password: str = PASSWORD, again: str | None = None) -> Seen:
        page = self.browser.get("/activate/password")
        return self.browser.fill(page, password=password, again=password if again is None else again)

    def code(self, page: Seen) -> str:
        found = re.search(r'<code id="copyable">([A-Z2-7 ]+)</code>', page.text)
        assert found, page.text
        return pyotp.TOTP(found[1].replace(" ", "")).at(self.place.world.clock.now())

    def enrol_phone(self) -> Seen:
        page = self.browser.get("/activate/factor")
        return self.browser.fill(page, code=self.code(page))

    def activate(self) -> Seen:
        self.identify()
        self.choose()
        return self.browser.fill(self.enrol_phone())


@pytest.fixture
def student(base: str, place: Campus) -> Student:
    return Student(Visitor(base), place)


def heading(page: Seen) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    assert found, page.text
    return unescape(found[1].strip())


def faults(page: Seen) -> list[str]:
    return [unescape(one) for one in re.findall(r'<li><a href="#[\w-]+">(.*?)</a></li>', page.text)]


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


# -- identity --------------------------------------------------------------------------------------------
def test_without_the_policy_nothing_is_asked(student: Student) -> None:
    assert heading(student.browser.get("/activate/identity")) == "Activate your account"
    page = student.browser.fill(student.browser.get("/activate"))
    assert faults(page)[0].startswith("Tick the box")


def test_a_new_version_of_the_policy_is_accepted_anew(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    newer = replace(place.desk, rules=replace(place.desk.rules, terms_version="2026-12"))
    with serving(newer) as address:
        later = replace(student.browser, base=address)
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


@pytest.fixture
def many(place: Campus) -> Campus:
    place.enrol(
        a_student(),
        a_student("20000002", "AB9876543"),
        a_student("20000003", "AB1234569"),
        a_student("20000004", "WX1234569"),
        a_student("20000005", "E3649125", surname="", given_names="陳"),
    )
    place.change(place.world.registry.records["20000003", "BSC-CS"], status=Status.WITHDRAWN, status_on=TODAY)
    activated = place.world.account("20000004").person_id
    place.world.ledger.activate(activated, "operator", place.world.clock.now())
    place.world.cycle()
    return place


def test_before_proof_nobody_learns_who_is_there(many: Campus, base: str) -> None:
    """Unknown, wrong, ill-formed, ended, activated, not created: the same page, status and statements."""
    answers = {}
    for why, (student_id, number) in WRONG.items():
        who = Student(Visitor(base), many)
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
def mailed(place: Campus, number: int = 1, student_id: str = "20000001") -> str:
    """What the mail of that number to that person says; it is ordered when the page has been answered."""
    pause = threading.Event()
    for _ in range(1000):
        account = place.world.account(student_id)
        told = [o for o in account.occurrences if o.kind is NoticeKind.ACTIVATION_CODE]
        if len(told) >= number:
            return DIGESTS.activation_code(account.person_id, told[number - 1].at)
        pause.wait(0.02)
    raise AssertionError(f"no mail of number {number} was ordered")


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


def test_a_code_is_good_once_and_only_the_latest_is(student: Student, place: Campus, base: str) -> None:
    place.enrol(a_student())
    page = student.identify_by_birth()
    first = mailed(place)
    place.sleep(timedelta(seconds=1))
    other = Student(Visitor(base), place)
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


def test_whether_a_code_was_sent_nobody_can_see(many: Campus, base: str) -> None:
    wrong, right = Student(Visitor(base), many), Student(Visitor(base), many)
    texts = []
    for who, day in ((right, "9"), (wrong, "10")):
        with many.statements() as asked:
            page = who.identify_by_birth(day)
        texts.append((page.status, re.sub(r'value="[^"]*"', "", page.text)))
        assert asked
    assert texts[0] == texts[1]
    assert mailed(many) is not None
    assert faults(wrong.browser.fill(wrong.browser.get("/activate/code"), code=mailed(many)))


def test_a_right_date_of_birth_takes_the_same_work_as_a_wrong_one(many: Campus, base: str) -> None:
    """What the portal asks its databases before it answers: the mail is ordered afterwards."""
    asked = {}
    for day in ("9", "10", "31"):
        who = Student(Visitor(base), many)
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
    with serving(place.with_code(wanted)) as address:
        assert heading(Student(Visitor(address), place).identify()) == by_number
        assert heading(Student(Visitor(address), place).identify_by_birth()) == by_birth


# -- after proof -----------------------------------------------------------------------------------------
def test_each_situation_has_a_page_of_its_own(many: Campus, base: str) -> None:
    numbers = {"20000003": "AB123456(9)", "20000004": "WX123456(9)", "20000005": "E364912(5)"}
    found = {s: heading(Student(Visitor(base), many).identify(n, s)) for s, n in numbers.items()}
    assert found == {
        "20000003": "Your account is closed",
        "20000004": "Your account is active already",
        "20000005": "Your account needs a person to look at it",
    }


def test_a_lock_in_the_middle_of_activation_holds(student: Student, place: Campus) -> None:
    place.enrol(a_student())
    student.identify()
    account = place.world.account("20000001")
    lock = Hold(HoldKind.LOCK, place.world.clock.now(), None, "stolen card", "operator")
    place.world.ledger.hold(account.person_id, lock)
    assert heading(student.browser.get("/activate/password")) == "Your account is locked"
    assert "stolen card" not in student.browser.get("/activate/account").text


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
    student: Student, place: Campus, base: str
) -> None:
    place.enrol(a_student())
    student.identify()
    student.choose()
    old = student.browser.get("/activate/factor")
    other = Student(Visitor(base), place)
    other.identify()
    other.choose("another lantern, tenth pier")
    other.browser.get("/activate/factor")
    page = student.browser.fill(old, code=student.code(old))
    assert faults(page)[0].startswith("The set-up was begun again")
    assert heading(student.browser.fill(page, code=student.code(page))) == "Keep your recovery codes"
    stale = other.browser.get("/activate/factor")
    assert heading(stale) == "Your account is active already"


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


def test_another_person_at_the_same_computer_begins_anew(many: Campus, base: str) -> None:
    first = Student(Visitor(base), many)
    first.identify()
    before = dict(first.browser.cookies)
    page = first.identify("AB987654(3)", "20000002")
    assert "20000002" in page.text
    assert "20000001" not in page.text
    assert heading(Visitor(base, cookies=before).get("/activate/account")) == "Activate your account"


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
