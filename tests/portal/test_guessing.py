"""Guessing at the door, over HTTP: how far somebody comes who tries birth dates or passwords, from one place and from
many, at one portal and at two, and that its owner comes in meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from provisiond.adapters.portal_state.sessions import SqlSessions
from provisiond.adapters.portal_state.store import Store
from provisiond.adapters.portal_state.throttle import SqlThrottle
from provisiond.portal.desk import Desk
from provisiond.portal.known_browser import COOKIE
from provisiond.portal.rules import CodeWanted
from provisiond.portal.visit import SESSION_COOKIE
from tests.rigs.campus_portal import BORN_ON, DIGESTS, HKID, Campus, a_student, campus
from tests.rigs.member import activated
from tests.rigs.portal import RULES, serving
from tests.rigs.slapd import SlapdRig
from tests.rigs.visitor import Seen, Visitor

FIRST = BORN_ON - timedelta(days=2000)  # of the dates that are tried; the right one is the 2001st
MINUTE = timedelta(minutes=1)


@dataclass
class Street:
    """The campus behind a proxy that tells who asks; its portal can be opened again, and twice."""

    place: Campus
    desk: Desk
    folder: Path
    stack: ExitStack
    base: str = ""

    def portal(self, **rules: object) -> str:
        """Another one on the same memory, as after a restart or on another machine."""
        store = self.stack.enter_context(closing(Store.in_file(self.folder / "portal-state.sqlite")))
        sessions = SqlSessions(store, idle_after=RULES.idle_after, lasts_for=RULES.session_lasts)
        given = replace(self.desk.rules, **rules)  # type: ignore[arg-type]
        opened = replace(self.desk, sessions=sessions, throttle=SqlThrottle(store), rules=given)
        return self.stack.enter_context(serving(opened))

    def at(self, number: int, base: str | None = None) -> Visitor:
        """Somebody in a house of their own."""
        address = f"10.{number >> 8 & 255}.{number & 255}.7"
        return Visitor(base or self.base, headers={"X-Forwarded-For": address})


@pytest.fixture
def street(slapd: SlapdRig, tmp_path: Path) -> Iterator[Street]:
    with campus(slapd, tmp_path) as place, ExitStack() as stack:
        street = Street(place, replace(place.desk, trusts_proxy=True), tmp_path, stack)
        street.base = street.portal()
        yield street


def identify(visitor: Visitor, number: str, student_id: str = "20000001") -> Seen:
    visitor.fill(visitor.get("/activate"), accept="y")
    page = visitor.get("/activate/identity")
    return visitor.fill(page, student_id=student_id, number=number, follow=False)


def ready_for_dates(visitor: Visitor) -> Seen:
    visitor.fill(visitor.get("/activate"), accept="y")
    return visitor.get("/activate/birth")


def try_date(visitor: Visitor, page: Seen, on: date) -> Seen:
    given = {"student_id": "20000001", "day": str(on.day), "month": str(on.month), "year": str(on.year)}
    return visitor.filled(page, given, follow=False)


def log_in(visitor: Visitor, name: str, password: str, code: str) -> Seen:
    return visitor.fill(visitor.get("/login"), name=name, password=password, code=code, follow=False)


# -- birth dates -----------------------------------------------------------------------------------------
def test_a_day_of_guessing_from_one_place_tries_thirty_dates_of_four_thousand(street: Street) -> None:
    """… also where the code is never asked for: most are put off, and after thirty no knowledge is believed."""
    street.place.enrol(a_student())
    base = street.portal(activation_code=CodeWanted.NEVER)
    looked_at = 0
    for hour in range(24):
        visitor = street.at(1, base)
        page = ready_for_dates(visitor)
        for minute in range(0, 60, 5):
            if minute % 15 == 10:  # a session lasts a quarter of an hour without a request
                page = ready_for_dates(visitor)
            seen = try_date(visitor, page, FIRST + timedelta(days=hour * 12 + minute // 5))
            assert seen.status in (200, 303, 429)
            looked_at += seen.status == 200
            if seen.status == 303:  # besieged: a code is asked for, whatever was written
                assert seen.headers["location"] == "/activate/code"
                page = ready_for_dates(visitor)
            street.place.sleep(timedelta(minutes=5))
    assert looked_at == 30


def test_counts_outlive_a_restart_and_are_shared_by_two_portals(street: Street) -> None:
    """Four wrong ones here, four there: the ninth waits, at either and at one that has just been started."""
    street.place.enrol(a_student())
    other = street.portal(activation_code=CodeWanted.NEVER)
    first = street.portal(activation_code=CodeWanted.NEVER)
    statuses = []
    for number in range(8):
        visitor = street.at(1, (first, other)[number % 2])
        statuses.append(try_date(visitor, ready_for_dates(visitor), FIRST + timedelta(days=number)).status)
    assert statuses == [200] * 5 + [429] * 3
    again = street.portal(activation_code=CodeWanted.NEVER)
    visitor = street.at(1, again)
    assert try_date(visitor, ready_for_dates(visitor), BORN_ON).status == 429


def test_pauses_grow_up_to_a_quarter_of_an_hour(street: Street) -> None:
    """2, 4, 8 … seconds; the rate of the hour may ask for more."""
    street.place.enrol(a_student())
    waits = []
    for _ in range(60):
        visitor = street.at(1)
        seen = identify(visitor, "G123456(A)")
        if seen.status == 429:
            waits.append(int(seen.headers["retry-after"]))
            street.place.sleep(timedelta(seconds=waits[-1]))
    pauses = [wait for wait in waits if wait <= 900]
    assert pauses[:8] == [2, 4, 8, 16, 32, 64, 128, 256] and pauses[-1] == 900
    assert max(waits) <= 3600


# -- many against one ------------------------------------------------------------------------------------
def test_whom_everybody_tries_comes_in_by_the_mailed_code(street: Street) -> None:
    """Strangers in thirty houses spend what a person may be tried in a day; then a right number alone opens
    nothing, to nobody, and a wrong one looks the same. The owner reads the code and goes on."""
    street.place.enrol(a_student())
    for number in range(30):
        assert identify(street.at(number), "G123456(A)").status == 200
    wrong = identify(street.at(41), "G123456(A)")
    owner = street.at(42)
    right = identify(owner, HKID)
    assert (wrong.status, wrong.headers["location"]) == (right.status, right.headers["location"])
    assert right.headers["location"] == "/activate/code"
    account = street.place.world.account("20000001")
    sent = DIGESTS.activation_code(account.person_id, street.place.world.clock.now())
    seen = owner.fill(owner.get("/activate/code"), code=sent, follow=False)
    assert seen.headers["location"] == "/activate/account"


def test_whom_everybody_tries_logs_in(street: Street) -> None:
    """Strangers in many houses keep out neither a browser that is new here nor a known one; those at the owner's own
    address keep out other browsers there, not the owner's."""
    member = activated(street.place, a_student())
    owner = street.at(1)
    member.logged_in(owner)
    owner.fill(owner.get("/account"))  # log out
    for number in range(2, 14):
        log_in(street.at(number), member.name, "a wrong password", "000000")
    assert log_in(street.at(20), member.name, member.password, member.next_code()).status == 303
    besides = [log_in(street.at(1), member.name, "a wrong password", "000000").status for _ in range(8)]
    assert besides == [422] * 5 + [429] * 3
    assert log_in(street.at(1), member.name, member.password, member.code).status == 429
    assert log_in(owner, member.name, member.password, member.next_code()).headers["location"] == "/account"


