"""Where a long cycle can be interrupted: between two batches, when nothing is in flight. What is done there (orders
of operators, leaving) is the daemon's; a cycle that an operator runs is never interrupted."""

from __future__ import annotations

from typing import Protocol


class Leaving(Exception):  # noqa: N818 - nothing is wrong
    """The process is about to end, or leads no more: what is left of this piece of work is the next one's."""


class Pauses(Protocol):
    def wanted(self) -> bool:
        """Whether somebody waits. Costs nothing."""
        ...

    def take(self) -> frozenset[str]:
        """Let them have their turn; the students who were served meanwhile. Raises Leaving."""
        ...


class NoPauses:
    def wanted(self) -> bool:
        return False

    def take(self) -> frozenset[str]:
        return frozenset()
