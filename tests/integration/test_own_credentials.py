"""Password, phone and recovery codes in the hands of their owner, over HTTP, on a real slapd and a SQLite ledger."""

from __future__ import annotations

import re
from base64 import b32decode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from provisiond.domain.model import NoticeKind
from provisiond.portal.account import services
from provisiond.portal.account.re_enrolment import Issued
from provisiond.ports.portal_directory import BindAnswer
from tests.rigs.campus_portal import HKID, Campus, a_student, campus
from tests.rigs.member import Member, activated
from tests.rigs.portal import serving
from tests.rigs.slapd import SlapdRig
from tests.rigs.visitor import Seen, Visitor

NEW = "copper lantern drifts beyond"
PERSONAL = "taiman@example.org"


@pytest.fixture
def site(slapd: SlapdRig, tmp_path: Path) -> Iterator[Campus]:
    with campus(slapd, tmp_path) as made:
        yield made


@pytest.fixture
def visitor(site: Campus) -> Iterator[Visitor]:
    with serving(site.desk) as address:
        yield Visitor(address)


@pytest.fixture
def member(site: Campus) -> Member:
    return activated(site, a_student(personal_mail=PERSONAL))


def told(member: Member, kind: NoticeKind) -> list[str]:
    """To which addresses a notice of that kind goes, after a cycle."""
    member.campus.world.cycle()
    return [i.notice.to for i in member.account.outbox if i.notice.kind is kind]


def changed(visitor: Visitor, member: Member, old: str, new: str = NEW) -> Seen:
    page = visitor.get("/account/password")
    return visitor.fill(page, form=1, old=old, password=new, again=new)


def key_on(page: Seen) -> bytes:
    """What a phone learns from the page."""
    found = re.search(r'<code id="copyable">([A-Z2-7 ]+)</code>', page.text)
    assert found
    return b32decode(found[1].replace(" ", ""))


def codes_on(page: Seen) -> list[str]:
    return re.findall(r"<code>([0-9a-z]{4}(?:-[0-9a-z]{4}){3})</code>", page.text)


def test_a_new_password_takes_the_old_one(member: Member, visitor: Visitor) -> None:
    """At once, in the directory; the person is told at the personal address, and other sessions end."""
    elsewhere = Visitor(visitor.base)
    member.logged_in(elsewhere)
    member.logged_in(visitor)
    seen = changed(visitor, member, member.password)
    assert "Your new password holds" in seen.text
    directory = member.campus.desk.directory
    assert directory.bind(member.name, NEW) is BindAnswer.RIGHT
    assert directory.bind(member.name, member.password) is BindAnswer.WRONG
    assert elsewhere.get("/account").url == "/login"
    assert visitor.get("/account").url == "/account"
    assert told(member, NoticeKind.PASSWORD_CHANGED) == [PERSONAL]
    assert "password-changed" in member.events()


def test_the_old_password_is_asked_for(member: Member, visitor: Visitor) -> None:
    """Whoever sits down at an open session has not got it."""
    member.logged_in(visitor)
    seen = changed(visitor, member, "something else entirely")
    assert "That is not your present password" in seen.text
    assert member.campus.desk.directory.bind(member.name, member.password) is BindAnswer.RIGHT


def test_a_weak_password_is_refused_in_words(member: Member, visitor: Visitor) -> None:
    """Each reason that there is."""
    member.logged_in(visitor)
    assert "Use at least 12 characters" in changed(visitor, member, member.password, "x1$").text
    own = changed(visitor, member, member.password, f"{member.name} likes rainy days").text
    assert "Your account name is in it" in own


