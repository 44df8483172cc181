"""Log-in over HTTP, on a real slapd and a SQLite ledger: who comes in, what others are told, what a session is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisiond.domain.model import Hold, HoldKind, Status
from provisiond.portal.account import services
from provisiond.portal.account.log_in_pages import NOT_ADMITTED
from provisiond.portal.account.login import Entered, NotAdmitted
from provisiond.ports.portal_directory import BindAnswer
from tests.rigs.campus_portal import Campus, a_student, campus
from tests.rigs.lives import TODAY
from tests.rigs.member import Member, activated
from tests.rigs.portal import serving
from tests.rigs.slapd import SlapdRig
from tests.rigs.visitor import Seen, Visitor

SESSION = "__Host-session"


@pytest.fixture
def site(slapd: SlapdRig, tmp_path: Path) -> Iterator[Campus]:
    with campus(slapd, tmp_path) as made:
        yield made


@pytest.fixture
def base(site: Campus) -> Iterator[str]:
    with serving(site.desk) as address:
        yield address


@pytest.fixture
def visitor(base: str) -> Visitor:
    return Visitor(base)


@pytest.fixture
def member(site: Campus) -> Member:
    return activated(site, a_student())


def tried(visitor: Visitor, name: str, password: str, code: str, path: str = "/login") -> Seen:
    return visitor.fill(visitor.get(path), name=name, password=password, code=code)


def test_password_and_code_open_the_account(member: Member, visitor: Visitor) -> None:
    """… under a token that nobody saw before."""
    page = visitor.get("/login")
    before = visitor.cookies[SESSION]
    seen = visitor.fill(page, name=member.name, password=member.password, code=member.next_code())
    assert seen.url == "/account"
    assert member.name in seen.text
    assert visitor.cookies[SESSION] != before


def test_the_lifelong_address_is_a_name_too(member: Member, visitor: Visitor) -> None:
    """In any case; an address elsewhere that begins like it is nobody's."""
    address = f" {member.name.upper()}@connect.Example.edu "
    assert tried(visitor, address, member.password, member.next_code()).url == "/account"
    other = Visitor(visitor.base)
    seen = tried(other, f"{member.name}@example.org", member.password, member.next_code())
    assert NOT_ADMITTED in seen.text


def test_a_code_counts_once(member: Member, visitor: Visitor) -> None:
    """Also where a password was mistyped before: that does not use it up."""
    code = member.next_code()
    assert NOT_ADMITTED in tried(visitor, member.name, "something else entirely", code).text
    assert tried(visitor, member.name, member.password, code).url == "/account"
    assert NOT_ADMITTED in tried(Visitor(visitor.base), member.name, member.password, code).text


def test_of_several_at_once_with_one_code_one_comes_in(member: Member, base: str) -> None:
    """Whoever looked over the shoulder is too late."""
    code = member.next_code()
    visitors = [Visitor(base, headers={}) for _ in range(8)]
    pages = [visitor.get("/login") for visitor in visitors]

    def act(number: int) -> str:
        given = {"name": member.name, "password": member.password, "code": code}
        return visitors[number].filled(pages[number], given).url

    with ThreadPoolExecutor(8) as threads:
        came_to = list(threads.map(act, range(8)))
    assert came_to.count("/account") == 1


def test_a_recovery_code_stands_for_the_phone_once(member: Member, visitor: Visitor) -> None:
    """… and leads to where new ones are made."""
    code, path = member.codes[0].upper().replace("-", " "), "/login?with=recovery-code"
    seen = tried(visitor, member.name, member.password, code, path)
    assert seen.url == "/account/codes"
    assert "9 recovery codes" in seen.text
    assert "recovery-code-used" in member.events()
    other = Visitor(visitor.base)
    assert NOT_ADMITTED in tried(other, member.name, member.password, code, path).text


