"""Which texts of a listing become links, and how a person is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisiond.portal.directory.card import card, mailbox, telephone, website
from provisiond.ports.portal_directory import Listing


@pytest.mark.parametrize(
    ("labelled", "text", "address"),
    [
        ("https://example.org/~tm", "example.org/~tm", "https://example.org/~tm"),
        ("http://example.org/", "example.org", "http://example.org/"),
        ("https://example.org/a My pages", "My pages", "https://example.org/a"),
        ("javascript:alert(1)", "javascript:alert(1)", None),
        ("JavaScript:alert(1) https://example.org", "JavaScript:alert(1) https://example.org", None),
        ("data:text/html,x", "data:text/html,x", None),
        ("//example.org", "//example.org", None),
        ("https://", "https://", None),
        ("https://[", "https://[", None),
        ('https://example.org/"onclick="x', 'https://example.org/"onclick="x', None),
        ("https://example.org/\nx", "https://example.org/\nx", None),
        ("see my office door", "see my office door", None),
    ],
)
def test_only_addresses_of_the_web_can_be_followed(labelled: str, text: str, address: str | None) -> None:
    """Everything else is read only."""
    seen = website(labelled)
    assert (seen.text, seen.address) == (text, address)


@pytest.mark.parametrize(
    ("number", "address"),
    [
        ("+852 3943 0001", "tel:+85239430001"),
        ("(0)20-7946.0958", "tel:02079460958"),
        ("3943", "tel:3943"),
        ("ext. 12", None),
        ("+", None),
        ("12", None),
        ("1234;phone-context=evil", None),
        ("3943 0001\n", None),
    ],
)
def test_only_numbers_can_be_dialled(number: str, address: str | None) -> None:
    assert telephone(number).address == address


def test_an_address_cannot_write_the_letter() -> None:
    assert (
        mailbox("a@example.edu?bcc=b@example.edu&body=x").address
        == "mailto:a@example.edu%3Fbcc%3Db@example.edu%26body%3Dx"
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_becomes_another_kind_of_link(text: str) -> None:
    for way in (website(text), telephone(text)):
        assert way.address is None or way.address.lower().startswith(("http://", "https://", "tel:"))
        assert way.address is None or not set(way.address) & set("\"'<> \n\r\t\0") - {"'"}


@pytest.mark.parametrize(
    ("attributes", "latin", "chinese"),
    [
        ({"displayname": ("Peter CHAN",), "cn": ("CHAN Tai Man",)}, "Peter CHAN", ""),
        ({"cn": ("CHAN Tai Man", "Peter"), "cn;lang-zh": ("陳大文",)}, "CHAN Tai Man", "陳大文"),
        ({"displayname": (" ",), "sn": ("CHAN",)}, "CHAN", ""),
        ({}, "tmchan", ""),
    ],
)
def test_a_person_is_called_by_what_the_reader_may_see(
    attributes: dict[str, tuple[str, ...]], latin: str, chinese: str
) -> None:
    """A display name that is for the university only is not given to us: then by the registry's name."""
    seen = card(Listing("tmchan", attributes))
    assert (seen.latin, seen.chinese) == (latin, chinese)


def test_the_address_of_a_card_stays_below_the_directory() -> None:
    assert card(Listing("a/../b?c#d", {})).path == "/directory/a%2F..%2Fb%3Fc%23d"