def test_what_can_lock_out_wants_fresh_proof(member: Member, visitor: Visitor) -> None:
    """Five minutes after log-in password and code are asked for again; then the way goes on."""
    member.logged_in(visitor)
    member.campus.sleep(timedelta(minutes=6))
    for path in ("password", "phone", "codes", "alias", "data", "log-ins/end"):
        assert visitor.get(f"/account/{path}").url == "/account/confirm"
    before = visitor.cookies["__Host-session"]
    page = visitor.get("/account/password")
    wrong = visitor.fill(page, form=1, password="something else", code=member.next_code())
    assert "Password or code is not right" in wrong.text
    assert member.confirmed(visitor, page).url == "/account/password"
    assert visitor.cookies["__Host-session"] != before


def test_another_phone_counts_when_it_showed_a_code(member: Member, visitor: Visitor) -> None:
    """The old one counts until then and not after; new recovery codes come with it, shown until they are kept."""
    member.logged_in(visitor)
    page = visitor.get("/account/phone")
    assert key_on(visitor.get("/account/phone")) == key_on(page)
    assert "That code is not right" in visitor.fill(page, form=1, code=member.next_code()).text
    old, old_codes, member.secret = member.secret, member.codes, key_on(page)
    seen = visitor.fill(page, form=1, code=member.next_code())
    assert seen.url == "/account/new-codes"
    member.codes = codes_on(seen)
    assert len(set(member.codes)) == 10
    assert codes_on(visitor.get("/account/new-codes")) == member.codes
    assert "Your new phone is set up" in visitor.fill(seen, form=1).text
    assert visitor.get("/account/new-codes").url == "/account"
    assert told(member, NoticeKind.SECOND_FACTOR_CHANGED) == [PERSONAL]
    again = Visitor(visitor.base)
    assert member.logged_in(again).url == "/account"
    member.secret = old
    assert member.logged_in(Visitor(visitor.base)).url == "/login"
    by_code = Visitor(visitor.base)
    page = by_code.get("/login?with=recovery-code")
    assert by_code.fill(page, name=member.name, password=member.password, code=old_codes[0]).url == (
        "/login?with=recovery-code"
    )


def test_a_form_that_comes_twice_changes_the_phone_once(member: Member, visitor: Visitor) -> None:
    """The second one finds nothing pending, and the codes are still there to be read."""
    member.logged_in(visitor)
    page = visitor.get("/account/phone")
    member.secret = key_on(page)
    code = member.next_code()
    first = codes_on(visitor.fill(page, form=1, code=code))
    other = Visitor(visitor.base, cookies=dict(visitor.cookies))
    assert codes_on(other.get("/account/new-codes")) == first
    assert member.events().count("second-factor-changed") == 1


def test_new_recovery_codes_replace_all(member: Member, visitor: Visitor) -> None:
    """Whoever is logged in elsewhere is so no more, and the person is told."""
    elsewhere = Visitor(visitor.base)
    member.logged_in(elsewhere)
    member.logged_in(visitor)
    seen = visitor.fill(visitor.get("/account/codes"), form=1)
    assert elsewhere.get("/account").url == "/login"
    fresh = codes_on(seen)
    assert len(fresh) == 10 and not set(fresh) & set(member.codes)
    text = visitor.get("/account/new-codes?as=file")
    assert "attachment" in text.headers["content-disposition"]
    assert all(code in text.text for code in fresh)
    other = Visitor(visitor.base)
    page = other.get("/login?with=recovery-code")
    given = {"name": member.name, "password": member.password}
    assert other.filled(page, given | {"code": member.codes[0]}).status == 422
    assert other.filled(page, given | {"code": fresh[0]}).url == "/account/codes"
    assert told(member, NoticeKind.RECOVERY_CODES_CHANGED) == [PERSONAL]


# -- forgotten --------------------------------------------------------------------------------------------
def identified(visitor: Visitor, path: str, number: str = HKID) -> Seen:
    return visitor.fill(visitor.get(path), student_id="20000001", number=number)


