"""Where a person is logged in, and ending that elsewhere, over HTTP, on a real slapd and a SQLite ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from provisiond.portal.account import services
from tests.rigs.campus_portal import Campus, a_student, campus
from tests.rigs.intruder import send
from tests.rigs.member import Member, activated
from tests.rigs.portal import serving
from tests.rigs.slapd import SlapdRig
from tests.rigs.visitor import Seen, Visitor

FIREFOX = "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"
LOG_INS, END = "/account/log-ins", "/account/log-ins/end"


@pytest.fixture
def site(slapd: SlapdRig, tmp_path: Path) -> Iterator[Campus]:
    with campus(slapd, tmp_path) as made:
        yield made


@pytest.fixture
def base(site: Campus) -> Iterator[str]:
    with serving(site.desk) as address:
        yield address


@pytest.fixture
def member(site: Campus) -> Member:
    return activated(site, a_student())


def inside(member: Member, base: str, **headers: str) -> Visitor:
    visitor = Visitor(base, headers=headers)
    assert member.logged_in(visitor).url == "/account"
    return visitor


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/account").url == "/account"


def names(page: Seen) -> list[str]:
    """What the buttons for one log-in send."""
    return re.findall(r'name="log_in" value="([0-9a-f]+)"', page.text)


def rows(page: Seen) -> list[str]:
    """Each in plain text."""
    body = page.text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in body.split("</tr>")[:-1]]


def test_every_log_in_is_shown_with_its_times_and_kind_of_device(member: Member, base: str) -> None:
    """This one first; a minute of use is as fine as it gets."""
    other = inside(member, base, **{"User-Agent": FIREFOX})
    member.campus.sleep(timedelta(minutes=7))
    assert is_in(other)
    visitor = inside(member, base, **{"User-Agent": "curl/8.14.1"})
    page = visitor.get(LOG_INS)
    here, there = rows(page)
    assert re.match(r"Another browser 24 November 2026, 12:0\d now, by you here$", here)
    shown = re.match(
        r"Firefox on Android 24 November 2026, (12:\d\d) 24 November 2026, (12:\d\d) Log out there", there
    )
    assert shown and shown[1] < shown[2]
    assert len(names(page)) == 1


def test_of_what_a_browser_says_its_kind_alone_is_kept(member: Member, base: str, tmp_path: Path) -> None:
    """Neither the whole header nor the address, in either database; and nothing before the log-in."""
    agent = FIREFOX + " (a-word-to-look-for)"
    visitor = Visitor(base, headers={"User-Agent": agent})
    visitor.get("/activate")
    visitor.fill(visitor.get("/activate"), accept="y")
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Firefox" not in written
    member.logged_in(visitor)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Firefox/Android" in written
    assert not [one for one in (b"a-word-to-look-for", b"145.0", b"Gecko", b"127.0.0.1") if one in written]


def test_a_log_in_elsewhere_is_ended(member: Member, base: str) -> None:
    """At once and for a copy of its cookie too; the others stay, and the history tells it."""
    visitor, first, second = (inside(member, base) for _ in range(3))
    page = visitor.get(END)
    kept = dict(first.cookies)
    ended = visitor.fill(page, form=1, log_in=names(page)[1])  # the one that was used last comes first
    assert ended.url == f"{LOG_INS}?done=one" and "Logged out there" in ended.text
    assert len(rows(ended)) == 2
    assert [is_in(one) for one in (visitor, first, second)] == [True, False, True]
    assert not is_in(Visitor(base, cookies=kept))
    assert member.events()[-1] == "log-in-ended"
    assert "A log-in elsewhere was ended." in visitor.get("/account/activity").text
    again = visitor.fill(page, form=1, log_in=names(page)[1])
    assert "Nothing was ended" in again.text
    assert member.events().count("log-in-ended") == 1


def test_all_others_are_ended_and_never_this_one(member: Member, base: str) -> None:
    visitor, *others = (inside(member, base) for _ in range(3))
    ended = visitor.fill(visitor.get(END), form=1, log_in="others")
    assert ended.url == f"{LOG_INS}?done=others" and "You are logged in here only" in ended.text
    assert [is_in(one) for one in (visitor, *others)] == [True, False, False]
    assert member.events()[-1] == "other-log-ins-ended"
    again = send(member.campus.desk, visitor, END, {"log_in": "others"})
    assert again.headers["location"] == f"{LOG_INS}?done=none"
    assert is_in(visitor)
    assert member.events().count("other-log-ins-ended") == 1


def test_a_log_in_that_was_idle_too_long_is_no_other(member: Member, base: str) -> None:
    """What the list does not show is not told as ended."""
    inside(member, base)
    member.campus.sleep(member.campus.desk.rules.idle_after + timedelta(minutes=1))
    visitor = inside(member, base)
    ended = send(member.campus.desk, visitor, END, {"log_in": "others"})
    assert ended.headers["location"] == f"{LOG_INS}?done=none"
    assert "other-log-ins-ended" not in member.events()


def test_this_log_in_is_not_ended_by_its_own_name(member: Member, base: str) -> None:
    visitor, desk = inside(member, base), member.campus.desk
    token = visitor.cookies["__Host-session"]
    (this,) = desk.sessions.logged_in(member.person_id, token, desk.clock.now())
    name = services.log_ins(desk).name(member.person_id, this)
    assert name not in visitor.get(END).text
    for wrong in (name, this.mark, "", "others "):
        assert send(desk, visitor, END, {"log_in": wrong}).headers["location"] == f"{LOG_INS}?done=none"
    assert is_in(visitor)


def test_another_persons_log_in_is_neither_seen_nor_ended(site: Campus, member: Member, base: str) -> None:
    """Whatever names it: their own page's word, what it would be called here, or what the database has."""
    other = activated(site, a_student("20000002", "G1234566", surname="WONG", given_names="Siu Ming"))
    theirs, spare, visitor = inside(other, base), inside(other, base), inside(member, base)
    assert len(rows(visitor.get(END))) == 1
    service, at = services.log_ins(site.desk), site.desk.clock.now()
    told = names(theirs.get(END))
    known = site.desk.sessions.logged_in(other.person_id, theirs.cookies["__Host-session"], at)
    told += [service.name(member.person_id, one) for one in known] + [one.mark for one in known]
    for name in told:
        assert send(site.desk, visitor, END, {"log_in": name}).headers["location"] == f"{LOG_INS}?done=none"
    send(site.desk, visitor, END, {"log_in": "others"})
    assert is_in(theirs) and is_in(spare)
    assert "log-in-ended" not in member.events() + other.events()


