"""What an address book reads out of our vCards (RFC 6350), whatever stands in a listing."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from provisiond.portal.directory.card import Way, card
from provisiond.portal.directory.vcard import vcard
from provisiond.ports.portal_directory import Listing
from tests.rigs.listings import listed

ADDRESS = "https://account.example.edu/directory/tmchan"
TAI_MAN = card(
    Listing(
        "tmchan",
        listed(
            "tmchan",
            "CHAN",
            "Tai Man",
            "Physics; Chemistry, and more",
            "陳大文",
            "Peter CHAN",
            telephonenumber=("+852 3943 0001",),
            physicaldeliveryofficename=("Room 1, Science Centre",),
            labeleduri=("https://example.org/~tm,x;y Pages of mine",),
            edupersondisplaypronouns=("he/him",),
        ),
    )
)


def content_lines(octets: bytes) -> list[str]:
    """Unfolded, as RFC 6350, 3.2 says; every physical line is checked on the way."""
    assert octets.endswith(b"\r\n")
    physical = octets[:-2].split(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in physical)
    for line in physical:
        line.decode()  # no character is cut in two
    return octets[:-2].decode().replace("\r\n ", "").split("\r\n")


def unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value)


def components(value: str) -> list[str]:
    return [
        unescaped(part) for part in re.findall(r"((?:\\.|[^\\;])*)(?:;|\Z)", value)[: value.count(";") + 1]
    ]


def values(octets: bytes, name: str) -> list[str]:
    lines = [line for line in content_lines(octets) if re.match(rf"{name}[;:]", line)]
    return [line.partition(":")[2] for line in lines]


def test_a_card_says_all_that_the_listing_shows() -> None:
    """In the order of a reader; names in both scripts are spellings of one name."""
    assert content_lines(vcard(TAI_MAN, "Example University", ADDRESS)) == [
        "BEGIN:VCARD",
        "VERSION:4.0",
        "KIND:individual",
        f"UID:{ADDRESS}",
        f"SOURCE:{ADDRESS}.vcf",
        "FN;ALTID=1;LANGUAGE=en:Peter CHAN",
        "FN;ALTID=1;LANGUAGE=zh-Hant:陳大文",
        "N:CHAN;Tai Man;;;",
        "PRONOUNS:he/him",
        r"ORG:Example University;Physics\; Chemistry\, and more",
        "EMAIL;TYPE=work:tmchan@connect.example.edu",
        "TEL:+852 3943 0001",
        r"ADR;TYPE=work:;;Room 1\, Science Centre;;;;",
        "URL:https://example.org/~tm,x;y",
        "END:VCARD",
    ]


def test_what_is_not_shown_is_not_in_the_card() -> None:
    least = card(Listing("x", {"uid": ("x",), "cn": ("CHAN",), "sn": ("CHAN",)}))
    assert content_lines(vcard(least, "Example University", None))[3:] == [
        "FN:CHAN",
        "N:CHAN;;;;",
        "ORG:Example University",
        "END:VCARD",
    ]


def test_a_website_that_cannot_be_followed_is_left_out() -> None:
    """Its text would be no URI."""
    seen = replace(TAI_MAN, websites=(Way("javascript:alert(1)", None),))
    assert values(vcard(seen, "U", None), "URL") == []


def test_a_long_name_is_folded_between_characters() -> None:
    long = replace(TAI_MAN, chinese="陳大文" * 40)
    assert "FN;ALTID=1;LANGUAGE=zh-Hant:" + "陳大文" * 40 in content_lines(vcard(long, "U", None))


said = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=120)


@given(latin=said, surname=said, office=said, organisation=said)
def test_every_text_comes_back_as_it_was(latin: str, surname: str, office: str, organisation: str) -> None:
    """Separators, backslashes and any script."""
    seen = replace(TAI_MAN, latin=latin, chinese="", surname=surname, offices=(office,))
    octets = vcard(seen, organisation, None)
    assert [unescaped(value) for value in values(octets, "FN")] == [latin]
    assert components(values(octets, "N")[0]) == [surname, "Tai Man", "", "", ""]
    assert components(values(octets, "ADR")[0])[2] == office
    assert components(values(octets, "ORG")[0])[0] == organisation


@given(st.text(max_size=60))
def test_no_text_begins_a_line_of_its_own(text: str) -> None:
    """Not even with control characters and line ends in it: the card has the lines that it would have anyway."""
    way, name = (Way(text, None),), f"a{text}"
    texts = replace(TAI_MAN, latin=name, chinese="", pronouns=name, mail=way, telephones=way)
    names = [re.match(r"[A-Z]+", line) for line in content_lines(vcard(texts, text, None))]
    assert [name and name[0] for name in names] == [
        *("BEGIN", "VERSION", "KIND", "FN", "N", "PRONOUNS", "ORG", "EMAIL", "TEL", "ADR", "URL", "END")
    ]
