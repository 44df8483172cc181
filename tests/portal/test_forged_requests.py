"""Requests that no page of ours sends, over HTTP on the real application: from other sites, with other tokens, by
other methods, under other names, too long, or under a session that somebody else chose."""

from __future__ import annotations

import re
import secrets
import socket
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from provisiond.portal import csrf
from provisiond.portal.application import Page
from provisiond.portal.site import PAGES
from provisiond.portal.visit import SESSION_COOKIE, Stage
from tests.rigs.intruder import Seat, named_in, raw, seated, send, token_of, wrong_with
from tests.rigs.prey import Prey
from tests.rigs.visitor import Visitor

TAKING = [page for page in PAGES if page.post]
READING = [page for page in PAGES if page.get]
NOT_OURS: tuple[dict[str, str], ...] = (
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "none"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://localhost.evil.example"},
)


def id_of(page: Page) -> str:
    return page.path


def path_of(page: Page) -> str:
    return page.path.replace("{name}", "nobody")


def allowed(page: Page, prey: Prey) -> list[Seat]:
    """Sessions that may send this form."""
    return [seat for seat in prey.seats().values() if page.stage in (Stage.VISITOR, seat.stage)]


def facts(prey: Prey) -> object:
    """What the ledger knows of both persons, all of it."""
    ledger = prey.place.portal_ledger
    people = (prey.member.person_id, prey.newcomer)
    return [(ledger.account(one), ledger.history(one), ledger.recovery_codes(one)) for one in people]


# -- forms that are not ours -----------------------------------------------------------------------------
@pytest.mark.parametrize("page", TAKING, ids=id_of)
def test_no_form_is_taken_without_its_own_token(prey: Prey, page: Page) -> None:
    """None, an empty one, one of another session, one that was cut, a repeated one whose first is wrong."""
    desk, before = prey.place.desk, facts(prey)
    for seat in allowed(page, prey):
        visitor, other = seated(desk, prey.base, seat), seated(desk, prey.base, seat)
        mine, theirs = token_of(desk, visitor), token_of(desk, other)
        for sent in (None, "", theirs, mine[:-4], mine[::-1], "A" * 88):
            given = {} if sent is None else {csrf.FIELD: sent}
            seen = raw(visitor, "POST", page.path, urlencode({"x": "y", **given}).encode())
            assert (seen.status, wrong_with(seen)) == (403, []), sent
        twice = urlencode([(csrf.FIELD, mine), (csrf.FIELD, theirs)]).encode()
        assert raw(visitor, "POST", page.path, twice).status == 403
    assert facts(prey) == before


@pytest.mark.parametrize("page", TAKING, ids=id_of)
def test_no_form_is_taken_from_another_site(prey: Prey, page: Page) -> None:
    """Whatever token it brings."""
    desk, before = prey.place.desk, facts(prey)
    for seat in allowed(page, prey):
        for headers in NOT_OURS:
            visitor = seated(desk, prey.base, seat)
            body = urlencode({csrf.FIELD: token_of(desk, visitor)}).encode()
            assert raw(visitor, "POST", page.path, body, **headers).status == 403
    assert facts(prey) == before


@pytest.mark.parametrize("page", [page for page in TAKING if page.stage is not Stage.VISITOR], ids=id_of)
def test_a_form_of_another_stage_is_not_taken(prey: Prey, page: Page) -> None:
    """No step can be left out: who has not come that far is led back, and nothing is done. (Pages of
    activation are for visitors and look at the session themselves: test_activation.py.)"""
    desk, before = prey.place.desk, facts(prey)
    for seat in prey.seats().values():
        if seat.stage is not page.stage:
            seen = send(desk, seated(desk, prey.base, seat), page.path, {"x": "y"})
            assert seen.status == 303 and seen.headers["location"] in ("/", "/login")
    assert facts(prey) == before


def test_reading_changes_nothing(prey: Prey) -> None:
    """Every page is read in every session, and asked for its head: facts, history and directory stay as they were; a
    key that is shown and not confirmed is none of them."""
    before, entries = facts(prey), prey.everything()
    for page in READING:
        for seat in prey.seats().values():
            visitor = seated(prey.place.desk, prey.base, seat)
            for method in ("GET", "HEAD"):
                for query in ("", "?csrf_token=x&accept=y&code=1&step=save&done=phone&out=yes"):
                    assert raw(visitor, method, path_of(page) + query).status in (200, 303, 404, 422)
    assert (facts(prey), prey.everything()) == (before, entries)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X"])
def test_other_methods_are_refused(prey: Prey, method: str) -> None:
    for page in PAGES:
        seat = allowed(page, prey)[0]
        seen = raw(seated(prey.place.desk, prey.base, seat), method, path_of(page))
        assert seen.status == 405 and "access-control-allow-origin" not in seen.headers
        assert set(seen.headers["allow"].split(", ")) <= {"GET", "HEAD", "POST"}


