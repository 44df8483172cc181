"""What a search text asks for in the communications directory, and the order of the answer. Pure; listings.py makes a
filter of it that needs no more than indexes of beginnings, and the tests' fake answers by it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from provisiond.ports.portal import Listing

NAMES = ("cn", "sn", "givenName", "displayName")
_MOST_WORDS, _LONGEST = 5, 100  # of a text that somebody means; further words count as part of the last one
_BETWEEN = re.compile(r"[\s,;\0-\x1f\x7f]+")


def words(text: str) -> tuple[str, ...]:
    """In the spelling that names are compared in: full-width letters as others, small, no half characters."""
    plain = folded(text[:_LONGEST].encode("utf-8", "ignore").decode())
    found = [word for word in _BETWEEN.split(plain) if word]
    rest = " ".join(found[_MOST_WORDS - 1 :])
    return (*found[: _MOST_WORDS - 1], rest) if rest else tuple(found)


def says_enough(wanted: Sequence[str]) -> bool:
    """Whether a word is more than a single Latin letter; a Chinese character is."""
    return any(len(word.encode()) > 1 for word in wanted)


def splits(wanted: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """The first words as one phrase, and the words that are left. Each phrase must begin a name: "tai man chan" finds
    CHAN Tai Man as "tai man" (given name) and "chan" (surname), "chan tai" as the beginning of the whole."""
    for length in range(1, len(wanted) + 1):
        yield " ".join(wanted[:length]), wanted[length:]


def fits(listing: Listing, wanted: Sequence[str]) -> bool:
    """As the server answers."""
    names = [folded(value) for value in names_of(listing)]
    return not wanted or any(
        any(name.startswith(phrase) for name in names) and fits(listing, left)
        for phrase, left in splits(wanted)
    )


def order(listing: Listing) -> tuple[str, str]:
    """Ascending by display name; the account name settles it."""
    shown = listing.attributes.get("displayname") or listing.attributes.get("cn") or ("",)
    return folded(shown[0]), listing.name


def names_of(listing: Listing) -> list[str]:
    """In every language (an attribute with an option is one of that name)."""
    wanted = {name.lower() for name in NAMES}
    return [
        value
        for name, values in listing.attributes.items()
        if name.partition(";")[0].lower() in wanted
        for value in values
    ]


def folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
