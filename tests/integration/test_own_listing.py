"""Contact details, names, and what an account's owner may know, over HTTP, on a real slapd and a SQLite ledger; the
daemon's cycle carries out what was chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisiond.domain.model import Hold, HoldKind, Level, Status
from tests.rigs.campus_portal import HKID, Campus, a_student, campus
from tests.rigs.lives import TODAY
from tests.rigs.member import Member, activated
from tests.rigs.portal import serving
from tests.rigs.slapd import SlapdRig
from tests.rigs.visitor import Seen, Visitor

CONTACT = {
    "telephone_text": "(852) 9123-4567",
    "telephone_seen": "university",
    "website_text": "example.org/me",
    "website_seen": "everyone",
    "office_text": "Room 301",
    "office_seen": "nobody",
}


@pytest.fixture
def site(slapd: SlapdRig, tmp_path: Path) -> Iterator[Campus]:
    with campus(slapd, tmp_path) as made:
        yield made


@pytest.fixture
def visitor(site: Campus) -> Iterator[Visitor]:
    with serving(site.desk) as address:
        yield Visitor(address)


def a_member(site: Campus, visitor: Visitor, **facts: Any) -> Member:
    """Logged in."""
    member = activated(site, a_student(**facts))
    member.logged_in(visitor)
    return member


def previewed(visitor: Visitor, **values: str) -> Seen:
    return visitor.filled(visitor.get("/account/contact"), values, form=1)


def saved(visitor: Visitor, page: Seen) -> Seen:
    return visitor.fill(page, form=1, step="save")


def parts_of(page: Seen) -> tuple[str, str]:
    """What everyone sees, and what members of the University see beside it."""
    _, _, shown = page.text.partition("<h2>Everyone sees</h2>")
    everyone, _, university = shown.partition("<h2>Members of the University also see</h2>")
    return everyone, university


def test_contact_details_are_looked_at_before_they_are_kept(site: Campus, visitor: Visitor) -> None:
    """The preview shows each audience its own; only saving is an order, which the next cycle carries out."""
    member = a_member(site, visitor)
    page = previewed(visitor, **CONTACT)
    everyone, university = parts_of(page)
    assert "https://example.org/me" in everyone and "+852 9123 4567" not in everyone
    assert "+852 9123 4567" in university
    assert "Room 301" not in everyone + university.partition("<form")[0]
    assert member.account.contact == ()
    assert "Saved" in saved(visitor, page).text
    site.world.cycle()
    public = site.desk.listings.listing(member.name)
    assert public is not None
    assert public.attributes["labeleduri"] == ("https://example.org/me",)
    assert "telephonenumber" not in public.attributes
    assert "contact-set" in member.events()


def test_the_form_comes_back_with_what_was_written(site: Campus, visitor: Visitor) -> None:
    """From the preview, and another day."""
    a_member(site, visitor)
    page = previewed(visitor, **CONTACT)
    again = visitor.fill(page, form=1, step="edit")
    assert again.forms[1][1]["telephone_text"] == CONTACT["telephone_text"]
    saved(visitor, page)
    stands = visitor.get("/account/contact").forms[1][1]
    assert stands["telephone_text"] == "+852 9123 4567"
    assert (stands["telephone_seen"], stands["website_seen"]) == ("university", "everyone")


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("telephone_text", "call me", "Enter a telephone number"),
        ("website_text", "javascript:alert(1)", "it must begin with https://"),
        ("preferred_name_text", "Vice-Chancellor", "sounds like an office"),
        ("pronouns_text", "she\u202eher", "nobody can see"),
        ("office_text", "x" * 100, "too long"),
    ],
)
def test_a_faulty_field_is_told_in_words(
    site: Campus, visitor: Visitor, field: str, value: str, fault: str
) -> None:
    """And nothing is kept, also where the preview is skipped."""
    offices = frozenset({"vice-chancellor"})
    policy = replace(site.desk.policy, portal=replace(site.desk.policy.portal, offices=offices))
    with serving(replace(site.desk, policy=policy)) as address:
        there = Visitor(address)
        member = a_member(site, there)
        seen = previewed(there, **{field: value, "step": "save"})
        assert seen.status == 422
        assert fault in seen.text
        assert member.account.contact == ()


def test_what_was_written_is_shown_as_text(site: Campus, visitor: Visitor) -> None:
    """No markup of others ever reaches a page, nor a header."""
    a_member(site, visitor)
    evil = "<script>alert(1)</script>{{ 7*7 }}"
    seen = previewed(visitor, office_text=evil, office_seen="everyone")
    assert "<script>alert" not in seen.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in seen.text


def test_who_wants_no_listing_has_none(site: Campus, visitor: Visitor) -> None:
    """Previewed, saved, carried out."""
    member = a_member(site, visitor)
    page = previewed(visitor, unlisted="y", **CONTACT)
    assert "Nobody will see a listing of you, as you wish" in page.text
    saved(visitor, page)
    site.world.cycle()
    assert site.desk.listings.listing(member.name) is None
    assert "as you wished" in visitor.get("/account").text


def test_confidential_persons_stay_unlisted_and_know_it(site: Campus, visitor: Visitor) -> None:
    """Whatever they tick."""
    member = a_member(site, visitor, confidential=True)
    assert "keeps your record confidential" in visitor.get("/account/contact").text
    page = previewed(visitor, **CONTACT)
    assert "Nobody will see a listing of you" in page.text
    saved(visitor, page)
    site.world.cycle()
    assert site.desk.listings.listing(member.name) is None


def test_a_display_name_must_be_ones_own(site: Campus, visitor: Visitor) -> None:
    """In policy it reaches the directory; empty means the one that policy makes."""
    member = a_member(site, visitor)
    page = visitor.get("/account/display-name")
    assert "Your surname" in visitor.fill(page, form=1, name="Bill Gates").text
    assert "Tai Man CHAN" in visitor.fill(page, form=1, name="Tai Man CHAN").text
    site.world.cycle()
    shown = site.desk.directory.shown(member.person_id)
    assert shown is not None and shown.display_name == "Tai Man CHAN"
    visitor.fill(page, form=1, name="")
    assert member.account.display_name is None


def test_undergraduates_have_no_full_name_address(site: Campus, visitor: Visitor) -> None:
    """No link leads there; who goes there reads why, and a form that is sent all the same gives none."""
    member = a_member(site, visitor)
    assert "/account/alias" not in visitor.get("/account").text
    page = visitor.get("/account/alias")
    assert "for postgraduate students" in page.text
    token = page.forms[0][1]["csrf_token"]
    visitor.post("/account/alias", {"csrf_token": token, "choice": "Tai.Man.Chan"})
    assert member.account.aliases == ()


def test_a_postgraduate_chooses_an_address_and_may_change_it_once(site: Campus, visitor: Visitor) -> None:
    """What was given before to another is not among the suggestions, and cannot be had by typing it."""
    taken = activated(site, a_student("20000009", "G1234566", level=Level.RESEARCH_POSTGRADUATE))
    site.world.ledger.give_alias(
        taken.person_id, "Tai.Man.Chan", "connect.example.edu", "ops", site.world.clock.now()
    )
    member = a_member(site, visitor, level=Level.RESEARCH_POSTGRADUATE)
    assert 'href="/account/alias"' in visitor.get("/account").text
    page = visitor.get("/account/alias")
    assert 'value="Tai.Man.Chan"' not in page.text
    assert "given to somebody before" in visitor.fill(page, form=1, choice="", other="tai.man.chan").text
    assert "made of your own name" in visitor.fill(page, form=1, choice="", other="Bill.Gates").text
    assert "new address is on its way" in visitor.fill(page, form=1, choice="Peter.Chan").text
    assert "new address is on its way" in visitor.fill(page, form=1, choice="", other="T.M.Chan").text
    assert "every change that is possible" in visitor.get("/account/alias").text
    assert 'href="/account/alias"' in visitor.get("/account").text
    assert member.account.aliases == ("Peter.Chan", "T.M.Chan")
    site.world.cycle()
    shown = site.desk.directory.shown(member.person_id)
    assert shown is not None
    assert {"Peter.Chan@connect.example.edu", "T.M.Chan@connect.example.edu"} < set(shown.mail)


# -- what one may know ------------------------------------------------------------------------------------
def test_the_account_page_says_state_services_and_why(site: Campus, visitor: Visitor) -> None:
    """Groups by their words, where the configuration has some."""
    words = {"library": dict.fromkeys(site.desk.speeches, "Library loans")}
    with serving(replace(site.desk, rules=replace(site.desk.rules, services=words))) as address:
        there = Visitor(address)
        a_member(site, there)
        text = there.get("/account").text
    assert "The student registry says that you are registered for BSC-CS" in text
    assert "<li>Library loans</li>" in text and "<li>students</li>" in text
    assert "up to 1\N{NO-BREAK SPACE}GB" in text


def test_a_graduate_reads_the_last_day(site: Campus, visitor: Visitor) -> None:
    """And what comes after it."""
    a_member(site, visitor)
    site.enrol(a_student(status=Status.COMPLETED, status_on=TODAY))
    text = visitor.get("/account").text
    assert "you completed BSC-CS on 24 November 2026" in text
    assert "Last day of your services: 24 March 2027" in text


def test_activity_tells_who_changed_what_without_names_of_staff(site: Campus, visitor: Visitor) -> None:
    """Mails with masked addresses; operators' reasons are for the download."""
    member = a_member(site, visitor, personal_mail="taiman@example.org")
    freeze = Hold(HoldKind.FREEZE, site.world.clock.now(), None, "asked by the registry", "operator-ann")
    site.world.ledger.hold(member.person_id, freeze)
    text = visitor.get("/account/activity").text
    assert "The account was activated." in text and "Staff of the University" in text
    assert "t…n@example.org" in text
    assert "operator-ann" not in text and "taiman@example.org" not in text


