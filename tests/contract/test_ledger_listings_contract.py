"""What every Ledger keeps of persons' own choices: contact details, display name, aliases that stay theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisiond.domain.errors import RejectedError
from provisiond.domain.model import Account, Audience, ContactDetail, ContactField
from provisiond.ports import Ledger
from tests.rigs.ledgers import AT, DOMAIN, KINDS, LATER, TODAY, committed, events, opened
from tests.rigs.steps import a_step

TELEPHONE = ContactDetail(ContactField.TELEPHONE, "+852 2123 4567", Audience.EVERYONE)
OFFICE = ContactDetail(ContactField.OFFICE, "Room 1", Audience.UNIVERSITY)


@pytest.fixture(params=KINDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with opened(request, tmp_path) as ledger:
        committed(ledger, 1)
        committed(ledger, 2)
        yield ledger


def person(ledger: Ledger, number: int = 1) -> Account:
    found = ledger.find(f"name{number}")
    assert found is not None
    return found


def added(ledger: Ledger, number: int = 1) -> list[str]:
    """Events since the account was made and committed."""
    return events(ledger, person(ledger, number).person_id)[2:]


def test_contact_details_replace_those_before_and_call_the_person(ledger: Ledger) -> None:
    me = person(ledger).person_id
    ledger.set_contact(me, [OFFICE, TELEPHONE], False, "student", AT)
    assert person(ledger).contact == (TELEPHONE, OFFICE)
    assert list(ledger.due_students(TODAY)) == [person(ledger).student_id]
    ledger.set_contact(me, [OFFICE], False, "student", LATER)
    assert person(ledger).contact == (OFFICE,)
    assert added(ledger) == ["contact-set", "contact-set"]
    assert person(ledger, 2).contact == ()


def test_the_same_contact_details_again_leave_no_trace(ledger: Ledger) -> None:
    me = person(ledger).person_id
    ledger.set_contact(me, [TELEPHONE, OFFICE], False, "student", AT)
    ledger.set_contact(me, [OFFICE, TELEPHONE], False, "student", LATER)
    assert added(ledger) == ["contact-set"]


def test_whether_somebody_is_listed_is_a_choice_of_its_own(ledger: Ledger) -> None:
    ledger.set_contact(person(ledger).person_id, [], True, "student", AT)
    assert person(ledger).unlisted
    assert added(ledger) == ["listing-choice"]


def test_the_history_tells_who_may_see_what_and_no_value(ledger: Ledger) -> None:
    ledger.set_contact(person(ledger).person_id, [TELEPHONE], False, "student", AT)
    told = str(ledger.history(person(ledger).person_id))
    assert TELEPHONE.value not in told
    assert ledger.verify_history() is None


def test_a_display_name_is_kept_and_given_up_again(ledger: Ledger) -> None:
    me = person(ledger).person_id
    ledger.set_display_name(me, "Peter CHAN", "student", AT)
    ledger.set_display_name(me, "Peter CHAN", "student", AT)
    assert person(ledger).display_name == "Peter CHAN"
    ledger.set_display_name(me, None, "student", LATER)
    assert person(ledger).display_name is None
    assert added(ledger) == ["display-name-set", "display-name-set"]


def test_aliases_are_kept_as_they_are_written_the_oldest_first(ledger: Ledger) -> None:
    me = person(ledger).person_id
    ledger.give_alias(me, "Tai.Man.Chan", DOMAIN, "student", AT)
    ledger.give_alias(me, "Peter.Chan", DOMAIN, "student", LATER)
    assert person(ledger).aliases == ("Tai.Man.Chan", "Peter.Chan")
    found = ledger.find(f"tai.man.CHAN@{DOMAIN}")
    assert found is not None and found.person_id == me


def test_the_same_alias_again_is_the_same(ledger: Ledger) -> None:
    me = person(ledger).person_id
    ledger.give_alias(me, "Tai.Man.Chan", DOMAIN, "student", AT)
    ledger.give_alias(me, "tai.man.chan", DOMAIN, "student", LATER)
    assert person(ledger).aliases == ("Tai.Man.Chan",)
    assert added(ledger) == ["alias-given"]


@pytest.mark.parametrize("wanted", ["tai.man.chan", "Name1", "name2", "Seen"])
def test_no_alias_is_given_twice_nor_a_name_that_anything_has(ledger: Ledger, wanted: str) -> None:
    """Neither another's alias, nor an account name (one's own neither), nor what an entry of others has."""
    ledger.give_alias(person(ledger).person_id, "Tai.Man.Chan", DOMAIN, "student", AT)
    ledger.keep_names([("seen", None)], AT)
    with pytest.raises(RejectedError, match="given to another"):
        ledger.give_alias(person(ledger, 2).person_id, wanted, DOMAIN, "student", LATER)
    assert person(ledger, 2).aliases == ()
    assert added(ledger, 2) == []


def test_an_alias_is_nobodys_account_name_later(ledger: Ledger) -> None:
    ledger.give_alias(person(ledger).person_id, "Name3", DOMAIN, "student", AT)
    parked = ledger.reserve([a_step(3)], DOMAIN, LATER)
    assert ["given to another" in one.reason for one in parked] == [True]


def test_no_more_aliases_are_given_than_are_allowed(ledger: Ledger) -> None:
    """The same one again is none more, and one that is another's is refused first."""
    me = person(ledger).person_id
    assert ledger.give_alias(me, "Tai.Man.Chan", DOMAIN, "student", AT, allowed=1)
    assert not ledger.give_alias(me, "Peter.Chan", DOMAIN, "student", LATER, allowed=1)
    assert ledger.give_alias(me, "tai.man.chan", DOMAIN, "student", LATER, allowed=1)
    with pytest.raises(RejectedError, match="given to another"):
        ledger.give_alias(me, "name2", DOMAIN, "student", LATER, allowed=1)
    assert person(ledger).aliases == ("Tai.Man.Chan",)
    assert added(ledger) == ["alias-given"]
    assert ledger.taken(["peter.chan"]) == frozenset()


def test_what_is_taken_can_be_asked(ledger: Ledger) -> None:
    ledger.give_alias(person(ledger).person_id, "Tai.Man.Chan", DOMAIN, "student", AT)
    ledger.keep_names([("seen", None)], AT)
    asked = ["tai.man.chan", "name2", "seen", "free"]
    assert ledger.taken(asked) == {"tai.man.chan", "name2", "seen"}


def test_persons_without_an_account_choose_nothing(ledger: Ledger) -> None:
    with pytest.raises(RejectedError, match="no account"):
        ledger.set_contact("nobody", [], False, "student", AT)
    with pytest.raises(RejectedError, match="no account"):
        ledger.set_display_name("nobody", "X", "student", AT)
    with pytest.raises(RejectedError, match="no account"):
        ledger.give_alias("nobody", "X", DOMAIN, "student", AT)