def test_everybody_else_is_told_the_same(site: Campus, member: Member, visitor: Visitor) -> None:
    """Unknown, wrong password, wrong code, another's code, locked: one page, one status."""
    other = activated(site, a_student("20000002", "G1234566", surname="WONG", given_names="Siu Ming"))
    told = [
        tried(visitor, "nobody", member.password, member.next_code()),
        tried(visitor, member.name, "something else entirely", member.next_code()),
        tried(visitor, member.name, member.password, "000000"),
        tried(visitor, member.name, member.password, other.code),
        tried(visitor, member.name, member.password, "", "/login?with=recovery-code"),
        tried(visitor, "uid=*)(uid=*", "*", "*"),
    ]
    lock = Hold(HoldKind.LOCK, site.world.clock.now(), None, "stolen", "ops")
    site.world.ledger.hold(member.person_id, lock)
    told.append(tried(visitor, member.name, member.password, member.next_code()))
    assert {seen.status for seen in told} == {422}
    without = [seen for number, seen in enumerate(told) if number != 4]
    assert all(NOT_ADMITTED in seen.text for seen in without)


def test_a_lock_ends_sessions_at_the_next_page(site: Campus, member: Member, visitor: Visitor) -> None:
    """Before the daemon came to the directory."""
    member.logged_in(visitor)
    lock = Hold(HoldKind.LOCK, site.world.clock.now(), None, "stolen", "ops")
    site.world.ledger.hold(member.person_id, lock)
    assert visitor.get("/account").url == "/login"


def test_alumni_have_no_log_in_unless_policy_gives_one(
    site: Campus, member: Member, visitor: Visitor
) -> None:
    """This policy gives none; what the ledger says today counts, not the last cycle."""
    record = a_student(status=Status.WITHDRAWN, status_on=TODAY)
    site.world.registry.put(record)
    site.world.cycle()
    assert NOT_ADMITTED in tried(visitor, member.name, member.password, member.next_code()).text


def test_who_has_a_password_and_no_second_factor_goes_to_activation(site: Campus, visitor: Visitor) -> None:
    """An activation that was not finished, or an account of former times."""
    site.enrol(a_student())
    account = site.world.ledger.find("20000001")
    assert account is not None
    assert site.desk.directory.set_password(account.person_id, "violet anchor seldom ripens") is None
    seen = tried(visitor, account.account_name, "violet anchor seldom ripens", "000000")
    assert seen.url == "/activate"


def test_tries_are_slowed_down_and_nobody_is_locked_out_for_ever(member: Member, visitor: Visitor) -> None:
    """A quarter of an hour later the right password opens."""
    seen = [tried(visitor, member.name, "something else entirely", "000000") for _ in range(14)]
    assert seen[-1].status == 429
    assert int(seen[-1].headers["retry-after"]) <= 3600
    member.campus.sleep(timedelta(hours=1, minutes=1))
    assert tried(visitor, member.name, member.password, member.next_code()).url == "/account"


def test_a_session_ends_by_itself(member: Member, visitor: Visitor) -> None:
    """After fifteen minutes without a request, and after eight hours in any case."""
    member.logged_in(visitor)
    member.campus.sleep(timedelta(minutes=14))
    assert visitor.get("/account").url == "/account"
    member.campus.sleep(timedelta(minutes=16))
    assert visitor.get("/account").url == "/login"
    member.logged_in(visitor)
    for _ in range(8 * 6):
        member.campus.sleep(timedelta(minutes=10))
        last = visitor.get("/account").url
    assert last == "/login"


def test_log_out_voids_the_cookie(member: Member, visitor: Visitor) -> None:
    """Also a copy of it; it takes a form of ours."""
    page = member.logged_in(visitor)
    kept = visitor.cookies[SESSION]
    assert visitor.post("/logout", {}).status == 403
    assert "You are logged out" in visitor.fill(page).text
    visitor.cookies[SESSION] = kept
    assert visitor.get("/account").url == "/login"


def test_a_form_of_before_log_in_is_void_after_it(member: Member, visitor: Visitor) -> None:
    """The token belongs to the session."""
    before = visitor.get("/login").forms[0][1]["csrf_token"]
    member.logged_in(visitor)
    assert visitor.post("/logout", {"csrf_token": before}).status == 403


