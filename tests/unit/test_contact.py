"""What persons may write into their listing and call themselves: forgiving of form, strict about deceit."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.domain.characters import TextFault
from provisiond.domain.contact import contact_value
from provisiond.domain.display_names import display_name, is_name_of
from provisiond.domain.model import ContactField, RegistryRecord
from provisiond.domain.policy import PortalPolicy
from tests.rigs.lives import a_person

POLICY = PortalPolicy(offices=frozenset({"registrar", "dean", "vice-chancellor", "it helpdesk", "校長"}))
TAI_MAN = a_person(surname="CHAN", given_names="Tai Man", preferred_name="Peter", chinese_name="陳大文")
NAMES = st.text(max_size=30)


def value(field: ContactField, text: str) -> str | tuple[TextFault, ...]:
    """As it would be kept, else everything that is wrong with it."""
    checked = contact_value(field, text, TAI_MAN, POLICY)
    return checked.faults or checked.value


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("9123 4567", "+852 9123 4567"),
        ("(852) 9123-4567", "+852 9123 4567"),
        ("+852 91234567", "+852 9123 4567"),
        ("８５２ ９１２３４５６７", "+852 9123 4567"),
        ("0044 20 7946 0018", "+442079460018"),
        ("+1 (212) 555-0100", "+12125550100"),
    ],
)
def test_telephone_numbers_are_taken_in_any_usual_form(written: str, kept: str) -> None:
    assert value(ContactField.TELEPHONE, written) == kept


@pytest.mark.parametrize(
    "written",
    ["1234567", "0123 4567", "+852 0123 4567", "+852 1", "+0 123", "call me", "+", "9123 4567 x", "٣" * 8],
)
def test_what_is_no_telephone_number_is_told(written: str) -> None:
    assert value(ContactField.TELEPHONE, written) == (TextFault.NO_TELEPHONE,)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("example.net/tm", "https://example.net/tm"),
        ("HTTPS://Example.NET", "https://example.net"),
        ("https://example.net:8443/a?b=c#d", "https://example.net:8443/a?b=c#d"),
        ("https://例子.香港/陳", "https://xn--fsqu00a.xn--j6w193g/%E9%99%B3"),
        ("https://example.net/a%20b", "https://example.net/a%20b"),
    ],
)
def test_websites_are_taken_and_written_in_one_way(written: str, kept: str) -> None:
    assert value(ContactField.WEBSITE, written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "javascript:alert(1)",
        "javascript://example.net/%0aalert(1)",
        "http://example.net",
        "data:text/html,x",
        "https://user:secret@example.net",
        "https://example.net@evil.example",
        "https://localhost",
        "https://192.0.2.1/",
        "https://[2001:db8::1]/",
        "https://example.net:99999/",
        "https://exa mple.net",
        "https://example.net/<script>",
        'https://example.net/"onclick=',
        "//example.net",
        "https://",
        "https://.net",
        "https://-a.example.net",
    ],
)
def test_what_is_no_harmless_website_is_told(written: str) -> None:
    assert value(ContactField.WEBSITE, written) == (TextFault.NO_WEBSITE,)


def test_other_fields_are_short_plain_text() -> None:
    assert value(ContactField.OFFICE, "  Room 101,\u3000Main   Building ") == "Room 101, Main Building"
    assert value(ContactField.OFFICE, "x" * 81) == (TextFault.TOO_LONG,)
    assert value(ContactField.PRONOUNS, "she/her 她") == "she/her 她"
    assert value(ContactField.PRONOUNS, "<b>") == (TextFault.CHARACTERS,)
    assert value(ContactField.PREFERRED_NAME, "Ah Man") == "Ah Man"
    assert value(ContactField.PREFERRED_NAME, "The Registrar") == (TextFault.OFFICE,)
    assert value(ContactField.OFFICE, " ") == (TextFault.EMPTY,)


@given(st.sampled_from(ContactField), st.text() | st.text("+-()0123456789 ") | st.from_regex(r"https?://.*"))
def test_a_contact_rule_never_raises_and_what_it_keeps_it_keeps_again(field: ContactField, text: str) -> None:
    """Normal forms are stable, and hold nothing that is not seen."""
    checked = contact_value(field, text, TAI_MAN, POLICY)
    if not checked.faults:
        assert contact_value(field, checked.value, TAI_MAN, POLICY) == checked
        assert checked.value and not any(unicodedata.category(sign)[0] == "C" for sign in checked.value)


def faults(text: str, record: RegistryRecord = TAI_MAN) -> tuple[TextFault, ...]:
    return display_name(text, record, POLICY).faults


@pytest.mark.parametrize(
    "name",
    [
        "Tai Man Chan",
        "CHAN Tai-man",
        "Peter",
        "Dr. Peter Chan",
        "陳大文 Peter",
        "陳 大文",
        "chän, T. M.",
    ],
)
def test_a_name_of_ones_own_is_taken(name: str) -> None:
    assert faults(name) == ()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("Mary Wong", TextFault.NOT_YOUR_NAME),
        ("Chandler Bing", TextFault.NOT_YOUR_NAME),  # the surname is a word, not a beginning
        ("Chan, Registrar", TextFault.OFFICE),
        ("Chan R E G I S T R A R", TextFault.OFFICE),
        ("Régistrár Chan", TextFault.OFFICE),
        ("Vice Chancellor Chan", TextFault.OFFICE),
        ("Chan (IT Helpdesk)", TextFault.OFFICE),
        ("校長陳大文", TextFault.OFFICE),
        ("Peter \u202enahC", TextFault.INVISIBLE),
        ("Pe\u200bter Chan", TextFault.INVISIBLE),
        ("Peter\nChan", TextFault.INVISIBLE),
        ("Peter Сhan Chan", TextFault.MIXED_SCRIPTS),  # the first С is Cyrillic
        ("Peter Chan " + "x" * 60, TextFault.TOO_LONG),
        ("Peter <Chan>", TextFault.CHARACTERS),
        ("Peter Chan 😀", TextFault.CHARACTERS),
        ("Peter Chan 2", TextFault.CHARACTERS),
        ("Peter Chan 𝐂", TextFault.CHARACTERS),
        ("Peter Chan " + "Z" + "\u0301" * 9, TextFault.INVISIBLE),
        ("", TextFault.EMPTY),
        ("...", TextFault.EMPTY),
    ],
)
def test_a_name_that_deceives_is_refused(name: str, fault: TextFault) -> None:
    assert fault in faults(name)


def test_whoever_is_called_like_an_office_may_be_called_so() -> None:
    dean = a_person(surname="DEAN", given_names="Mary", preferred_name=None, chinese_name=None)
    assert faults("Mary Dean", dean) == ()
    assert faults("Mary Dean, Registrar", dean) == (TextFault.OFFICE,)
    assert faults("Dean Chan") == (TextFault.OFFICE,)


def test_a_surname_of_two_words_may_be_written_in_one() -> None:
    record = a_person(surname="AU YEUNG", given_names="Ka Ming", preferred_name=None)
    assert faults("Ka Ming AuYeung", record) == ()
    assert faults("Ka Ming Au Yeung", record) == ()
    assert TextFault.NOT_YOUR_NAME in faults("Ka Ming Yeung", record)


def test_names_are_kept_composed() -> None:
    checked = display_name("  Jose\u0301  Chan ", TAI_MAN, POLICY)
    assert (checked.value, checked.faults) == ("José Chan", ())


@given(NAMES, NAMES, NAMES, NAMES, NAMES)
def test_the_rule_of_display_names_never_raises(
    text: str, surname: str, given_names: str, preferred: str, chinese: str
) -> None:
    """Whatever a registry and a person wrote; and who writes it without a fault bears it."""
    record = a_person(
        surname=surname,
        given_names=given_names,
        preferred_name=preferred or None,
        chinese_name=chinese or None,
    )
    checked = display_name(text, record, POLICY)
    if not checked.faults:
        assert is_name_of(checked.value, record)
        assert display_name(checked.value, record, POLICY) == checked
