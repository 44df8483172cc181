"""What mails say: the shipped templates, an administrator's own, and what becomes of broken ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from provisiond import correspondence
from provisiond.adapters.clock import SetClock
from provisiond.adapters.digests import Digests
from provisiond.cli.notices import WHEN
from provisiond.domain.errors import ConfigError
from provisiond.domain.model import Account, Language, NoticeKind
from provisiond.letters import Writer, day, grouped
from provisiond.portal.language import speeches
from provisiond.portal.pages import TEMPLATES
from provisiond.ports import Letter
from provisiond.settings import load
from provisiond.specimens import Specimens, sample_accounts
from tests.rigs.lives import TODAY, ZONE, a_person, an_account, noon
from tests.unit.settings_file import write_settings

OWN_FOLDER = ('time_zone = "Asia/Hong_Kong"', 'time_zone = "Asia/Hong_Kong"\nchinese_name = "示例大學"')


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The administrator's folder of templates; empty, as at first."""
    (tmp_path / "mail").mkdir()
    return tmp_path / "mail"


def writer(own: Path, language: str = "both") -> Writer:
    keys = f'\n[mail.templates]\nfolder = "mail"\nlanguage = "{language}"\n[names]'
    settings = load(write_settings(own.parent, OWN_FOLDER, ("[names]", keys)))
    return correspondence.letters(settings, SetClock(noon(TODAY)))


def faults(own: Path) -> list[str]:
    writer(own)
    return [
        f.replace(f"{own}/", "") for f in correspondence.letter_faults(load(own.parent / "provisiond.toml"))
    ]


def written(kind: NoticeKind, by: Writer, account: Account) -> Letter:
    return by.letter(*Specimens(by.policy, ZONE, noon(TODAY)).of(kind, account))


def someone() -> Account:
    return an_account(a_person(surname="CHAN", given_names="Tai Man", chinese_name="陳大文"))


def test_every_shipped_mail_can_be_written_to_everybody(own: Path) -> None:
    assert faults(own) == []


def test_every_kind_says_when_it_goes_out() -> None:
    assert WHEN.keys() == set(NoticeKind)


def test_dates_are_written_as_each_language_does() -> None:
    told = day(TODAY)
    assert (told.en, told.zh) == ("24 November 2026 (Tuesday)", "2026年11月24日（星期二）")


def test_the_mail_of_the_expiry_date_says_what_to_do_today(own: Path) -> None:
    letter = written(NoticeKind.EXPIRY, writer(own), someone())
    assert letter.subject == "Today is the last day of your account tmchan | 你的帳戶 tmchan 今天到期"
    assert letter.html is not None
    for told in (letter.text, letter.html):
        for words in (
            "Dear CHAN Tai Man",
            "陳大文同學",
            "24 November 2026 (Tuesday)",
            "2026年11月24日（星期二）",
            "Back up now the files you want to keep, or move them to another valid account",
            "備份你想保留的檔案，或將檔案轉移至另一個有效帳戶",
            "tmchan@connect.example.edu",
            "operators@example.edu",
            "示例大學",
        ):
            assert words in told


@pytest.mark.parametrize(("language", "has", "lacks"), [("en", "Dear", "同學"), ("zh-Hant", "同學", "Dear")])
def test_a_mail_in_one_language_holds_no_word_of_the_other(
    own: Path, language: str, has: str, lacks: str
) -> None:
    letter = written(NoticeKind.EXPIRY, writer(own, language), someone())
    assert has in letter.text and lacks not in letter.text
    assert has in str(letter.html) and lacks not in str(letter.html)


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        (Language.CHINESE, "你的帳戶 tmchan 今天到期"),
        (Language.ENGLISH, "Today is the last day of your account tmchan"),
        (None, "Today is the last day of your account tmchan | 你的帳戶 tmchan 今天到期"),
    ],
)
def test_by_record_a_student_is_written_to_in_the_registrys_language(
    own: Path, said: Language | None, subject: str
) -> None:
    account = an_account(a_person(language=said))
    assert written(NoticeKind.EXPIRY, writer(own, "record"), account).subject == subject


