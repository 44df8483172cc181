"""A card as a vCard 4.0 (RFC 6350; pronouns: RFC 9554), to be taken into an address book. Pure. Text is escaped and
lines are folded here: the libraries that are kept up write version 3."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from provisiond.portal.directory.card import Card

_LINE = 75  # octets, without the line's end


def vcard(card: Card, organisation: str, address: str | None) -> bytes:
    """`address`: where this card lies on the web; it is the person's for ever, so it names the card as well."""
    lines = [
        "BEGIN:VCARD",
        "VERSION:4.0",
        "KIND:individual",
        *_identity(card, address),
        f"ORG:{_compound((organisation, *card.departments[:1]))}",
        *(f"EMAIL;TYPE=work:{_text(mail.text)}" for mail in card.mail),
        # as text, which every address book reads; `tel:` is shown as it stands by many
        *(f"TEL:{_text(telephone.text)}" for telephone in card.telephones),
        *(f"ADR;TYPE=work:{_compound(('', '', office, '', '', '', ''))}" for office in card.offices),
        *(f"URL:{website.address}" for website in card.websites if website.address),
        "END:VCARD",
    ]
    return b"".join(octets for line in lines for octets in _folded(line))


def _identity(card: Card, address: str | None) -> Iterator[str]:
    if address:
        yield f"UID:{address}"
        yield f"SOURCE:{address}.vcf"
    if card.chinese:  # two spellings of one name (5.4)
        yield f"FN;ALTID=1;LANGUAGE=en:{_text(card.latin)}"
        yield f"FN;ALTID=1;LANGUAGE=zh-Hant:{_text(card.chinese)}"
    else:
        yield f"FN:{_text(card.latin)}"
    yield f"N:{_compound((card.surname, card.given_names, '', '', ''))}"
    if card.pronouns:
        yield f"PRONOUNS:{_text(card.pronouns)}"


def _compound(parts: Iterable[str]) -> str:
    return ";".join(map(_text, parts))


def _text(value: str) -> str:
    """Escaped (3.4); of control characters only the line's end can be said."""
    plain = value.replace("\r\n", "\n").replace("\r", "\n")
    for sign in ("\\", ",", ";"):
        plain = plain.replace(sign, "\\" + sign)
    return "".join(
        "\\n" if c == "\n" else c for c in plain if c == "\n" or unicodedata.category(c) not in _NO_TEXT
    )


_NO_TEXT = ("Cc", "Cs")  # control characters, half characters


def _folded(line: str) -> Iterator[bytes]:
    """In lines of 75 octets at most, none of which ends within a character (3.2)."""
    octets, start, room = line.encode(), 0, _LINE
    while len(octets) - start > room:
        end = start + room
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        yield octets[start:end] + b"\r\n "
        start, room = end, _LINE - 1  # the blank counts
    yield octets[start:] + b"\r\n"
