"""Whatever stands in whichever field, query, path, cookie or header: an answer in which it is text, and a directory
in which nothing came of it. The walk takes every page of the site, so that a new one is attacked, too."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest

from provisiond.portal.application import Page
from provisiond.portal.known_browser import COOKIE as KNOWN_COOKIE
from provisiond.portal.site import PAGES
from provisiond.portal.visit import LANGUAGE_COOKIE, SESSION_COOKIE
from tests.rigs.intruder import Seat, named_in, raw, seated, send, token_of, wrong_with
from tests.rigs.prey import Prey
from tests.rigs.visitor import Visitor

BREAKOUT = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7331*7}}{%print(7331*7)%}${7331*7}#{7331*7}"
    "\r\nX-Injected: yes\r\n\r\n<h1>*)(uid=*))(|(uid=*\\2a,ou=people+cn=x;' OR '1'='1'; DROP TABLE account; --"
)
ODD = "\u202eabc\u2066\u200b\ufeff\ud7ff\U000e0001\x0b\x1f\x7f\x85\u2028%00%0d%0aSet-Cookie:x=y <b> %s %(x)s {0}"
PATHS = "javascript:alert(1)//https://evil.example/../../../etc/passwd\\\\evil=cmd|' /C calc'!A0"
LONG = "(&(uid=*)" * (60 * 1024 // 9)
SIGNS = {"breakout": BREAKOUT, "odd": ODD, "paths": PATHS}
ASKED = (
    "lang",
    "with",
    "by",
    "as",
    "done",
    "out",
    "next",
    "name",
    "department",
    "page",
    "after",
    "csrf_token",
    "x",
)


def paths(page: Page) -> str:
    return page.path.replace("{name}", "nobody")


def fields(prey: Prey, page: Page, seat: Seat) -> list[str]:
    """All that is named on that page, as this session sees it."""
    return sorted(
        named_in(raw(seated(prey.place.desk, prey.base, seat), "GET", paths(page))) - {"csrf_token", "lang"}
    )


TAKING = [page for page in PAGES if page.post]
READING = [page for page in PAGES if page.get]


def id_of(page: Page) -> str:
    return page.path


def test_the_walk_meets_the_fields_of_every_form(prey: Prey) -> None:
    """The test of the tests: a page whose form nobody sees would be attacked in vain."""
    met = {
        page.path: {field for seat in prey.seats().values() for field in fields(prey, page, seat)}
        for page in TAKING
        if page.get
    }
    buttons = {path for path, names in met.items() if not names}
    assert buttons <= {
        "/activate/codes",
        "/account/data",
        "/account/codes",
        "/account/new-codes",
        "/new-phone/codes",
    }
    assert met["/activate/identity"] == {"student_id", "number"} and met["/login"] == {
        "name",
        "password",
        "code",
    }
    assert met["/activate"] == {"accept"} and met["/account/alias"] == {"choice", "other"}
    assert met["/account/log-ins/end"] == {"log_in"}
    assert {"telephone_text", "telephone_seen", "unlisted"} <= met["/account/contact"]


@pytest.mark.parametrize("page", TAKING, ids=id_of)
def test_every_field_of_every_form_takes_whatever_is_written(prey: Prey, page: Page) -> None:
    """One field after the other, in every kind of session."""
    before = prey.everything()
    for who, seat in prey.seats().items():
        prey.place.sleep(timedelta(hours=2))
        for field in fields(prey, page, seat) or ["x"]:
            for what, text in SIGNS.items():
                visitor = seated(prey.place.desk, prey.base, seat)
                seen = send(prey.place.desk, visitor, page.path, {field: text})
                assert wrong_with(seen) == [], (who, field, what)
    assert prey.everything().keys() == before.keys()


@pytest.mark.parametrize("page", TAKING, ids=id_of)
def test_every_form_takes_all_of_it_at_once(prey: Prey, page: Page) -> None:
    """… and what is too long, not text at all, or comes twice."""
    for seat in prey.seats().values():
        names = fields(prey, page, seat) or ["x"]
        for text in SIGNS.values():
            visitor = seated(prey.place.desk, prey.base, seat)
            assert wrong_with(send(prey.place.desk, visitor, page.path, dict.fromkeys(names, text))) == []
        visitor = seated(prey.place.desk, prey.base, seat)
        assert wrong_with(send(prey.place.desk, visitor, page.path, {names[0]: LONG})) == []
        token = "csrf_token=" + quote(token_of(prey.place.desk, visitor))
        for body in (b"%ff%fe", b"\xff\xfe", b"a%00b", b"a&" + names[0].encode() + b"=b"):
            sent = f"{token}&{names[0]}=".encode() + body
            assert wrong_with(raw(visitor, "POST", page.path, sent)) == []


@pytest.mark.parametrize("page", READING, ids=id_of)
def test_every_query_takes_whatever_is_written(prey: Prey, page: Page) -> None:
    for seat in prey.seats().values():
        visitor = seated(prey.place.desk, prey.base, seat)
        for text in SIGNS.values():
            query = urlencode(dict.fromkeys(ASKED, text), errors="surrogatepass")
            assert wrong_with(raw(visitor, "GET", f"{paths(page)}?{query}")) == []
        for query in ("%ff", "lang=%ff", "a=%00", "&" * 500, "lang=zh-Hant&lang=en", "lang[]=en", "\u00e9=1"):
            assert wrong_with(raw(visitor, "GET", f"{paths(page)}?{quote(query, safe='%&=[]')}")) == []


@pytest.mark.parametrize("text", [*SIGNS.values(), "..", "%2e%2e%2f", "a/../../b", "\u202e", "x" * 8000])
def test_every_path_takes_whatever_is_written(prey: Prey, text: str) -> None:
    visitor = Visitor(prey.base)
    for before in ("/", "/directory/", "/static/", "/account/", "/activate/"):
        for after in ("", ".vcf"):
            seen = raw(visitor, "GET", before + quote(text, safe="") + after)
            assert [fault for fault in wrong_with(seen) if not fault.startswith("kept")] == []
            assert seen.status in (200, 404, 429)


@pytest.mark.parametrize("text", [*SIGNS.values(), "x" * 4000, "a=b; c=d; __Host-session=", '"quoted\\"'])
def test_every_cookie_and_header_takes_whatever_is_written(prey: Prey, text: str) -> None:
    """As far as a client can write it at all."""
    written = (
        text.replace("\r", "").replace("\n", "").replace("\x0b", "").replace("\x1f", "").replace("\x7f", "")
    )
    for path in ("/login", "/account", "/directory?name=chan"):
        for name in (SESSION_COOKIE, LANGUAGE_COOKIE, KNOWN_COOKIE):
            visitor = Visitor(prey.base, cookies={name: written.encode().decode("latin-1")})
            assert wrong_with(raw(visitor, "GET", path)) == []
        for name in ("Accept_Language", "X_Forwarded_For", "Origin", "Referer", "User_Agent", "X_Own_Check"):
            headers = {name.replace("_", "-"): written.encode().decode("latin-1")}
            assert wrong_with(raw(Visitor(prey.base, headers=headers), "GET", path)) == []


def test_nothing_came_of_it(prey: Prey) -> None:
    """The daemon finds nobody else's data changed, and every mail goes to the address that the registry has."""
    prey.place.world.cycle()
    account = prey.place.world.account("20000001")
    addresses = {record.personal_mail for record in account.records} | {
        f"{prey.member.name}@connect.example.edu"
    }
    assert {item.address for item in account.outbox} <= addresses
    assert not any(prey.everything()[dn].count("<script") for dn in prey.everything() if "ou=people" in dn)
    assert prey.place.world.account("20000009").activated_at is None