def test_a_known_browser_is_known_for_its_owner_only(street: Street) -> None:
    """Neither a made-up mark nor somebody else's opens a lane."""
    member = activated(street.place, a_student())
    other = activated(street.place, a_student("20000002", "G1234566", surname="WONG", given_names="Siu Ming"))
    theirs = street.at(1)
    other.logged_in(theirs)
    for _ in range(8):
        log_in(street.at(30), member.name, "a wrong password", "000000")
    for mark in (theirs.cookies[COOKIE], "x." + "0" * 64, "", "x", "." * 500):
        visitor = street.at(30)
        visitor.cookies[COOKIE] = mark
        assert log_in(visitor, member.name, member.password, member.code).status == 429


def test_a_forgotten_password_tells_guessers_nothing_in_a_siege(street: Street) -> None:
    """Where activation would ask for the code, this page waits, whether the number is right or wrong."""
    street.place.enrol(a_student())
    for number in range(30):
        identify(street.at(number), "G123456(A)")
    for typed in (HKID, "G123456(A)"):
        for path in ("/forgotten", "/new-phone"):
            visitor = street.at(99)
            seen = visitor.fill(visitor.get(path), student_id="20000001", number=typed, follow=False)
            assert seen.status == 429
            street.place.sleep(MINUTE)


def test_a_known_browser_opens_nothing(street: Street) -> None:
    member = activated(street.place, a_student())
    owner = street.at(1)
    member.logged_in(owner)
    del owner.cookies[SESSION_COOKIE]
    assert owner.get("/account").url == "/login"
    assert log_in(owner, member.name, "a wrong password", member.next_code()).status == 422


def test_one_network_cannot_try_everybody(street: Street) -> None:
    """Spraying: one date at many students, from one house."""
    base = street.portal()
    visitor = street.at(1, base)
    page, statuses = ready_for_dates(visitor), []
    for number in range(125):
        given = {"student_id": f"{20000000 + number}", "day": "9", "month": "3", "year": "2005"}
        statuses.append(visitor.filled(page, given, follow=False).status)
        page = visitor.get("/activate/birth")
    assert statuses.count(429) == 5


def test_a_forged_address_changes_no_count(street: Street) -> None:
    """Without a proxy in front of it the portal believes no header; behind one it believes the last hop."""
    street.place.enrol(a_student())
    with serving(street.place.desk) as base:
        statuses = [
            identify(Visitor(base, headers={"X-Forwarded-For": f"10.0.{n}.1"}), "G123456(A)").status
            for n in range(8)
        ]
    assert statuses == [200] * 5 + [429] * 3
    behind = [
        identify(
            Visitor(street.base, headers={"X-Forwarded-For": f"10.0.{n}.1, 192.0.2.9"}), "G123456(A)"
        ).status
        for n in range(8)
    ]
    assert behind == [200] * 5 + [429] * 3