def test_a_late_reminder_tells_the_date_that_holds(own: Path) -> None:
    """The expiry moved while no mail server answered: the date that was decided on has passed."""
    by = writer(own, "en")
    notice, account = Specimens(by.policy, ZONE, noon(TODAY)).of(NoticeKind.EXPIRY_REMINDER, someone())
    assert account
    late = replace(by, clock=SetClock(noon(TODAY.replace(month=12, day=20))))
    letter = late.letter(notice, replace(account, outbox=()))
    assert "27 December 2026" in letter.text and "1 December" not in letter.text


def test_the_reason_of_a_refusal_is_told_and_that_of_a_hold_is_not(own: Path) -> None:
    by = writer(own, "en")
    assert "Reason: a sample" in written(NoticeKind.EXTENSION_REFUSED, by, someone()).text
    assert "a sample" not in written(NoticeKind.HOLD_SET, by, someone()).text


def test_names_are_no_html_and_no_headers(own: Path) -> None:
    (own / "created.txt").write_text(
        "{% block subject_en %}\nHello\n{{ name }}{% endblock %}{% block subject_zh %}你好{% endblock %}"
        "{% block en %}x{% endblock %}{% block zh %}x{% endblock %}"
    )
    by = writer(own)
    for account in sample_accounts(noon(TODAY)):
        for kind in NoticeKind:
            letter = written(kind, by, account)
            assert letter.subject.isprintable() and len(letter.subject.splitlines()) == 1
            assert "<script>" not in str(letter.html) and "<b>O'" not in str(letter.html)
    assert written(NoticeKind.CREATED, by, someone()).subject == "Hello CHAN Tai Man | 你好"


def test_an_administrators_mail_goes_before_the_shipped_one_with_its_html_or_none(own: Path) -> None:
    """The shipped HTML would say something else than the text."""
    (own / "expiry.txt").write_text(
        '{% extends "layout.txt" %}{% block subject_en %}Bye{% endblock %}'
        "{% block subject_zh %}再見{% endblock %}{% block en %}Bye.{% endblock %}{% block zh %}再見。{% endblock %}"
    )
    letter = written(NoticeKind.EXPIRY, writer(own), someone())
    assert (letter.subject, letter.html) == ("Bye | 再見", None)
    assert "Bye." in letter.text and "Example University" in letter.text
    assert written(NoticeKind.ALUMNI, writer(own), someone()).html


SOUND = (
    "{% block subject_en %}s{% endblock %}{% block subject_zh %}s{% endblock %}{% block zh %}z{% endblock %}\n"
    "{% block en %}BODY{% endblock %}"
)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("{{ nmae }}", "expiry.txt:2: there is no variable nmae"),
        ("{{ expires_on.fr }}", "expiry.txt:2: 'provisiond.letters.Day object' has no attribute 'fr'"),
        ("\n{{ reason }}", "expiry.txt:3: a value is printed that this mail does not have"),
        ("{% if %}", "expiry.txt:2: Expected an expression"),
        ("{{ name|shout }}", "expiry.txt:2: No filter named 'shout'"),
        ("{% include 'nothing.txt' %}", "expiry.txt:2: there is no template nothing.txt"),
        ("{{ days_left + name }}", "expiry.txt:2: fails with TypeError"),
        ("{{ name.__class__.__mro__ }}", "expiry.txt:2: access to attribute '__class__'"),
    ],
)
def test_a_broken_template_is_told_with_file_line_and_cause(own: Path, body: str, fault: str) -> None:
    (own / "expiry.txt").write_text(SOUND.replace("BODY", body))
    told = faults(own)
    assert any(one.startswith(fault) for one in told), told
    with pytest.raises(ConfigError) as error:
        written(NoticeKind.EXPIRY, writer(own), someone())
    assert "CHAN" not in str(error.value)


