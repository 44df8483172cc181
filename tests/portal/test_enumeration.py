"""Nobody learns who is there: to whatever is not right, one status, one page, the same headers, and the same
questions to the ledger. What a server's clock would show is the same work; the work is compared, not the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from provisiond.domain.model import Hold, HoldKind, Status
from tests.rigs.campus_portal import Campus, a_student, campus
from tests.rigs.lives import TODAY
from tests.rigs.member import Member, activated
from tests.rigs.portal import serving
from tests.rigs.slapd import SlapdRig
from tests.rigs.visitor import Visitor

VARYING = {"date", "set-cookie", "content-length"}  # tokens of forms have one length, what was typed has not
CHANGING = re.compile(r'(?<=name="csrf_token" value=")[\w=-]+|(?<=value=")[^"]*(?=")')
NO_STUDENTS = re.compile(r"IN \(SELECT 1 FROM \(SELECT 1\) WHERE 1!=1\)")  # how SQLAlchemy says "among none"


@dataclass(frozen=True)
class Told:
    """An answer without what belongs to the request, and what was asked meanwhile."""

    status: int
    headers: Mapping[str, str]
    text: str
    statements: tuple[str, ...]


@pytest.fixture
def place(slapd: SlapdRig, tmp_path: Path) -> Iterator[Campus]:
    with campus(slapd, tmp_path) as made:
        yield made


def told(place: Campus, path: str, first: str | None, given: Mapping[str, str]) -> Told:
    """By somebody at a new address, who fills in that form."""
    told.count += 1  # type: ignore[attr-defined]
    with serving(replace(place.desk, trusts_proxy=True)) as base:
        address = f"10.1.{told.count}.7"  # type: ignore[attr-defined]
        visitor = Visitor(base, headers={"X-Forwarded-For": address})
        if first:
            visitor.fill(visitor.get(first), accept="y")
        page = visitor.get(path)
        with place.statements() as statements:
            seen = visitor.filled(page, given, follow=False)
    kept = {name: value for name, value in seen.headers.items() if name not in VARYING}
    asked = tuple(NO_STUDENTS.sub("IN (?)", one) for one in statements)
    return Told(seen.status, kept, CHANGING.sub("", seen.text), asked)


told.count = 0  # type: ignore[attr-defined]


def everybody(place: Campus) -> dict[str, Member]:
    """An active student, one whose account is locked, and one who was withdrawn."""
    found = {
        "active": activated(place, a_student()),
        "locked": activated(place, a_student("20000002", "G1234566", surname="WONG", given_names="Siu Ming")),
        "ended": activated(place, a_student("20000003", "K1000088", surname="HO", given_names="Wai")),
    }
    at = place.world.clock.now()
    place.world.ledger.hold(found["locked"].person_id, Hold(HoldKind.LOCK, at, None, "stolen", "ops"))
    place.change(
        a_student("20000003", "K1000088", surname="HO", given_names="Wai"),
        status=Status.WITHDRAWN,
        status_on=TODAY,
    )
    place.enrol(a_student("20000004", "C1234569", surname="LEE", given_names="Ka Yan"))
    return found


IDS = ("20000001", "20000002", "20000003", "20000004", "29999999", "x", "2000 0001'--", "陳")


@pytest.mark.parametrize("path", ["/activate/identity", "/forgotten", "/new-phone"])
def test_a_wrong_number_is_one_answer_whoever_is_meant(place: Campus, path: str) -> None:
    """Active, locked, ended, not activated, unknown, ill-formed; a number that is wrong, of another, or none."""
    everybody(place)
    first = "/activate" if path.startswith("/activate") else None
    answers = {
        (who, number): told(place, path, first, {"student_id": who, "number": number})
        for who in IDS
        for number in ("E364912(5)", "E364912(6)", "x")
    }
    assert len({(a.status, a.text, str(a.headers)) for a in answers.values()}) == 1
    plain = {
        key: answer
        for key, answer in answers.items()
        if key[0].isalnum() and key[0].isascii() and key[0] != "x"
    }
    assert len({answer.statements for answer in plain.values()}) == 1


def test_a_date_of_birth_is_one_answer_right_or_wrong(place: Campus) -> None:
    """The page that asks for the code comes for everybody; that a mail was ordered is not seen in the answer."""
    everybody(place)
    dates = ({"day": "9", "month": "3", "year": "2005"}, {"day": "31", "month": "2", "year": "2005"})
    answers = [
        told(place, "/activate/birth", "/activate", {"student_id": who, **on})
        for who in IDS[:6]
        for on in dates
    ]
    assert {(a.status, a.headers["location"]) for a in answers} == {(303, "/activate/code")}
    assert len({str(answer.headers) for answer in answers}) == 1


def test_log_in_is_one_answer_whoever_is_meant(place: Campus) -> None:
    """Wrong password of one who is active, locked, ended or has no password yet; a name that nobody has or can
    have."""
    found = everybody(place)
    newcomer = place.world.account("20000004").account_name
    names = [*(member.name for member in found.values()), newcomer, "nobody", "x" * 300, "*)(uid=*", "陳"]
    answers = {
        name: told(place, "/login", None, {"name": name, "password": "wrong password here", "code": "123456"})
        for name in names
    }
    assert {answer.status for answer in answers.values()} == {422}
    assert len({(answer.text, str(answer.headers)) for answer in answers.values()}) == 1
    assert len({answer.statements for answer in answers.values()}) == 1, answers
    for what in ("locked", "ended"):
        right = told(
            place,
            "/login",
            None,
            {"name": found[what].name, "password": found[what].password, "code": found[what].next_code()},
        )
        assert (right.status, right.text) == (422, answers["nobody"].text)


def test_a_log_in_with_a_recovery_code_is_one_answer(place: Campus) -> None:
    found = everybody(place)
    names = (*(member.name for member in found.values()), "nobody")
    given = {"password": "wrong password here", "code": "abcd-efgh-jkmn-pqrs"}
    answers = [told(place, "/login?with=recovery-code", None, {"name": name, **given}) for name in names]
    assert len({(a.status, a.text, a.statements) for a in answers}) == 1


def test_a_listing_that_is_not_there_is_one_answer(place: Campus) -> None:
    """Unlisted, ended, not activated, never there."""
    found = everybody(place)
    at = place.world.clock.now()
    place.portal_ledger.set_contact(found["active"].person_id, [], True, "student", at)
    place.world.cycle()
    newcomer = place.world.account("20000004").account_name
    with serving(place.desk) as base:
        pages = [
            Visitor(base).get(f"/directory/{name}")
            for name in (found["active"].name, found["ended"].name, newcomer, "nobody")
        ]
    assert {page.status for page in pages} == {404}
    assert len({page.text.replace(page.url, "") for page in pages}) == 1