class Recorded:
    """Writes down which methods of a part are called."""

    def __init__(self, inner: object, calls: list[str]) -> None:
        self._inner, self._calls = inner, calls

    def __getattr__(self, name: str) -> Any:
        self._calls.append(name)
        return getattr(self._inner, name)


@pytest.mark.parametrize("with_recovery_code", [False, True])
def test_whoever_is_refused_had_the_same_questions_asked(
    site: Campus, member: Member, with_recovery_code: bool
) -> None:
    """Of ledger, directory and throttle, in the same order: how long it takes tells nothing. (How long the directory
    takes for a name that is not there is told in test_portal_directory.)"""
    locked = activated(site, a_student("20000002", "G1234566", surname="WONG", given_names="Siu Ming"))
    lock = Hold(HoldKind.LOCK, site.world.clock.now(), None, "stolen", "ops")
    site.world.ledger.hold(locked.person_id, lock)
    calls: list[str] = []
    parts: dict[str, Any] = {
        name: Recorded(getattr(site.desk, name), calls) for name in ("ledger", "directory", "throttle")
    }
    log_in = services.log_in(replace(site.desk, **parts))
    asked = []
    for name in ("nobody", "*)(uid=*", member.name, locked.name, ""):
        calls.clear()
        entered = Entered(name, "something else entirely", "123456", with_recovery_code, "192.0.2.1")
        assert log_in.judge(entered, site.world.clock.now()) == NotAdmitted()
        asked.append(list(calls))
    assert all(one == asked[0] for one in asked)
    assert {"account_named", "bind", "factor", "failed"} <= set(asked[0])


def test_strangers_slow_down_strangers_only(member: Member, visitor: Visitor) -> None:
    """In a browser where the owner logged in before, what others try from everywhere does not count; the cookie that
    tells is good for that name only, and opens nothing."""
    member.logged_in(visitor)
    visitor.fill(visitor.get("/account"))
    refused = [
        tried(Visitor(visitor.base), member.name, "something else entirely", "000000") for _ in range(14)
    ]
    assert refused[-1].status == 429
    assert visitor.cookies["__Host-known"] and member.name not in visitor.cookies["__Host-known"]
    assert member.logged_in(visitor).url == "/account"
    thief = Visitor(visitor.base, cookies={"__Host-known": visitor.cookies["__Host-known"]})
    assert thief.get("/account").url == "/login"
    assert NOT_ADMITTED in tried(thief, "nobody", "something else entirely", "000000").text


def test_where_the_directory_asks_for_codes_itself_log_in_still_works(site: Campus, base: str) -> None:
    """Password and code at the bind; with a recovery code, and to check the password again, the portal makes a code
    of its own, as often as needed; a code that was used here does not bind elsewhere."""
    site.world.clock.at = datetime.now(UTC)
    policy = site.world.policy
    site.world.policy = replace(
        policy,
        directory=replace(policy.directory, tokens_base=f"ou=tokens,{site.rig.base}"),
        portal=replace(policy.portal, enforce_second_factor=frozenset({"students"})),
    )
    member, directory = activated(site, a_student()), site.desk.directory
    assert directory.is_enforced(member.person_id)
    assert directory.bind(member.name, member.password) is BindAnswer.WRONG
    for code in member.codes[:2]:
        seen = tried(Visitor(base), member.name, member.password, code, "/login?with=recovery-code")
        assert seen.url == "/account/codes"
    check = services.credentials(site.desk)
    at = site.world.clock.now()
    for _ in range(2):
        assert check.has_password(member.person_id, member.name, member.password, at)
        assert not check.has_password(member.person_id, member.name, "something else entirely", at)
    assert directory.bind(member.name, member.password, member.code) is BindAnswer.WRONG
    directory.put_token(member.person_id, member.secret)
    code = member.next_code()
    assert tried(Visitor(base), member.name, member.password, code).url == "/account"
    assert directory.bind(member.name, member.password, code) is BindAnswer.WRONG