# -- sessions --------------------------------------------------------------------------------------------
def test_a_cookie_that_somebody_planted_is_never_a_session(prey: Prey) -> None:
    """Neither one that was made up nor one of a stranger's own session: after log-in it is another one, and the
    planted one opens nothing."""
    desk = prey.place.desk
    own = seated(desk, prey.base, Seat(Stage.VISITOR, None, {}))
    for planted in (secrets.token_urlsafe(32), own.cookies[SESSION_COOKIE]):
        victim = Visitor(prey.base, cookies={SESSION_COOKIE: planted})
        assert prey.member.logged_in(victim).url == "/account"
        assert victim.cookies[SESSION_COOKIE] != planted
        attacker = Visitor(prey.base, cookies={SESSION_COOKIE: planted})
        assert attacker.get("/account").url == "/login"


def test_what_one_person_showed_proves_nothing_for_another(prey: Prey) -> None:
    """Somebody logged in, then another identity is proven in the same browser: no proof is left over."""
    desk = prey.place.desk
    visitor = seated(desk, prey.base, prey.seats()["member"])
    visitor.fill(visitor.get("/activate"), accept="y")
    session = desk.sessions.load(visitor.cookies[SESSION_COOKIE], desk.clock.now())
    assert session is not None and (session.person_id, session.proved_at) == (None, None)


def test_every_cookie_is_closed(prey: Prey) -> None:
    """Secure, for this host and not for scripts, whatever page sets it."""
    visitor = Visitor(prey.base)
    page = visitor.get("/login?lang=zh-Hant")
    filled = visitor.fill(
        page, follow=False, name=prey.member.name, password=prey.member.password, code=prey.member.next_code()
    )
    cookies = [*page.set_cookies, *filled.set_cookies]
    assert {cookie.split("=")[0] for cookie in cookies} == {
        "__Host-session",
        "__Host-language",
        "__Host-known",
    }
    for cookie in cookies:
        parts = set(cookie.split("; "))
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=lax"} <= parts
        assert "Domain" not in cookie and len(cookie) < 300


def test_log_out_clears_what_the_browser_kept(prey: Prey) -> None:
    visitor = seated(prey.place.desk, prey.base, prey.seats()["member"])
    seen = send(prey.place.desk, visitor, "/logout", {})
    assert seen.headers["clear-site-data"] == '"cache"'


# -- names, sizes, heads ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "evil.example:80",
        "127.0.0.1",
    ],
)
def test_a_name_that_is_not_ours_is_refused_and_never_written(prey: Prey, host: str) -> None:
    seen = raw(Visitor(prey.base, host=host), "GET", "/login", X_Forwarded_Host="evil.example")
    assert seen.status == 421 and "evil" not in seen.text + str(seen.headers)


@pytest.mark.parametrize("page", TAKING, ids=id_of)
def test_no_form_is_longer_than_its_limit_or_of_another_kind(prey: Prey, page: Page) -> None:
    desk = prey.place.desk
    visitor = seated(desk, prey.base, allowed(page, prey)[0])
    assert raw(visitor, "POST", page.path, b"x=" + b"y" * 65536).status == 413
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", "application/xml", ""):
        assert raw(visitor, "POST", page.path, b"{}", Content_Type=kind).status == 415


def answered(prey: Prey, head: bytes) -> bytes:
    """What comes back until the server closes, or the first answer."""
    host, port = prey.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as wire:
        wire.sendall(head)
        return wire.recv(65536)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n X-Folded: y\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=[
        "long header",
        "long path",
        "two lengths",
        "negative",
        "gzip",
        "folded NUL",
        "two hosts",
        "no host",
        "TLS",
    ],
)
def test_a_head_that_is_no_http_is_refused(prey: Prey, head: bytes) -> None:
    """… and the connection with it, so that nothing can hide behind it."""
    first = answered(prey, head).split(b"\r\n")[0]
    assert re.fullmatch(rb"HTTP/1.1 (400|413|421|431|501) .*", first), first


def test_a_chunked_body_has_the_same_limit(prey: Prey) -> None:
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    head = (
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    assert b" 413 " in answered(prey, head + chunk * 5 + b"0\r\n\r\n").split(b"\r\n")[0]


# -- where it leads --------------------------------------------------------------------------------------
def test_nothing_that_was_asked_decides_where_somebody_is_led(prey: Prey) -> None:
    """After log-in, confirmation and log-out: only to pages of ours."""
    member, desk = prey.member, prey.place.desk
    for name in ("next", "url", "return", "onward", "continue"):
        visitor = Visitor(prey.base)
        page = visitor.get(f"/login?{name}=https://evil.example/")
        given = {"name": member.name, "password": member.password, "code": member.next_code()}
        seen = visitor.filled(page, given | {name: "https://evil.example/"}, follow=False)
        assert seen.headers["location"] == "/account"
    seat = replace(prey.seats()["member"], proved=False)
    visitor = seated(desk, prey.base, seat)
    asked = visitor.get("/account/password?next=//evil.example")
    assert asked.url == "/account/confirm" and {"password", "code"} <= named_in(asked)
    seen = send(desk, visitor, "/account/confirm", {"password": member.password, "code": member.next_code()})
    assert seen.headers["location"] == "/account/password"
