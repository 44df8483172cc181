"""The pure core by itself: persons a second of `decide`, and 100,000 names of 500 common surnames."""

from __future__ import annotations

import time
from pathlib import Path

from provisiond.domain import decide as core
from provisiond.domain.names import allocate
from provisiond.domain.policy import NamePolicy
from tests.bench.figures import figure
from tests.rigs.lives import a_case, a_person, a_policy

PERSONS = 20_000
NAMES, SURNAMES = 100_000, 500
_ONSETS = (
    "b",
    "ch",
    "d",
    "f",
    "g",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "s",
    "t",
    "w",
    "y",
    "z",
    "ng",
    "kw",
    "j",
    "ts",
)
_RIMES = ("a", "ai", "am", "an", "ang", "au", "e", "ee", "eng", "eung", "i", "im", "in", "ing", "iu", "o", "oi",
          "on", "ong", "ou", "oon", "ui", "uk", "un", "ung")  # fmt: skip


def decide_figures(_folder: Path, scale: float) -> None:
    """New students, in batches as the cycle decides them."""
    policy, count = a_policy(), int(PERSONS * scale)
    records = [
        a_person(str(20000000 + i), surname=surname(i), given_names=given_names(i)) for i in range(count)
    ]
    cases = [a_case(records=records[start : start + 500]) for start in range(0, count, 500)]
    began = time.perf_counter()
    steps = sum(len(core.decide(case.snapshot, policy).steps) for case in cases)
    figure("decide", steps / (time.perf_counter() - began), "persons/s")


def names_figures(_folder: Path, scale: float) -> None:
    policy, taken, longest = NamePolicy(), set[str](), 0
    began = time.perf_counter()
    for i in range(int(NAMES * scale)):
        allocation = allocate(surname(i), given_names(i), policy, taken, explain=False)
        assert allocation.account_name is not None
        taken.add(allocation.account_name)
        stem = allocate(surname(i), given_names(i), policy, (), explain=False).account_name or ""
        longest = max(longest, len(allocation.account_name) - len(stem))
    figure("names", time.perf_counter() - began, "s")
    figure("names-longest-suffix", longest, "letters")


def surname(i: int) -> str:
    onset, rime = divmod(i % SURNAMES, len(_RIMES))
    return (_ONSETS[onset] + _RIMES[rime]).capitalize()


def given_names(i: int) -> str:
    """Two syllables, spread over some four hundred pairs of initials as real ones are: unevenly."""
    one, two = (i // SURNAMES) * 7 % len(_ONSETS), (i // SURNAMES // len(_ONSETS)) * 3 % len(_ONSETS)
    return f"{_ONSETS[one].capitalize()}ai {_ONSETS[two].capitalize()}an"