def test_ones_own_data_come_whole_and_without_secrets(site: Campus, visitor: Visitor) -> None:
    """Everything that is kept but digests, codes and names of staff; the download leaves a line."""
    member = a_member(site, visitor, personal_mail="taiman@example.org")
    saved(visitor, previewed(visitor, **CONTACT))
    seen = visitor.fill(visitor.get("/account/data"), form=1)
    assert seen.headers["content-disposition"] == f'attachment; filename="{member.name}.json"'
    data = json.loads(seen.text)
    assert data["account"]["account_name"] == member.name
    assert data["registry_records"][0]["chinese_name"] == "陳大文"
    assert data["listing"]["details"][1]["value"] == "Room 301"
    assert data["security"]["recovery_codes_left"] == 10
    assert next(line["event"] for line in data["history"]) == "account-created"
    record = member.account.records[0]
    kept = site.portal_ledger.recovery_codes(member.person_id)
    assert kept is not None
    secret = [record.hkid_digest, record.birth_digest, kept.salt.hex(), HKID[:7], *member.codes]
    assert not [one for one in secret if one and one in seen.text]
    assert member.events()[-1] == "data-downloaded"


def test_pages_of_an_account_are_its_owners(site: Campus, visitor: Visitor) -> None:
    """Nothing in an address or a form names a person; a stranger meets the log-in everywhere."""
    a_member(site, visitor)
    stranger = Visitor(visitor.base)
    for path in ("", "/contact", "/display-name", "/alias", "/security", "/password", "/phone", "/codes"):
        assert stranger.get(f"/account{path}").url == "/login"
    for path in ("/activity", "/data", "/new-codes", "/confirm", "/log-ins", "/log-ins/end"):
        assert stranger.get(f"/account{path}").url == "/login"
    assert stranger.post("/account/stop", {}).status in (200, 403)
