"""How hard a password is to guess, 0 (at once) to 4 (not in years), by zxcvbn: what the page shows while typing, too.

The library keeps the person's own words in a variable of its module (so: one estimate at a time, and they are taken
out again), and tries every reading of letters written as signs, which a password of nothing but such signs drags out
for seconds (so: of more than a few of them the rest stand for nothing)."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from zxcvbn import matching, zxcvbn

_LOOKED_AT = 48  # characters; what follows makes it stronger still, and the time grows with the square
_READ = 5  # signs of different kinds that are tried as letters
_SIGNS = frozenset(sign for signs in matching.L33T_TABLE.values() for sign in signs)
_NOTHING = "\u00b6"
_one_at_a_time = Lock()


def strength(password: str, own_words: Iterable[str]) -> int:
    """`own_words`: what somebody who knows the person tries first."""
    if not password:
        return 0  # the library fails
    with _one_at_a_time:
        try:
            return int(zxcvbn(_readable(password[:_LOOKED_AT]), list(own_words))["score"])
        finally:
            matching.RANKED_DICTIONARIES.pop("user_inputs", None)


def _readable(password: str) -> str:
    signs = [sign for sign in dict.fromkeys(password) if sign in _SIGNS and not sign.isdigit()]
    return password.translate(dict.fromkeys(map(ord, signs[_READ:]), _NOTHING))
