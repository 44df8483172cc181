"""Two portals behind one address, on one PostgreSQL ledger with its short memory there, and a real slapd: whichever
of them a request comes to, it is one portal. A student walks through all of it, from one to the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle

import pytest

from provisiond.domain.model import Level, NoticeKind, State
from provisiond.portal.account import services
from provisiond.portal.account.re_enrolment import Issued
from provisiond.portal.desk import Desk
from tests.rigs.campus_portal import HKID, Campus, a_student, campus_on_server
from tests.rigs.member import Member
from tests.rigs.portal import serving
from tests.rigs.postgres import PostgresRig
from tests.rigs.slapd import SlapdRig
from tests.rigs.student import PASSWORD, Student, heading
from tests.rigs.visitor import Seen, Visitor

POSTGRADUATE = a_student(level=Level.RESEARCH_POSTGRADUATE, personal_mail="taiman@example.org")


@dataclass
class Alternating(Visitor):
    """Asks another portal each time, as a load balancer may do."""

    def __post_init__(self) -> None:
        self._bases = cycle(self.base.split())
        self.base = next(self._bases)

    def _sent(self, *asked: object) -> Seen:
        self.base = next(self._bases)
        return super()._sent(*asked)  # type: ignore[arg-type] # passed on as they came


@pytest.fixture
def both(slapd: SlapdRig, postgres: PostgresRig) -> Iterator[tuple[Campus, Desk]]:
    with campus_on_server(slapd, postgres) as made:
        yield made


@pytest.fixture
def place(both: tuple[Campus, Desk]) -> Campus:
    return both[0]


@pytest.fixture
def addresses(both: tuple[Campus, Desk]) -> Iterator[tuple[str, str]]:
    with serving(both[0].desk) as first, serving(both[1]) as second:
        yield first, second


@pytest.fixture
def visitor(addresses: tuple[str, str]) -> Visitor:
    return Alternating(" ".join(addresses))


def activated(place: Campus, visitor: Visitor) -> Member:
    """Over the pages, with what stands on them."""
    place.enrol(POSTGRADUATE)
    student = Student(visitor, place)
    assert heading(student.identify()) == "This is your account"
    assert heading(student.choose()) == "Set up your phone"
    key = student.browser.get("/activate/factor")
    codes = visitor.fill(key, code=student.code(key))
    assert heading(codes) == "Keep your recovery codes"
    assert heading(visitor.fill(codes)) == "Your account is active"
    place.world.cycle()
    account = place.world.account("20000001")
    assert account.state is State.ACTIVE
    found = re.findall(r"<li><code>([0-9a-z-]{19})</code></li>", codes.text)
    return Member(
        place, account.person_id, account.account_name, PASSWORD, key_on(place, account.person_id), found
    )


def key_on(place: Campus, person_id: str) -> bytes:
    factor = place.portal_ledger.factor(person_id)
    assert factor is not None
    return place.desk.vault.open(factor.sealed, person_id)


def test_a_student_goes_all_the_way_from_one_to_the_other(
    both: tuple[Campus, Desk], place: Campus, visitor: Visitor
) -> None:
    """Activation, log-in, contact details, full-name address, another phone by the help desk."""
    member = activated(place, visitor)
    assert visitor.post("/logout", visitor.get("/account").forms[0][1]).url == "/login?out=yes"
    assert visitor.get("/account").url == "/login"
    assert member.logged_in(visitor).url == "/account"

    page = visitor.fill(
        visitor.get("/account/contact"), form=1, telephone_text="9123 4567", telephone_seen="everyone"
    )
    save = next(number for number, (_, values) in enumerate(page.forms) if "telephone_text" in values)
    assert "Saved" in visitor.fill(page, form=save, step="save").text
    page = visitor.get("/account/alias")
    assert "new address is on its way" in visitor.fill(page, form=1, choice="Tai.Man.Chan").text
    place.world.cycle()
    listing = both[1].listings.listing(member.name)
    assert listing is not None
    assert listing.attributes["telephonenumber"] == ("+852 9123 4567",)
    assert "Tai.Man.Chan@connect.example.edu" in listing.attributes["mail"]

    another_phone(both, member, visitor)
    assert member.logged_in(visitor).url == "/account"
    place.world.cycle()
    told = {kind for _, kind in place.world.notices("20000001")}
    assert {NoticeKind.ACTIVATED, NoticeKind.RE_ENROLMENT_ISSUED, NoticeKind.SECOND_FACTOR_CHANGED} <= told
    assert place.world.ledger.verify_history() is None


def another_phone(both: tuple[Campus, Desk], member: Member, visitor: Visitor) -> None:
    """One operator vouches at each portal's side."""
    at = member.campus.world.clock.now()
    services.re_enrolment(both[0].desk).vouch(member.person_id, "ann", "phone lost, card seen", at)
    given = services.re_enrolment(both[1]).vouch(member.person_id, "ben", "phone lost, card seen", at)
    assert isinstance(given, Issued)
    member.campus.sleep(timedelta(hours=25))
    visitor.cookies.clear()
    page = visitor.fill(visitor.get("/new-phone"), student_id="20000001", number=HKID)
    page = visitor.fill(page, password=member.password, code=given.code)
    assert page.url == "/new-phone/enrol"
    codes = visitor.fill(page, code=Student(visitor, member.campus).code(page))
    assert "Your new phone is set up" in visitor.fill(codes).text
    member.secret = key_on(member.campus, member.person_id)


def test_a_code_counts_once_for_both(place: Campus, visitor: Visitor, addresses: tuple[str, str]) -> None:
    member = activated(place, visitor)
    code = member.next_code()
    seen = []
    for address in addresses:
        fresh = Visitor(address)
        page = fresh.get("/login")
        seen.append(fresh.fill(page, name=member.name, password=member.password, code=code).url)
    assert seen == ["/account", "/login"]


def test_tries_at_one_count_at_the_other(place: Campus, visitor: Visitor, addresses: tuple[str, str]) -> None:
    """Guessing goes no faster at two; an hour later the right password opens at either."""
    member = activated(place, visitor)
    first, second = map(Visitor, addresses)
    page = first.get("/login")
    for _ in range(40):
        if first.fill(page, name=member.name, password="a guess", code="000000").status == 429:
            break
    right = {"name": member.name, "password": member.password, "code": member.code}
    assert second.filled(second.get("/login"), right).status == 429
    place.sleep(timedelta(hours=1))
    assert member.logged_in(second).url == "/account"
