"""The shipped word lists: well-formed, and harmless to people with honest surnames."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provisiond.domain.names import allocate
from provisiond.domain.policy import NamePolicy

CONFIG = Path(__file__).parents[2] / "config"

SURNAMES = re.findall(
    r"\w+",
    """
    Yamashita Kinoshita Matsushita Takeshita Dikshit Yoshitaka Hancock Peacock Cockburn Hitchcock Dickens
    Dickson Dickinson Benedick Larsen Marsella Karsenty Draper Grapes Canali Janus Manus Nazir Nazim Ignazio
    Siriporn Pornchai Porntip Slutsky Pissarro Atwater Swank Wankel Sohail Shabir Semenov Penistone Cummings
    Cumming Assad Hassan Basso Sexton Essex Titmuss Butterworth Killian Deville Satanand Suckling Sturdy
    Sturdivant Hooker Fuchs Kuntz Fukuda Fukushima Fok Fuk Phuc Phan Dong Wang Wong Dung Bich Cooney Spicer
    Pedoe Bastardo Moron Loser Pimpao Slagter Thomo Hellman Helland Buttar Nudelman Hitler Weedon Evilson
    Damnjanovic Lustig Poofai Jihadi Deadman Shagari Skank Thugut Raper Trampe Virgin Gay Diu Lan Hai Ngau
    Buggeri Mingelgrun Faggioli Nigam Niggli Whorton Puss Stupnicki Retamar Wankhede Analyn Crapo
    Milford Thornycroft
""",
)


def words(name: str) -> list[str]:
    lines = (CONFIG / name).read_text(encoding="utf-8").splitlines()
    return [word for line in lines if (word := line.partition("#")[0].strip())]


SHIPPED = NamePolicy(
    reserved=frozenset(words("reserved-names.txt")), unfortunate=frozenset(words("unfortunate-words.txt"))
)


@pytest.mark.parametrize("name", ["reserved-names.txt", "unfortunate-words.txt"])
def test_one_word_a_line_and_none_twice(name: str) -> None:
    found = words(name)
    assert len(found) == len(set(found))
    pattern = r"=?[a-z]+" if name.startswith("unfortunate") else r"[a-z]+"
    assert [word for word in found if not re.fullmatch(pattern, word)] == []


@pytest.mark.parametrize(
    "word", ["root", "postmaster", "abuse", "admin", "webmaster", "hostmaster", "daemon", "www"]
)
def test_names_that_mail_and_machines_rely_on_are_reserved(word: str) -> None:
    assert allocate(word, "", SHIPPED, frozenset()).candidates[0].reason == "reserved"


@pytest.mark.parametrize(
    ("surname", "given_names"), [("Hit", "Siu"), ("Uck", "Fai"), ("Unt", "Chi"), ("Iu", "Dai")]
)
def test_initials_that_spell_a_word_with_the_surname_are_passed_over(surname: str, given_names: str) -> None:
    allocation = allocate(surname, given_names, SHIPPED, frozenset())
    assert allocation.candidates[0].reason == "unfortunate word"
    assert allocation.account_name == (surname + given_names[0]).lower()


@pytest.mark.parametrize("surname", SURNAMES)
def test_an_honest_surname_never_waits_for_an_operator(surname: str) -> None:
    assert allocate(surname, "Tai Man", SHIPPED, frozenset()).account_name == f"tm{surname.lower()}"[:12]
    assert allocate(surname, "", SHIPPED, frozenset()).account_name is not None
