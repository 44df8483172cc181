"""What the words of a search (domain.search_words) ask for in the communications directory: what they must begin, and
the order of the answer. Pure; whoever implements Listings asks here, so that all answer alike."""

from __future__ import annotations

import re
from collections.abc import Sequence

from provisiond.domain.search_words import folded, searchable
from provisiond.ports.portal import Listing

NAMES = ("cn", "sn", "givenName", "displayName")
_WORD_START = r"(?:^|[\s,.'’(-])"


def fits(listing: Listing, wanted: Sequence[str]) -> bool:
    """Every word begins a word of the names, and one at least a whole name: "Man" alone would be half the town."""
    names = [folded(value) for value in names_of(listing)]
    long = [word for word in wanted if searchable([word])]
    if long and not any(name.startswith(word) for name in names for word in long):
        return False
    return all(any(re.search(_WORD_START + re.escape(word), name) for name in names) for word in wanted)


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
