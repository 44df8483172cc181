"""What a search text asks for in the communications directory: its words, what they must begin, and the order of the
answer. Pure; whoever implements Listings asks here, so that all answer alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from provisiond.ports.portal import Listing

NAMES = ("cn", "sn", "givenName", "displayName")
_MOST_WORDS, _LONGEST = 8, 100  # of a text that somebody means
_BETWEEN = re.compile(r"[\s,;\0-\x1f\x7f]+")
_WORD_START = r"(?:^|[\s,.'’(-])"


def words(text: str) -> tuple[str, ...]:
    """In the spelling that names are compared in: full-width letters as others, small, no half characters."""
    plain = folded(text[:_LONGEST].encode("utf-8", "ignore").decode())
    found = [word for word in _BETWEEN.split(plain) if word]
    return tuple(dict.fromkeys(found[:_MOST_WORDS]))


def searchable(wanted: Iterable[str]) -> bool:
    """Whether one of them says enough to search by: a single Latin letter does not, a Chinese character does."""
    return any(len(word.encode()) > 1 for word in wanted)


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


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
