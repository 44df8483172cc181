"""Of what words a search text is made, in the spelling that names are compared in, and whether they say enough to
search by. Portal and directory ask here, so that what a page refuses is what the directory would not look up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 100  # characters of a text that somebody means; the rest is not looked at
_MOST_WORDS = 5  # further ones count as part of the last one
_BETWEEN = re.compile(r"[\s,;\0-\x1f\x7f]+")


def words(text: str) -> tuple[str, ...]:
    """In the spelling that names are compared in: full-width letters as others, small, no half characters."""
    plain = folded(text[:LONGEST].encode("utf-8", "ignore").decode())
    found = [word for word in _BETWEEN.split(plain) if word]
    rest = " ".join(found[_MOST_WORDS - 1 :])
    return (*found[: _MOST_WORDS - 1], rest) if rest else tuple(found)


def says_enough(wanted: Sequence[str]) -> bool:
    """Whether a word is more than a single Latin letter; a Chinese character is."""
    return any(len(word.encode()) > 1 for word in wanted)


def folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
