"""Of what words a search text is made, in the spelling that names are compared in, and whether they say enough to
search by. Portal and directory ask here, so that what a page refuses is what the directory would not look up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 100  # characters of a text that somebody means; the rest is not looked at
_MOST_WORDS = 8
_BETWEEN = re.compile(r"[\s,;\0-\x1f\x7f]+")


def words(text: str) -> tuple[str, ...]:
    """In the spelling that names are compared in: full-width letters as others, small, no half characters."""
    plain = folded(text[:LONGEST].encode("utf-8", "ignore").decode())
    found = [word for word in _BETWEEN.split(plain) if word]
    return tuple(dict.fromkeys(found[:_MOST_WORDS]))


def searchable(wanted: Iterable[str]) -> bool:
    """Whether one of them says enough to search by: a single Latin letter does not, a Chinese character does."""
    return any(len(word.encode()) > 1 for word in wanted)


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
