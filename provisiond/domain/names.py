"""Decides which account name a person gets, and says of each candidate why it was passed over.

Pure: the caller looks up under `prefixes` what is taken, and adds what was given. Splitting a full name is
left to fullnames.py, letters to latin.py, which words are reserved or unfortunate to the policy."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from provisiond.domain.fullnames import split_full_name
from provisiond.domain.latin import fold
from provisiond.domain.policy import NamePolicy

__all__ = [
    "Allocation",
    "Candidate",
    "account_names",
    "allocate",
    "faults",
    "objection",
    "prefixes",
    "split_full_name",
    "words",
]

FREE = "free"
_LETTERS, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
_BRACKETED = re.compile(r"[(\[{（［｛【][^()\[\]{}（）［］｛｝【】]*[)\]}）］｝】]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name that came in question; `reason` is `free` for the chosen one, else why it was passed over."""

    account_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """The outcome; `problem` is a sentence (without the person's name) when no name can be given."""

    account_name: str | None
    candidates: tuple[Candidate, ...]
    problem: str | None


def allocate(
    surname: str, given_names: str, policy: NamePolicy, taken: Container[str], *, explain: bool = True
) -> Allocation:
    """The first name that may be given. Without `explain` the names passed over are not recorded, which
    matters in a first load: the 700th CHAN Tai Man passes over 699."""
    passed: list[Candidate] = []
    for name in account_names(surname, given_names, policy):
        reason = "taken" if name in taken else objection(name, policy)
        if reason is None:
            return Allocation(name, (*passed, Candidate(name, FREE)), None)
        if explain:
            passed.append(Candidate(name, reason))
    return Allocation(None, tuple(passed), _problem(_stems(surname, given_names, policy), policy))


def prefixes(surname: str, given_names: str, policy: NamePolicy) -> frozenset[str]:
    """Every candidate of this name starts with one of these (at most one a pattern, never empty strings)."""
    return frozenset(
        stem[: policy.maximum_length - max(_widths(stem, policy), default=0)]
        for stem in _stems(surname, given_names, policy)
    )


def account_names(surname: str, given_names: str, policy: NamePolicy) -> Iterator[str]:
    """All names that come in question, lazily, in the order in which they are tried.

    A stem that holds an unfortunate word gets no suffixes, they would not help; one that *is* such a word
    gets them only when the other patterns gave nothing (`ssa` is better than `assaa`)."""
    stems = _stems(surname, given_names, policy)
    spoilt = _unfortunate(policy.unfortunate)
    for stem in stems:
        yield stem
        if not spoilt.spoil(stem):
            yield from _suffixed(stem, policy)
    for stem in stems:
        if stem in spoilt.whole and not spoilt.inside.search(stem):
            yield from _suffixed(stem, policy)


def faults(policy: NamePolicy) -> tuple[str, ...]:
    """What is wrong with a policy by itself, as sentences for the configuration check."""
    found = {
        "minimum_length must be at least 1": policy.minimum_length < 1,
        "maximum_length must not be less than minimum_length": policy.maximum_length < policy.minimum_length,
        "alphabet must hold letters a-z": not set(_LETTERS) & set(policy.alphabet),
        "alphabet must hold the digits that suffix_style asks for": (
            policy.suffix_style == "digits" and not set(_DIGITS) <= set(policy.alphabet)
        ),
        'suffix_style must be "letters" or "digits"': policy.suffix_style not in ("letters", "digits"),
        "patterns must not be empty": not policy.patterns,
    }
    unknown = [p for p in policy.patterns if not _PATTERN.fullmatch(p)]
    return (
        *(sentence for sentence, wrong in found.items() if wrong),
        *(f"pattern {p!r}: only {{initials}}, {{initial}}, {{surname}} and plain text" for p in unknown),
    )


_PATTERN = re.compile(r"[^{}]*(\{(initials|initial|surname)\}[^{}]*)+")


# -- stems -------------------------------------------------------------------------------------------------


