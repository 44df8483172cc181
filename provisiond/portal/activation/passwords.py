"""Judges a new password (NIST SP 800-63B-4, 3.1.1.2): long enough, not common, not about its owner, no mere pattern.
No rule asks for kinds of characters. All that is wrong is said at once; nothing is sent to anybody.

A password is set as NFC, which is what keyboards give and mail clients send; full-width letters stay what was typed,
since no LDAP client would narrow them. Compared with lists it is as NFKC without capitals."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

from provisiond.portal.activation.blocklist import Blocklist, folded
from provisiond.portal.activation.identity import Digests
from provisiond.portal.activation.own_data import Own, OwnData
from provisiond.portal.activation.strength import strength

LONGEST = 256  # bytes of UTF-8: more than anybody types, less than any server refuses
_LEFT_OVER = 8  # code points that must remain without words of the university
_DISTINCT = 5
_ROWS = (
    *("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    *("1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm"),
)
_STEP = 4  # letters in a row are a row
_GUESSABLE = 1  # and below: minutes for whoever has the digest


class Weakness(StrEnum):
    """Beside `Own`."""

    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    UNTYPEABLE = "untypeable"  # control characters and the like: not every keyboard and program can send them
    BLANK_EDGE = "blank-edge"  # programs cut blanks off at both ends
    COMMON = "common"
    UNIVERSITY = "university"
    REPEATED = "repeated"
    SEQUENCE = "sequence"
    GUESSABLE = "guessable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`password`: as it is to be set. `faults`: every reason against it; none: it may be set. `strength`: 0 to 4."""

    password: str = field(repr=False)
    faults: tuple[Weakness | Own, ...]
    strength: int


@dataclass(frozen=True, slots=True)
class PasswordJudge:
    """`context`: words that everybody tries here: the university's name, its domain."""

    minimum_length: int
    blocklist: Blocklist
    context: frozenset[str]
    digests: Digests

    def verdict(self, typed: str, own: OwnData) -> Verdict:
        password = unicodedata.normalize("NFC", typed)
        if len(password.encode("utf-8", "surrogatepass")) > LONGEST:
            return Verdict("", (Weakness.TOO_LONG,), 0)
        score = strength(password, (*own.guesses(), *self.context))
        faults: tuple[Weakness | Own, ...] = (
            *self._form(password),
            *own.within(password, self.digests),
            *self._pattern(password),
        )
        if score <= _GUESSABLE and not faults:
            faults = (Weakness.GUESSABLE,)
        return Verdict(password, faults, min(score, _GUESSABLE) if faults else score)

    def _form(self, password: str) -> list[Weakness]:
        faults = []
        if len(password) < self.minimum_length:
            faults.append(Weakness.TOO_SHORT)
        if any(unicodedata.category(sign)[0] == "C" for sign in password):
            faults.append(Weakness.UNTYPEABLE)
        if password != password.strip():
            faults.append(Weakness.BLANK_EDGE)
        return faults

    def _pattern(self, password: str) -> list[Weakness]:
        plain, faults = folded(password), []
        if password and self.blocklist.is_common(password):
            faults.append(Weakness.COMMON)
        if plain and _mostly(self.context, plain):
            faults.append(Weakness.UNIVERSITY)
        few = len(set(plain)) < _DISTINCT <= len(plain)
        if few or _is_repeated(plain):
            faults.append(Weakness.REPEATED)
        if _is_sequence(plain):
            faults.append(Weakness.SEQUENCE)
        return faults


def context_words(*names: str | None) -> frozenset[str]:
    """Of names and domains: each word from four letters on, and the whole without blanks."""
    words = set()
    for name in filter(None, names):
        parts = re.findall(r"[^\W_]+", folded(name))
        words |= {part for part in parts if len(part) >= 4 or not part.isascii()}
        words.add("".join(parts))
    return frozenset(words | {"provisiond", "student", "password", "welcome"})


def _mostly(words: frozenset[str], plain: str) -> bool:
    """Whether too few letters and digits are left without them."""
    left = plain
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left != plain and sum(map(str.isalnum, left)) < _LEFT_OVER


def _is_repeated(plain: str) -> bool:
    """One short piece again and again, the last one perhaps cut off."""
    halves = range(1, len(plain) // 2 + 1)
    return any((plain[:size] * (len(plain) // size + 1)).startswith(plain) for size in halves)


def _is_sequence(plain: str) -> bool:
    """Whether more than half of it are neighbours in the alphabet, among digits or on the keyboard."""
    rows = [row for one in _ROWS for row in (one, one[::-1])]
    steps = {row[at : at + _STEP] for row in rows for at in range(len(row) - _STEP + 1)}
    covered = {
        at + n
        for at in range(len(plain) - _STEP + 1)
        if plain[at : at + _STEP] in steps
        for n in range(_STEP)
    }
    return len(plain) - len(covered) < min(_LEFT_OVER, len(plain) / 2) and bool(covered)