def test_a_forgotten_password_wants_identity_and_phone(member: Member, visitor: Visitor) -> None:
    """Neither alone; then there is a new one, and the person is told."""
    assert visitor.get("/forgotten/password").url == "/"
    assert "could not confirm" in identified(visitor, "/forgotten", "A1234560").text
    page = identified(visitor, "/forgotten")
    assert page.url == "/forgotten/code"
    assert visitor.get("/forgotten/password").url == "/forgotten/code"
    assert "That code is not right" in visitor.fill(page, code="000000").text
    page = visitor.fill(page, code=member.next_code())
    assert page.url == "/forgotten/password"
    seen = visitor.fill(page, password=NEW, again=NEW)
    assert "Your new password holds" in seen.text
    assert visitor.get("/forgotten/password").url == "/"
    assert told(member, NoticeKind.PASSWORD_CHANGED) == [PERSONAL]
    member.password = NEW
    assert member.logged_in(visitor).url == "/account"


def test_a_recovery_code_will_do_for_the_phone(member: Member, visitor: Visitor) -> None:
    """It is used up by that."""
    identified(visitor, "/forgotten")
    page = visitor.get("/forgotten/code?with=recovery-code")
    assert visitor.fill(page, code=member.codes[0]).url == "/forgotten/password"
    assert "recovery-code-used" in member.events()


def test_identity_alone_opens_nothing_of_the_account(member: Member, visitor: Visitor) -> None:
    """What a forgotten password proves is good for that way only, not for activation, the account or a new phone."""
    identified(visitor, "/forgotten")
    assert visitor.get("/account").url == "/login"
    assert visitor.get("/new-phone/code").url == "/new-phone"
    assert visitor.get("/activate/password").url == "/activate"


# -- without phone and recovery codes ---------------------------------------------------------------------
def issued(member: Member) -> Issued:
    """By two operators."""
    service, at = services.re_enrolment(member.campus.desk), member.campus.world.clock.now()
    service.vouch(member.person_id, "ann", "phone stolen, student card seen", at)
    second = service.vouch(member.person_id, "ben", "phone stolen, student card seen", at)
    assert isinstance(second, Issued)
    return second


def test_two_operators_can_give_way_to_a_new_phone(member: Member, visitor: Visitor) -> None:
    """After the waiting time, with identity and password beside the code; it counts once."""
    given = issued(member)
    assert told(member, NoticeKind.RE_ENROLMENT_ISSUED) == [PERSONAL]
    page = identified(visitor, "/new-phone")
    assert page.url == "/new-phone/code"
    right = {"password": member.password, "code": given.code.lower()}
    assert "does not count yet" in visitor.filled(page, right).text
    member.campus.sleep(timedelta(hours=24))
    page = identified(visitor, "/new-phone")
    assert visitor.filled(page, (right | {"password": "something else"})).status == 422
    assert visitor.filled(page, (right | {"code": "AAAA-AAAA-AAAA-AAAA"})).status == 422
    page = visitor.filled(page, right)
    assert page.url == "/new-phone/enrol"
    member.secret = key_on(page)
    seen = visitor.fill(page, code=member.next_code())
    assert seen.url == "/new-phone/codes"
    assert len(codes_on(seen)) == 10
    assert "Your new phone is set up" in visitor.fill(seen).text
    assert visitor.get("/account").url == "/login"
    assert member.logged_in(visitor).url == "/account"
    again = Visitor(visitor.base)
    assert again.filled(identified(again, "/new-phone"), right).status == 422


def test_the_owner_can_stop_it_with_the_old_phone(member: Member, visitor: Visitor) -> None:
    """They see it wherever they look, and one button ends it."""
    given = issued(member)
    page = member.logged_in(visitor)
    assert "A code for a new phone was issued" in page.text
    assert "Stopped" in visitor.fill(page, form=1).text
    assert "code-withdrawn" in member.events()
    member.campus.sleep(timedelta(hours=25))
    other = Visitor(visitor.base)
    page = identified(other, "/new-phone")
    assert other.fill(page, password=member.password, code=given.code).status == 422