def _stems(surname: str, given_names: str, policy: NamePolicy) -> tuple[str, ...]:
    """One per pattern, cut to the length, without repetitions; none when the name has no letter to use."""
    family, given = words(surname), words(given_names)
    if not family:  # a single name, whichever field it came in
        family, given = given, []
    parts = {"surname": "".join(family), "initials": "".join(word[0] for word in given)}
    stems = (_stem(pattern, parts, policy) for pattern in policy.patterns) if family else ()
    return tuple(dict.fromkeys(stem for stem in stems if stem))


def _stem(pattern: str, parts: dict[str, str], policy: NamePolicy) -> str:
    filled = pattern.format(**parts, initial=parts["initials"][:1])
    allowed = "".join(character for character in filled if character in policy.alphabet)
    if not any(character in _LETTERS for character in allowed):
        return ""
    # A missing part must not leave a dangling dot: `{initials}.{surname}` of a single name.
    return allowed.strip("._-")[: policy.maximum_length].rstrip("._-")


def words(text: str) -> list[str]:
    """What stands in brackets is a remark, `Tai Man (Peter)`, unless there is nothing else."""
    return fold(_BRACKETED.sub(" ", text)).split() or fold(text).split()


# -- suffixes ----------------------------------------------------------------------------------------------


def _suffixed(stem: str, policy: NamePolicy) -> Iterator[str]:
    spoilt = _unfortunate(policy.unfortunate)
    for width in _widths(stem, policy):
        start = stem[: policy.maximum_length - width]
        if len(start) + width >= policy.minimum_length and not spoilt.inside.search(start):
            yield from (start + suffix for suffix in _suffixes(width, policy))


def _widths(stem: str, policy: NamePolicy) -> range:
    """Lengths of the suffixes to try, wide enough for the minimum length; one letter of the stem remains."""
    first, last = (1, 4) if policy.suffix_style == "digits" else (2, 3)
    last = max(last, policy.minimum_length - len(stem))
    return range(first, min(last, policy.maximum_length - 1) + 1)


def _suffixes(width: int, policy: NamePolicy) -> Iterator[str]:
    """aa … zz, or 2 … 9, 10 … 99; with characters of the alphabet only."""
    if policy.suffix_style == "digits":
        numbers = map(str, range(max(2, 10 ** (width - 1)), 10**width))
        return (number for number in numbers if all(digit in policy.alphabet for digit in number))
    letters = [letter for letter in _LETTERS if letter in policy.alphabet]
    return map("".join, product(letters, repeat=width))


# -- objections --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Unfortunate:
    """`whole`: never a name by themselves; `inside`: nowhere in a name."""

    whole: frozenset[str]
    inside: re.Pattern[str]

    def spoil(self, name: str) -> bool:
        return name in self.whole or self.inside.search(name) is not None


@lru_cache(maxsize=8)
def _unfortunate(words: frozenset[str]) -> _Unfortunate:
    """`=word` marks one of four letters and more that may stand inside a name (Yamashita, Hancock)."""
    marked = {word[1:] for word in words if word.startswith("=")}
    plain = {word for word in words if not word.startswith("=")}
    inside = sorted(word for word in plain if len(word) >= 4)
    pattern = "|".join(map(re.escape, inside)) or r"(?!)"  # nothing matches (?!)
    return _Unfortunate(frozenset(marked | (plain - set(inside))), re.compile(pattern))


def objection(name: str, policy: NamePolicy) -> str | None:
    """Why a name that is not taken may not be given all the same."""
    if len(name) < policy.minimum_length:
        return f"shorter than {policy.minimum_length} letters"
    if name in policy.reserved:
        return "reserved"
    return "unfortunate word" if _unfortunate(policy.unfortunate).spoil(name) else None


def _problem(stems: tuple[str, ...], policy: NamePolicy) -> str:
    if not stems:
        return "no Latin letter in the name"
    inside = _unfortunate(policy.unfortunate).inside
    if all(inside.search(stem) for stem in stems):
        return "every possible account name holds an unfortunate word"
    return "every possible account name is taken, reserved or unfortunate"
