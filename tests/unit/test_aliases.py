"""Full-name aliases: suggestions that are always valid and never taken, and which choice of one's own will do."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.domain.aliases import (
    AliasFault,
    NoAlias,
    candidates,
    changes_left,
    faults,
    suggestions,
    why_none,
)
from provisiond.domain.lifecycle import standing
from provisiond.domain.model import Account, Level, RegistryRecord, State, Status
from provisiond.domain.people import person
from provisiond.domain.policy import LifecyclePolicy, NamePolicy, PortalPolicy
from tests.rigs.lives import TODAY, ZONE, a_person, an_account

NAMES = NamePolicy(reserved=frozenset({"post.master", "root"}), unfortunate=frozenset({"shit", "=dick"}))
PORTAL = PortalPolicy()
TAI_MAN = a_person(surname="CHAN", given_names="Tai Man", preferred_name="Peter", chinese_name="陳大文")
DOT_ATOM = re.compile(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)*")
ANY_NAME = st.text(max_size=40) | st.text("abcABC '-.é陳", max_size=40)


def called(surname: str, given_names: str, preferred: str | None = None) -> RegistryRecord:
    return a_person(surname=surname, given_names=given_names, preferred_name=preferred, chinese_name="陳大文")


def test_whole_names_come_first_then_initials_middle_forms_and_numbers() -> None:
    found = list(candidates(TAI_MAN, NAMES))
    assert found[:5] == ["Tai.Man.Chan", "Peter.Chan", "T.M.Chan", "Tai.M.Chan", "Peter.T.M.Chan"]
    assert found[-1] == "Peter.Chan.99"


def test_what_is_taken_is_passed_over() -> None:
    taken = {a.lower() for a in candidates(TAI_MAN, NAMES) if not a[-1].isdigit()}
    assert suggestions(TAI_MAN, NAMES, taken, 2) == ("Tai.Man.Chan.2", "Peter.Chan.2")


@pytest.mark.parametrize(
    ("surname", "given_names", "best"),
    [
        ("NGUYỄN", "Thị Hương", "Thi.Huong.Nguyen"),
        ("O'BRIEN", "Seán", "Sean.Obrien"),
        ("AU YEUNG", "Ka Ming", "Ka.Ming.Au.Yeung"),
        ("", "Sukarno", "Sukarno"),
        ("Sukarno", "", "Sukarno"),
        ("VAN DER BERG", "Jan-Willem", "Jan.Willem.Van.Der.Berg"),
    ],
)
def test_names_are_written_in_plain_letters(surname: str, given_names: str, best: str) -> None:
    assert suggestions(called(surname, given_names), NAMES, frozenset(), 1) == (best,)


def test_a_name_without_latin_letters_has_no_suggestion() -> None:
    assert suggestions(called("陳", "大文"), NAMES, frozenset()) == ()


def test_a_surname_alone_is_no_full_name() -> None:
    assert "Chan" not in list(candidates(TAI_MAN, NAMES))
    assert "Chan" not in list(candidates(called("CHAN", "Tai"), NAMES))


def test_unfortunate_and_reserved_words_are_avoided_also_across_dots() -> None:
    assert all("shit" not in a.lower().replace(".", "") for a in candidates(called("TANG", "Shi"), NAMES))
    assert "Post.Master" not in list(candidates(called("MASTER", "Post"), NAMES))
    assert suggestions(called("DICK", "Tom"), NAMES, frozenset(), 1) == ("Tom.Dick",)


@given(ANY_NAME, ANY_NAME, st.none() | ANY_NAME, st.integers(0, 30))
def test_suggestions_are_valid_never_taken_and_will_do_as_a_choice(
    surname: str, given_names: str, preferred: str | None, taken_first: int
) -> None:
    """Whatever the registry calls somebody, and however many of the best are taken."""
    record = called(surname, given_names, preferred)
    every = list(candidates(record, NAMES))
    taken = {alias.lower() for alias in every[:taken_first]}
    found = suggestions(record, NAMES, taken)
    assert len({alias.lower() for alias in every}) == len(every)
    for alias in found:
        assert DOT_ATOM.fullmatch(alias) and len(alias) <= 64
        assert alias.lower() not in taken
        assert faults(alias, record, NAMES, taken) == ()


@pytest.mark.parametrize(
    "alias",
    [
        "tai.man.chan",
        "TaiMan.Chan",
        "Man.Chan",
        "Peter.Chan",
        "Chan.Tai.Man",
        "P.Chan",
        "Tai.Chan.7",
        "T.Chan.2027",
    ],
)
def test_a_choice_made_of_ones_own_names_will_do(alias: str) -> None:
    assert faults(alias, TAI_MAN, NAMES, frozenset()) == ()


@pytest.mark.parametrize(
    ("alias", "fault"),
    [
        ("Mary.Chan", AliasFault.NOT_YOUR_NAME),
        ("Tai.Man", AliasFault.NOT_YOUR_NAME),
        ("Tai.Man.Chan.Registrar", AliasFault.NOT_YOUR_NAME),
        ("Tai.Man.Chan.20261", AliasFault.NOT_YOUR_NAME),
        ("2.Chan", AliasFault.NOT_YOUR_NAME),
        ("Tai..Chan", AliasFault.CHARACTERS),
        (".Tai.Chan", AliasFault.CHARACTERS),
        ("Tai.Chan.", AliasFault.CHARACTERS),
        ("Tai-Man.Chan", AliasFault.CHARACTERS),
        ("Tai.Chan@evil", AliasFault.CHARACTERS),
        ("Tai.Chan\n", AliasFault.CHARACTERS),
        ("Tai.Chán", AliasFault.CHARACTERS),
        ("٣.Chan", AliasFault.CHARACTERS),
        ("", AliasFault.CHARACTERS),
        ("Peter.Chan.2", AliasFault.TAKEN),
    ],
)
def test_any_other_choice_is_refused_with_the_reason(alias: str, fault: AliasFault) -> None:
    assert fault in faults(alias, TAI_MAN, NAMES, frozenset({"peter.chan.2"}))


@given(st.text(), ANY_NAME, ANY_NAME)
def test_judging_a_choice_never_raises(alias: str, surname: str, given_names: str) -> None:
    for fault in faults(alias, called(surname, given_names), NAMES, frozenset()):
        assert isinstance(fault, AliasFault)


def why(account: Account) -> NoAlias | None:
    someone = person(account.student_id, account, ())
    return why_none(account, standing(someone, TODAY, ZONE, LifecyclePolicy()), PORTAL)


def test_postgraduates_may_choose_one_and_change_it_once() -> None:
    account = an_account(a_person(level=Level.RESEARCH_POSTGRADUATE))
    assert (why(account), changes_left(account, PORTAL)) == (None, 2)
    once = replace(account, aliases=("Tai.Man.Chan",))
    assert (why(once), changes_left(once, PORTAL)) == (None, 1)
    assert why(replace(account, aliases=("Tai.Man.Chan", "Peter.Chan"))) is NoAlias.CHANGES


def test_others_may_not() -> None:
    """Undergraduates, who has not activated, and whose account has ended."""
    postgraduate = a_person(level=Level.TAUGHT_POSTGRADUATE)
    assert why(an_account(a_person(level=Level.UNDERGRADUATE))) is NoAlias.LEVEL
    assert why(an_account(postgraduate, activated_at=None, state=State.PENDING)) is NoAlias.STATE
    gone = replace(postgraduate, status=Status.WITHDRAWN, status_on=TODAY)
    assert why(an_account(gone)) is NoAlias.STATE
