"""One figure a line: `bench NAME VALUE UNIT (goal OP LIMIT) ok|short`, so that a script can read it."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """`at_most` False: at least."""

    limit: float
    at_most: bool = True

    def met(self, value: float) -> bool:
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"(goal {'<=' if self.at_most else '>='} {self.limit:g})"


def at_most(limit: float) -> Goal:
    return Goal(limit)


def at_least(limit: float) -> Goal:
    return Goal(limit, at_most=False)


def figure(name: str, value: float, unit: str, goal: Goal | None = None) -> None:
    verdict = f" {goal} {'ok' if goal.met(value) else 'short'}" if goal else ""
    sys.stdout.write(f"bench {name} {value:.4g} {unit}{verdict}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """What a person wants to know meanwhile; not for scripts."""
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()
