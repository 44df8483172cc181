"""Folding of Latin letters: what each kind of letter is written as, and that nothing else comes out."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.domain.latin import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("CHAN Tai Man", "chan tai man"),
        ("Łukasz Żółć", "lukasz zolc"),
        ("Nguyễn Thị Ánh Đặng", "nguyen thi anh dang"),
        ("Nguye\u0302\u0303n", "nguyen"),
        ("İnönü Işık", "inonu isik"),
        ("Þórður Guðmundsdóttir Æsa", "thordur gudmundsdottir aesa"),
        ("Søren Ærø Åse", "soren aero ase"),
        ("Weiß WEIẞ", "weiss weiss"),
        ("Œuvre", "oeuvre"),
        ("Ŋala", "ngala"),
        ("Əliyev Əhməd", "eliyev ehmed"),
        ("Kɔfi Ɛsi Ɓala Ɗan", "kofi esi bala dan"),
        ("Ħal Ċini ŀl", "hal cini ll"),
        ("Ștefan Țurcanu Şahin", "stefan turcanu sahin"),
        ("João Gonçalves", "joao goncalves"),
        ("Ｃ ＨＡＮ　Ｔａｉ－Ｍａｎ", "c han tai man"),
        ("ﬁn ﬄo ĳs ǆ", "fin fflo ijs dz"),
        ("𝐂𝐡𝐚𝐧 𝒯ai", "chan tai"),
        ("ĸ ı ſ", "k i s"),
    ],
)
def test_every_latin_letter_has_its_plain_letters(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize("apostrophe", ["'", "’", "‘", "`", "´", "ʼ", "ʻ", "ʿ", "ʾ", "′", "＇"])
def test_apostrophes_do_not_part_a_word(apostrophe: str) -> None:
    assert fold(f"O{apostrophe}Brien") == "obrien"


@pytest.mark.parametrize(
    "separator", ["-", "‐", "‑", "–", "－", ".", "．", "/", " ", "\u00a0", "\t", "　", "・", "･"]
)
def test_hyphens_stops_and_blanks_part_words(separator: str) -> None:
    assert fold(f"{separator}Tai{separator}{separator}Man{separator}") == "tai man"


@pytest.mark.parametrize(
    "text", ["陳大文", "Иванов", "Παπαδόπουλος", "محمد", "ひらがな", "김철수", "۱۲۳", "123", "™№Ⓐ℡", ""]
)
def test_what_is_not_latin_is_dropped_never_transliterated(text: str) -> None:
    assert fold(text) == ""


def test_invisible_characters_leave_no_trace() -> None:
    assert fold("\ufeffCH\u00adA\u200bN\u200d") == "chan"


@given(st.text())
def test_nothing_but_small_letters_and_single_blanks_comes_out(text: str) -> None:
    assert re.fullmatch(r"([a-z]+( [a-z]+)*)?", fold(text))


@given(st.text())
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=0x24F)))
def test_composed_and_decomposed_spelling_are_the_same(text: str) -> None:
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


def test_every_accented_latin_letter_of_european_and_vietnamese_blocks_gives_a_letter() -> None:
    """Only click letters and the like, which no registry romanises with, may fall out."""
    codes = (*range(0xC0, 0x180), *range(0x1CD, 0x234), *range(0x1E00, 0x1F00))
    letters = [chr(c) for c in codes if unicodedata.category(chr(c)) in ("Lu", "Ll", "Lt")]
    assert [letter for letter in letters if not fold(letter)] == []