def test_a_variable_that_is_missing_is_found_where_no_sample_leads(own: Path) -> None:
    (own / "expiry.txt").write_text(SOUND.replace("BODY", "{% if days_left == 77 %}\n{{ nmae }}{% endif %}"))
    assert any(one.startswith("expiry.txt:3: there is no variable nmae") for one in faults(own))


def test_a_block_that_is_missing_would_be_a_blank(own: Path) -> None:
    (own / "expiry.txt").write_text(SOUND.replace("block zh", "block chinese"))
    assert "expiry.txt: has no {% block zh %}" in faults(own)


def test_an_empty_subject_is_a_fault(own: Path) -> None:
    (own / "expiry.txt").write_text(SOUND.replace("subject_en %}s", "subject_en %} "))
    assert "expiry.txt: {% block subject_en %} is empty" in faults(own)


def test_files_that_nothing_would_use_are_faults(own: Path) -> None:
    (own / "expirey.txt").write_text("x")
    (own / "alumni.html").write_text("x")
    told = faults(own)
    assert any(one.startswith("expirey.txt: no mail is called so") for one in told)
    assert any(one.startswith("alumni.html: needs alumni.txt beside it") for one in told)


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mail\.templates\.folder: there is no folder"):
        load(write_settings(tmp_path, ("[names]", '[mail.templates]\nfolder = "mail"\n[names]')))


def test_the_mail_of_a_code_holds_the_very_code_and_a_preview_a_sample(own: Path) -> None:
    """What the outbox sends is what the portal compares with; who only looks sees no code that works."""
    preview = writer(own)
    settings = load(own.parent / "provisiond.toml")
    sent = correspondence.letters(settings, SetClock(noon(TODAY)), code_of=correspondence.code_of(settings))
    code = Digests(settings.digest_key).activation_code(someone().person_id, noon(TODAY))
    letter, shown = (written(NoticeKind.ACTIVATION_CODE, by, someone()) for by in (sent, preview))
    for text in (letter.text, letter.html or ""):
        assert text.count(grouped(code)) == 2  # in each language
        assert "25 November 2026 (Wednesday), 12:00" in text
        assert "2026年11月25日（星期三）12:00" in text
    assert code not in letter.subject
    assert grouped(code) not in shown.text and "ABCD-EFGH-IJKL-MNOP" in shown.text


def test_the_mail_of_a_new_phones_code_says_how_to_stop_it(own: Path) -> None:
    """By the button as the page calls it in each language, or by the help desk."""
    by = writer(own)
    by = replace(by, sender=replace(by.sender, portal_url="https://account.example.edu/"))
    letter = written(NoticeKind.RE_ENROLMENT_ISSUED, by, someone())
    chinese = speeches(ZONE)[Language.CHINESE].say("Stop it")
    page = (TEMPLATES / "account" / "issued.html").read_text()
    assert '_("Stop it")' in page
    for text in (letter.text, letter.html or ""):
        assert "Stop it" in text and chinese in text
        assert text.count("https://account.example.edu/") >= 2
        assert "our staff can stop it" in text and "職員亦可代為取消" in text


def test_codes_differ_by_person_instant_and_key_and_have_80_bits() -> None:
    at = noon(TODAY)
    ours, theirs = Digests(b"k" * 32), Digests(b"o" * 32)
    codes = {
        ours.activation_code("p1", at),
        ours.activation_code("p2", at),
        ours.activation_code("p1", at + timedelta(microseconds=1)),
        theirs.activation_code("p1", at),
    }
    assert len(codes) == 4
    assert all(len(code) == 16 and set(code) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for code in codes)
    assert ours.activation_code("p1", at) == ours.activation_code("p1", at.astimezone(ZONE))
