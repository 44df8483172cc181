"""A new password is judged whole: every reason against it at once, and no rule on kinds of characters."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisiond.adapters.digests import Digests
from provisiond.domain.errors import ConfigError
from provisiond.portal.activation.blocklist import Blocklist
from provisiond.portal.activation.own_data import Own, OwnData, dates_within, own_data
from provisiond.portal.activation.passwords import PasswordJudge, Verdict, Weakness, context_words
from provisiond.portal.activation.strength import strength
from tests.rigs.lives import a_person, an_account

DIGESTS = Digests(b"k" * 32)
BORN_ON = date(2005, 3, 9)
RECORD = replace(
    a_person(),
    surname="CHAN",
    given_names="Tai Man",
    preferred_name="Peter",
    chinese_name="陳大文",
    personal_mail="big.dave77@example.org",
    hkid_digest=DIGESTS.hkid("A1234563"),
    birth_digest=DIGESTS.birth(BORN_ON),
)
OWN = own_data(an_account(RECORD))
JUDGE = PasswordJudge(
    12, Blocklist(), context_words("Example University", "示例大學", "example.edu"), DIGESTS
)


def verdict(password: str, own: OwnData = OWN) -> Verdict:
    return JUDGE.verdict(password, own)


def faults(password: str) -> set[str]:
    return set(verdict(password).faults)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "xkvq mwpz trbn",  # no capitals, digits or signs: nothing asks for them
        "merchant seaman on leave",  # CHAN is in it, and stands out nowhere
        "紙船漂向北方的海",  # eight signs are too few, see below
        "tulip-gravel-0427-moth",
        "pässwörter sind lästig",
        "a" * 3 + "lantern on the ninth pier",
    ],
)
def test_a_password_that_nobody_guesses_is_taken(password: str) -> None:
    told = verdict(password)
    assert told.faults in ((), (Weakness.TOO_SHORT,))
    assert (told.faults == ()) is (len(password) >= 12)
    assert told.password == password


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("xkvqmwpztrb", Weakness.TOO_SHORT),
        ("x" * 257, Weakness.TOO_LONG),
        ("漢" * 86, Weakness.TOO_LONG),
        ("tulip\tgravel moth", Weakness.UNTYPEABLE),
        ("tulip\u202egravel moth", Weakness.UNTYPEABLE),
        ("tulip \ud800 gravel moth", Weakness.UNTYPEABLE),
        (" tulip gravel moth", Weakness.BLANK_EDGE),
        ("Password1234", Weakness.COMMON),
        ("P@$$w0rd!2026", Weakness.COMMON),
        ("passwordpassword", Weakness.COMMON),
        ("ｐａｓｓｗｏｒｄ１２３４", Weakness.COMMON),
        ("1234567890abc", Weakness.SEQUENCE),
        ("qwertyuiop123", Weakness.SEQUENCE),
        ("lkjhgfdsapoiu", Weakness.SEQUENCE),
        ("zvqzvqzvqzvqzv", Weakness.REPEATED),
        ("ababbabaabbabaab", Weakness.REPEATED),
        ("ExampleUniversity1", Weakness.UNIVERSITY),
        ("示例大學示例大學2026年", Weakness.UNIVERSITY),
        ("example.edu 2026", Weakness.UNIVERSITY),
        ("Chan&lantern&pier", Own.NAME),
        ("lanterntaichan88", Own.NAME),
        ("peter likes lanterns", Own.NAME),
        ("紙船漂向北方的海陳大文啊啊", Own.NAME),
        ("大文紙船漂向北方的海啊啊啊", Own.NAME),
        ("lantern TMCHAN pier", Own.ACCOUNT_NAME),
        ("lantern 20000001 pier", Own.STUDENT_ID),
        ("lantern２０００００01pier", Own.STUDENT_ID),
        ("lantern big.dave77 pier", Own.MAIL),
        ("lantern A123456(3) pier", Own.HKID),
        ("lanterna123456pier", Own.HKID),
        ("lanternxa1234563pier", Own.HKID),
    ],
)
def test_what_is_wrong_is_said(password: str, fault: str) -> None:
    assert fault in faults(password)


@pytest.mark.parametrize(
    "written",
    [
        *("20050309", "09032005", "03092005", "050309", "090305", "2005-03-09", "9/3/2005", "9.3.05"),
        *(
            "09-Mar-2005",
            "March 9, 2005",
            "9march05",
            "2005年3月9日",
            "２００５０３０９",
            "x120050309x",
            "9th mar 2005",
        ),
    ],
)
def test_the_own_date_of_birth_is_found_in_any_usual_form(written: str) -> None:
    assert Own.BIRTH_DATE in faults(f"lantern {written} pier")


@pytest.mark.parametrize("written", ["20050310", "2005-04-09", "9 Mar 2006", "1999年3月9日"])
def test_another_date_is_nobodys_business(written: str) -> None:
    assert faults(f"lantern {written} pier") == set()


@given(
    st.dates(date(1940, 1, 1), date(2016, 1, 1)), st.sampled_from(["%Y%m%d", "%d%m%Y", "%d/%m/%Y", "%y%m%d"])
)
def test_every_date_is_found_as_written(on: date, form: str) -> None:
    assert on in set(dates_within(f"ab{on.strftime(form)}cd"))


def test_all_reasons_come_at_once() -> None:
    assert faults(" chan tmchan") >= {Weakness.BLANK_EDGE, Own.NAME, Own.ACCOUNT_NAME}
    assert faults("Chan2005") >= {Weakness.TOO_SHORT, Own.NAME}


def test_a_password_is_set_as_keyboards_give_it() -> None:
    """Composed (NFC), and no compatible letter becomes another: an LDAP client would still send the first."""
    assert verdict("lanterne\u0301 on the pier").password == "lantern\u00e9 on the pier"
    assert verdict("ｌａｎｔｅｒｎ ｏｎ ｐｉｅｒ").password == "ｌａｎｔｅｒｎ ｏｎ ｐｉｅｒ"


@given(st.text(max_size=80))
@settings(max_examples=150)
def test_any_text_is_judged_and_what_is_taken_is_what_was_typed(text: str) -> None:
    told = verdict(text)
    assert told.faults or told.password == unicodedata.normalize("NFC", text)
    assert told.faults or len(told.password) >= 12
    assert 0 <= told.strength <= 4


def test_a_verdict_and_own_data_show_no_secret() -> None:
    assert "lantern" not in repr(verdict("lantern on the ninth pier"))
    assert DIGESTS.birth(BORN_ON) not in repr(OWN)


def test_one_persons_words_weaken_no_other_password() -> None:
    """zxcvbn keeps them in a variable of its module."""
    alone = strength("krzysztofiak wojtyla", ())
    assert strength("krzysztofiak wojtyla", ("krzysztofiak", "wojtyla")) < alone
    assert strength("krzysztofiak wojtyla", ()) == alone


def test_a_list_of_the_universitys_own_is_heeded(tmp_path: Path) -> None:
    path = tmp_path / "further.txt"
    path.write_text("Lantern On Nine Piers\n", encoding="utf-8")
    judge = replace(JUDGE, blocklist=Blocklist(path))
    assert Weakness.COMMON in judge.verdict("lantern on nine piers", OWN).faults
    assert judge.verdict("lantern on ten piers", OWN).faults == ()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_of_breached_digests_is_searched_where_it_lies(tmp_path: Path, end: str) -> None:
    known = [f"breached password {n}" for n in range(300)]
    lines = sorted(hashlib.sha1(word.encode()).hexdigest().upper() + f":{n}" for n, word in enumerate(known))
    path = tmp_path / "pwned.txt"
    path.write_text(end.join(lines), encoding="ascii", newline="")
    blocklist = Blocklist(path)
    assert all(blocklist.is_common(word) for word in known)
    assert not any(blocklist.is_common(f"quiet lantern {n}") for n in range(300))


def test_a_list_that_cannot_be_read_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Blocklist(tmp_path / "nowhere.txt")
