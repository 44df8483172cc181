"""The key of the second factors was lost, or taken away before everybody had another one: over HTTP, on a real slapd
and a SQLite ledger. Whom it concerns is told, operators find it in the log, and nobody else learns anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from provisiond.adapters.vault import Vault
from provisiond.portal.activation.factors import code_at
from provisiond.ports.portal_directory import BindAnswer
from tests.rigs.campus_portal import HKID, Campus, a_student
from tests.rigs.member import Member, activated
from tests.rigs.portal import serving
from tests.rigs.portal_site import enforce
from tests.rigs.student import heading
from tests.rigs.visitor import Seen, Visitor

UNREADABLE = "Your second factor cannot be read"


@pytest.fixture
def member(place: Campus) -> Member:
    return activated(place, a_student())


@pytest.fixture
def visitor(place: Campus, member: Member) -> Iterator[Visitor]:
    """Of a portal that has another key than the one by which the member's factor was sealed."""
    with serving(replace(place.desk, vault=Vault([b"w" * 32]))) as address:
        yield Visitor(address)


def logged_in(visitor: Visitor, member: Member, password: str | None = None) -> Seen:
    page = visitor.get("/login")
    entered = password or member.password
    return visitor.fill(page, name=member.name, password=entered, code=member.next_code())


def test_the_owner_reads_what_to_do_and_the_operators_which_key(visitor: Visitor, member: Member) -> None:
    with capture_logs() as logs:
        page = logged_in(visitor, member)
    assert page.status == 503
    assert heading(page) == UNREADABLE
    assert "ask the help desk" in page.text
    told = [line for line in logs if line["event"] == "second factor unreadable"]
    assert [(line["key"], line["person"]) for line in told] == [("portal.factor_key_file", member.person_id)]
    assert "put the former key back" in told[0]["reason"]
    visitor.headers["Accept-Language"] = "zh-HK"
    assert "請聯絡服務台" in logged_in(visitor, member).text


def test_whoever_does_not_know_the_password_learns_nothing(visitor: Visitor, member: Member) -> None:
    page = logged_in(visitor, member, "a guess")
    assert page.status == 422
    assert UNREADABLE not in page.text


def test_a_recovery_code_still_opens_and_leads_to_another_phone(
    visitor: Visitor, member: Member, place: Campus
) -> None:
    page = visitor.get("/login?with=recovery-code")
    seen = visitor.fill(page, name=member.name, password=member.password, code=member.codes[0])
    assert seen.url == "/account/codes"
    assert heading(visitor.get("/account/phone")) == "Set up another phone"


def test_a_code_of_a_phone_that_cannot_be_read_sets_no_password(visitor: Visitor, member: Member) -> None:
    page = visitor.get("/forgotten")
    code = visitor.fill(page, student_id="20000001", number=HKID)
    assert heading(visitor.fill(code, code=member.next_code())) == UNREADABLE


def test_what_the_directory_knows_of_the_phone_stays(visitor: Visitor, member: Member, place: Campus) -> None:
    """A log-in that fails for want of the key writes no other token: mail and wireless network go on."""
    enforce(place.rig, member.name, member.person_id)
    page = visitor.get("/login?with=recovery-code")
    visitor.fill(page, name=member.name, password=member.password, code=member.codes[0])
    code = code_at(member.secret, datetime.now(UTC))  # slapd has a clock of its own
    assert place.desk.directory.bind(member.name, member.password, code) is BindAnswer.RIGHT


def test_with_the_key_back_everything_is_as_before(visitor: Visitor, member: Member, place: Campus) -> None:
    logged_in(visitor, member)
    with serving(replace(place.desk, vault=Vault([b"w" * 32, b"v" * 32]))) as address:
        assert logged_in(Visitor(address), member).url == "/account"
