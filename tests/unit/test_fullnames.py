"""Where the surname ends in a full name written surname first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.domain.names import split_full_name


@pytest.mark.parametrize(
    ("full_name", "surname", "given_names"),
    [
        ("CHAN Tai Man", "CHAN", "Tai Man"),
        ("Chan Tai Man", "Chan", "Tai Man"),
        ("CHAN TAI MAN", "CHAN", "TAI MAN"),
        ("chan tai man", "chan", "tai man"),
        ("  CHAN   Tai-Man ", "CHAN", "Tai-Man"),
        ("Chan, Tai Man", "Chan", "Tai Man"),
        ("Au Yeung, Siu Ming", "Au Yeung", "Siu Ming"),
        ("CHAN，Tai Man", "CHAN", "Tai Man"),
        ("Chan,", "Chan", ""),
        ("AU YEUNG Siu Ming", "AU YEUNG", "Siu Ming"),
        ("CHAN LEE Mei Ling", "CHAN LEE", "Mei Ling"),
        ("VAN DER BERG Jan", "VAN DER BERG", "Jan"),
        ("VAN DER BERG JAN", "VAN DER BERG", "JAN"),
        ("van der Berg Jan", "van der Berg", "Jan"),
        ("de la CRUZ Maria", "de la CRUZ", "Maria"),
        ("De La Cruz Maria", "De La Cruz", "Maria"),
        ("da Silva João", "da Silva", "João"),
        ("bin Abdullah Ali", "bin Abdullah", "Ali"),
        ("al Hassan Ali", "al Hassan", "Ali"),
        ("al-Hassan Ali", "al-Hassan", "Ali"),
        ("Le Thi Hoa", "Le", "Thi Hoa"),
        ("Le Van Hung", "Le", "Van Hung"),
        ("LE VAN HUNG", "LE", "VAN HUNG"),
        ("le van hung", "le", "van hung"),
        ("LÊ Văn Hùng", "LÊ", "Văn Hùng"),
        ("Das Amit", "Das", "Amit"),
        ("VON GOßLER Jürgen", "VON GOßLER", "Jürgen"),
        ("O'BRIEN Sean", "O'BRIEN", "Sean"),
        ("McDonald Ian", "McDonald", "Ian"),
        ("O Siu Ming", "O", "Siu Ming"),
        ("CHAN T M", "CHAN", "T M"),
        ("LEE K. Y.", "LEE", "K. Y."),
        ("Madonna", "Madonna", ""),
        ("MADONNA", "MADONNA", ""),
        ("van", "van", ""),
        ("CHAN Tai Man 陳大文", "CHAN", "Tai Man"),
        ("陳大文 CHAN Tai Man", "CHAN", "Tai Man"),
        ("陳大文", "陳大文", ""),
        ("", "", ""),
    ],
)
def test_the_surname_is_told_by_comma_capitals_and_particles(
    full_name: str, surname: str, given_names: str
) -> None:
    assert split_full_name(full_name) == (surname, given_names)


@given(st.text())
def test_any_text_is_split_and_a_name_never_lacks_the_surname_alone(full_name: str) -> None:
    surname, given_names = split_full_name(full_name)
    assert surname or not given_names or full_name.lstrip().startswith((",", "，", "、"))