def test_nothing_is_ended_by_a_form_that_is_not_ours(member: Member, base: str) -> None:
    visitor, other = inside(member, base), inside(member, base)
    page = visitor.get(END)
    for which in (names(page)[0], "others"):
        assert visitor.post(END, {"log_in": which}).status == 403
        token = other.get(END).forms[1][1]["csrf_token"]
        assert visitor.post(END, {"log_in": which, "csrf_token": token}).status == 403
    assert is_in(other)


def test_ending_wants_fresh_proof_and_looking_does_not(member: Member, base: str) -> None:
    """The way leads back to the list, which says since when one is logged in all the same."""
    visitor, other = inside(member, base), inside(member, base)
    page, since = visitor.get(END), rows(visitor.get(LOG_INS))[0]
    member.campus.sleep(timedelta(minutes=6))
    assert is_in(other)
    looked = visitor.get(LOG_INS)
    assert len(rows(looked)) == 2 and not names(looked) and f'href="{END}"' in looked.text
    asked = visitor.fill(page, form=1, log_in="others")
    assert asked.url == "/account/confirm" and is_in(other)
    back = member.confirmed(visitor, asked)
    assert back.url == END and rows(back)[0] == since
    visitor.fill(back, form=1, log_in=names(back)[0])
    assert not is_in(other)


def test_a_page_asks_for_its_session_once(member: Member, base: str) -> None:
    """One statement, whatever it knows."""
    visitor = inside(member, base)
    with member.campus.statements() as asked:
        visitor.get("/account/security")
    assert sum("portal_session" in one for one in asked) == 1
