"""HKID numbers: every way of writing one gives the same canonical form; wrong ones give nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.domain.hkid import canonical, check_digit

VECTORS = [
    "A123456(3)", "C123456(9)", "AB987654(3)", "AB123456(9)", "WX123456(9)",
    "E364912(5)", "Z683365(A)", "G123456(A)", "K100008(A)", "K100002(0)",
]  # fmt: skip

bodies = st.from_regex(r"[A-Z]{1,2}[0-9]{6}", fullmatch=True)


@pytest.mark.parametrize("text", VECTORS)
def test_published_numbers_are_accepted(text: str) -> None:
    """Numbers of known validity from several sources are understood."""
    assert canonical(text) == text.replace("(", "").replace(")", "")


@pytest.mark.parametrize(
    "text",
    [
        "A123456(3)",
        "a1234563",
        "Ａ１２３４５６（３）",
        " A123456 (3) ",
        "A 123456 3",
        "A123456-3",
        "a\u3000123456\u00a0(3)",
    ],
)
def test_forgiving_about_the_way_of_writing(text: str) -> None:
    """Case, width, blanks, dashes and brackets do not matter."""
    assert canonical(text) == "A1234563"


@pytest.mark.parametrize(
    "text",
    ["", "A", "A123456", "A123456(4)", "A12345(3)", "A1234567(3)", "ABC123456(3)", "1234563", "A123456(3",
     "A1234563)", "A123456(B)", "A123456()", "Ä123456(3)", "A１２３４５６(4)", "A12345٦(3)"],
)  # fmt: skip
def test_wrong_form_or_check_digit_gives_nothing(text: str) -> None:
    """Nothing is guessed or mended."""
    assert canonical(text) is None


@given(bodies)
def test_exactly_one_check_digit_fits(body: str) -> None:
    """Of the eleven possible check digits one is right, the one that `check_digit` names."""
    assert [c for c in "0123456789A" if canonical(body + c)] == [check_digit(body)]


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    """No text, however odd, raises; an answer is its own canonical form."""
    answer = canonical(text)
    assert answer is None or canonical(answer) == answer
