"""What the words of a search (domain.search_words) ask for in the communications directory, and the order of the
answer. Pure; listings.py makes a filter of it that needs no more than indexes of beginnings, and the tests' fake
answers by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provisiond.domain.search_words import folded
from provisiond.ports.portal_directory import Listing

NAMES = ("cn", "sn", "givenName", "displayName")
# In every language: an attribute with an option is one of that name.
OF_A_LINE = ("uid", "cn", "displayName", "ou")


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


def order(name: str, displayed: str, full: str) -> tuple[str, str]:
    """Ascending by display name, else full name; the account name settles it."""
    return folded(displayed or full), name


def names_of(listing: Listing) -> list[str]:
    """In every language (an attribute with an option is one of that name)."""
    wanted = {name.lower() for name in NAMES}
    return [
        value
        for name, values in listing.attributes.items()
        if name.partition(";")[0].lower() in wanted
        for value in values
    ]
