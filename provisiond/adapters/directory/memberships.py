"""Joins and leaves of many persons, gathered into few modifications of each group: a group's entry is
rewritten once, not once a person. Pure; who sends them and what a refusal means is decided by writing.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provisiond.adapters.directory.dn import normalise_dn
from provisiond.domain.changes import Join, Leave, Mod, Op

MOST_VALUES = 500  # of one modification


@dataclass(frozen=True, slots=True)
class Membership:
    """A join or leave and the batch it belongs to."""

    batch: int
    change: Join | Leave


@dataclass(frozen=True, slots=True)
class GroupUpdate:
    """One modification of one group, and everything that depends on it."""

    group: str
    parts: tuple[Membership, ...]

    @property
    def mods(self) -> tuple[Mod, ...]:
        """For a DN named more than once the last word counts."""
        last = {normalise_dn(part.change.dn): part.change for part in self.parts}
        joining = tuple(change.dn for change in last.values() if isinstance(change, Join))
        leaving = tuple(change.dn for change in last.values() if isinstance(change, Leave))
        wanted = ((Op.ADD, joining), (Op.DELETE, leaving))
        return tuple(Mod(op, "member", values) for op, values in wanted if values)

    def halves(self) -> tuple[GroupUpdate, GroupUpdate]:
        middle = len(self.parts) // 2
        return GroupUpdate(self.group, self.parts[:middle]), GroupUpdate(self.group, self.parts[middle:])


def group_updates(memberships: Iterable[Membership]) -> list[GroupUpdate]:
    """In the order in which groups are first named; at most MOST_VALUES values each."""
    by_group: dict[str, list[Membership]] = {}
    for membership in memberships:
        by_group.setdefault(normalise_dn(membership.change.group), []).append(membership)
    return [
        GroupUpdate(parts[0].change.group, tuple(piece))
        for parts in by_group.values()
        for piece in _pieces(parts)
    ]


def _pieces(parts: Sequence[Membership]) -> list[Sequence[Membership]]:
    return [parts[start : start + MOST_VALUES] for start in range(0, len(parts), MOST_VALUES)]
