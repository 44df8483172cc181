"""What was typed becomes a claim, however it was written."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.domain.hkid import check_digit
from provisiond.portal.activation.claims import birth_claim, birth_date, hkid_claim, student_ids

TODAY = date(2026, 11, 24)
BODIES = st.from_regex(r"[A-Z]{1,2}[0-9]{6}", fullmatch=True)
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@given(
    BODIES, st.sampled_from(["{}({})", "{}{}", "{} {}", " {}（{}）", "{}-{}"]), st.booleans(), st.booleans()
)
def test_an_hkid_number_is_the_same_however_it_is_written(
    body: str, form: str, small: bool, wide: bool
) -> None:
    typed = form.format(body, check_digit(body))
    typed = typed.lower() if small else typed
    claim = hkid_claim("20000001", typed.translate(WIDE) if wide else typed)
    assert claim.number == body + check_digit(body)


@given(BODIES, st.sampled_from("0123456789A"))
def test_a_wrong_check_digit_is_no_number(body: str, digit: str) -> None:
    claim = hkid_claim("20000001", body + digit)
    assert (claim.number is None) is (digit != check_digit(body))


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_typed_makes_a_claim(student_id: str, number: str) -> None:
    claim = hkid_claim(student_id, number)
    assert claim.student_ids
    assert all(len(each) <= 260 for each in claim.student_ids)
    birth_claim(student_id, number, number, number, TODAY)


@pytest.mark.parametrize(
    "typed", ["20000001", " 2000 0001 ", "2000-0001", "２００００００１", "2000\u20110001", "20000001\n"]
)
def test_a_student_id_is_found_however_it_is_written(typed: str) -> None:
    assert student_ids(typed)[0] == "20000001"


def test_letters_of_a_student_id_are_looked_up_as_typed_too() -> None:
    assert {"S1234567X", "s1234567x"} <= set(student_ids("s123 4567x"))


@pytest.mark.parametrize(
    ("day", "month", "year"),
    [
        ("9", "3", "2005"),
        ("09", "03", "2005"),
        ("９", "３", "２００５"),
        (" 9 ", "March", "05"),
        ("9", "mar", "2005"),
        ("9日", "3月", "2005年"),
    ],
)
def test_a_date_of_birth_is_the_same_however_it_is_written(day: str, month: str, year: str) -> None:
    assert birth_date(day, month, year, TODAY) == date(2005, 3, 9)


@pytest.mark.parametrize(
    ("day", "month", "year"),
    [
        ("31", "2", "2005"),
        ("0", "1", "2005"),
        ("1", "13", "2005"),
        ("1", "1", "2020"),  # six years old
        ("1", "1", "1890"),
        ("1", "1", "20055"),
        ("", "", ""),
        ("-1", "1", "2005"),
        ("1", "ma", "2005"),
    ],
)
def test_what_is_no_students_date_of_birth_is_none(day: str, month: str, year: str) -> None:
    assert birth_date(day, month, year, TODAY) is None


@given(st.dates(date(1930, 1, 1), date(2016, 11, 24)))
def test_every_students_date_of_birth_can_be_said(on: date) -> None:
    assert birth_date(str(on.day), str(on.month), str(on.year), TODAY) == on


def test_a_year_of_two_digits_is_the_latest_that_can_be() -> None:
    assert birth_date("1", "1", "99", TODAY) == date(1999, 1, 1)
    assert birth_date("1", "1", "16", TODAY) == date(2016, 1, 1)
    assert birth_date("1", "1", "17", TODAY) == date(1917, 1, 1)


def test_a_claim_shows_no_secret() -> None:
    assert "A1234563" not in repr(hkid_claim("20000001", "A123456(3)"))
    assert "2005" not in repr(birth_claim("20000001", "9", "3", "2005", TODAY))
