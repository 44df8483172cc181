"""What an entry tells of an account that the ledger does not know (any more)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provisiond.domain.model import Entry, HoldKind, Level, NoticeKind, Observed, State
from provisiond.domain.policy import Entitlement
from provisiond.domain.takeover import LOCKED, Takeover, rebuilt
from tests.rigs.lives import BASE, TODAY, a_policy, noon

POLICY = a_policy()
CODE = "urn:schac:personalUniqueCode:int:studentID:example.edu:20000001"
LISTING = Entry(f"uid=tmchan,ou=contacts,{BASE}", {})


def an_entry(dn: str = f"uid=tmchan,ou=people,{BASE}", **other: tuple[str, ...]) -> Entry:
    attributes = {
        "uid": ("other", "tmchan"),
        "uidnumber": ("100007",),
        "schacpersonaluniquecode": ("urn:schac:personalUniqueCode:hk:other:1", CODE),
        "provisiondstate": ("active",),
    }
    return Entry(dn, attributes | other)


def back(entry: Entry, listing: Entry | None = None) -> Takeover:
    found = rebuilt("p1", Observed(entry, listing, frozenset()), POLICY, noon(), TODAY)
    assert isinstance(found, Takeover)
    return found


def test_names_numbers_and_state_come_from_the_entry() -> None:
    found = back(an_entry(), LISTING)
    assert (found.person_id, found.student_id) == ("p1", "20000001")
    assert (found.identity.account_name, found.identity.uid_number) == ("tmchan", 100007)
    assert (found.state, found.applied, found.unlisted, found.holds) == (State.ACTIVE, True, False, ())
    assert [notice.kind for notice in found.told] == [NoticeKind.CREATED, NoticeKind.ACTIVATED]


@pytest.mark.parametrize(
    ("state", "listing", "activated"),
    [
        ("pending", None, False),
        ("pending", LISTING, True),
        ("grace", None, True),
        ("alumni", None, True),
        ("terminated", None, False),
    ],
)
def test_an_activation_shows_in_the_state_or_a_listing(
    state: str, listing: Entry | None, activated: bool
) -> None:
    found = back(an_entry(provisiondstate=(state,)), listing)
    assert (found.activated_at is not None) is activated
    assert found.unlisted is (activated and listing is None), "nobody is shown who was not shown before"


def test_whose_log_in_had_ended_though_it_is_earned_stays_locked() -> None:
    then = noon() - timedelta(days=3)
    (hold,) = back(an_entry(pwdendtime=(then.strftime("%Y%m%d%H%M%SZ"),))).holds
    assert (hold.kind, hold.set_at, hold.until_on, hold.reason) == (HoldKind.LOCK, then, None, LOCKED)


def test_a_server_that_does_not_say_since_when_is_believed_as_well() -> None:
    (hold,) = back(an_entry(nsaccountlock=("true",))).holds
    assert hold.set_at == noon()


def test_an_end_that_is_to_come_or_due_by_the_state_is_no_lock() -> None:
    later = (noon() + timedelta(days=3)).strftime("%Y%m%d%H%M%SZ")
    assert back(an_entry(pwdendtime=(later,))).holds == ()
    ended = an_entry(provisiondstate=("terminated",), pwdendtime=("20200101000000Z",))
    assert back(ended).holds == ()


def test_in_doubt_about_the_level_the_lock_stays() -> None:
    """A state that only some level may log in with: which one this person has, no registry has said yet."""
    open_ = {(State.ALUMNI, Level.RESEARCH_POSTGRADUATE): Entitlement(True)}
    policy = replace(POLICY, entitlements_by_level=open_)
    entry = an_entry(provisiondstate=("alumni",), pwdendtime=("20200101000000Z",))
    found = rebuilt("p1", Observed(entry, None, frozenset()), policy, noon(), TODAY)
    assert isinstance(found, Takeover) and len(found.holds) == 1


@pytest.mark.parametrize(
    ("missing", "word"),
    [("uid", "uid"), ("schacpersonaluniquecode", "student ID"), ("provisiondstate", "state")],
)
def test_an_entry_that_does_not_say_enough_is_told(missing: str, word: str) -> None:
    nothing: dict[str, tuple[str, ...]] = {missing: ()}
    whole = an_entry()
    entry = Entry(whole.dn, {**whole.attributes, **nothing})
    said = rebuilt("p1", Observed(entry, None, frozenset()), POLICY, noon(), TODAY)
    assert said == f"{entry.dn} has no {word}"


def test_of_two_entries_neither_is_believed() -> None:
    seen = Observed(an_entry(), None, frozenset(), "a and b carry the same person ID")
    assert rebuilt("p1", seen, POLICY, noon(), TODAY) == "a and b carry the same person ID"
