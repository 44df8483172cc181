"""What the portal counts for those who watch it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Tried(StrEnum):
    """What became of an attempt to prove something."""

    RIGHT = "right"
    WRONG = "wrong"
    PAUSED = "paused"  # too many before: it was not looked at
    BESIEGED = "besieged"  # so many against that person today that something else is asked for too


class Tally(Protocol):
    """What those who watch want to count; of nobody in particular. Thread-safe, and quick."""

    def answered(self, route: str, status: int, seconds: float) -> None:
        """`route`: the page as it is written in the list of pages, never what somebody typed."""
        ...

    def tried(self, purpose: str, outcome: Tried) -> None: ...

    def activated(self) -> None:
        """An account, for the first time."""
        ...

    def away(self, system: str) -> None:
        """A request met a system that did not answer."""
        ...
