"""What is foreseen, day by day: notices, transitions, losses, and the brakes that would trip.

Adds up what others decide; brakes are judged when everybody's steps are in, as a cycle does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from provisiond.domain.brakes import BRAKES, ROLLING, tripped
from provisiond.domain.lifecycle import ENDED
from provisiond.domain.model import NoticeKind, State
from provisiond.domain.plan import Step, Tripped
from provisiond.domain.policy import BrakePolicy

_LEAVING = ENDED | {State.GRACE}


class Impact(NamedTuple):
    """Of one step: its weight on each of BRAKES, and by how much it changes the managed population."""

    weights: tuple[int, ...]
    growth: int


@dataclass(slots=True)
class Day:
    """`expiries`: accounts whose last day of service it is, told that morning; `returned`: persons who study again
    after their studies had ended; `losses`: persons from whom something is taken."""

    notices: Counter[NoticeKind] = field(default_factory=Counter)
    grace_begun: int = 0
    expiries: int = 0
    alumni: int = 0
    terminated: int = 0
    returned: int = 0
    losses: int = 0
    brakes: list[Tripped] = field(default_factory=list)

    def add(self, step: Step) -> None:
        self.notices.update(notice.kind for notice in step.notices)
        self.expiries += sum(notice.kind is NoticeKind.EXPIRY for notice in step.notices)
        self.losses += step.ends_access
        if step.transition:
            self.grace_begun += step.to_state is State.GRACE
            self.alumni += step.to_state is State.ALUMNI
            self.terminated += step.to_state is State.TERMINATED
            self.returned += step.from_state in _LEAVING and step.to_state not in _LEAVING

    def merge(self, other: Day) -> None:
        self.notices.update(other.notices)
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.brakes += other.brakes


COUNTS = ("grace_begun", "expiries", "alumni", "terminated", "returned", "losses")


@dataclass(slots=True)
class Agenda:
    """`turns`: the cycles of a day one after the other (a notice that was accepted may let the next one do more)."""

    days: dict[date, Day] = field(default_factory=dict)
    turns: dict[tuple[date, int], Counter[Impact]] = field(default_factory=dict)
    looked_at: int = 0

    def add(self, day: date, turn: int, steps: Iterable[tuple[Step, State]]) -> None:
        """Each step with the state in which the ledger had the account before."""
        for step, before in steps:
            self.looked_at += 1
            if step.is_due:
                self._count(day, step)
                self.turns.setdefault((day, turn), Counter())[_impact(step, before)] += 1

    def merge(self, other: Agenda) -> None:
        """Of other persons."""
        self.looked_at += other.looked_at
        for day, counted in other.days.items():
            self._day(day).merge(counted)
        for turn, impacts in other.turns.items():
            self.turns.setdefault(turn, Counter()).update(impacts)

    def total(self) -> Day:
        total = Day()
        for day in self.days.values():
            total.merge(day)
        return total

    def judge(
        self,
        instant: Callable[[date], datetime],
        recent: Callable[[datetime], Mapping[str, int]],
        population: int,
        policy: BrakePolicy,
        operators: int,
    ) -> None:
        """Which brakes trip. What one holds is let through by an operator on the same day, and weighs nothing then.
        `recent`: what the ledger knows to have been done since an instant; `operators`: how many are told."""
        scale = _Scale(recent, population, policy)
        for day, turn in sorted(self.turns):
            if over := scale.weigh(self.turns[day, turn], day, instant(day)):
                self._day(day).brakes += over
                self._day(day).notices[NoticeKind.OPERATOR] += operators

    def _count(self, day: date, step: Step) -> None:
        counted = self.days.get(day, Day())
        counted.add(step)
        if counted != Day():  # changes alone are not told
            self.days[day] = counted

    def _day(self, day: date) -> Day:
        return self.days.setdefault(day, Day())


def _impact(step: Step, before: State) -> Impact:
    managed = int(step.to_state not in ENDED) - int(before not in ENDED)
    return Impact(tuple(weight(step) for weight in BRAKES.values()), managed)


@dataclass(slots=True)
class _Scale:
    """What the brakes look at while the days pass."""

    recent: Callable[[datetime], Mapping[str, int]]
    population: int
    policy: BrakePolicy
    done: list[tuple[datetime, Counter[str]]] = field(default_factory=list)

    def weigh(self, impacts: Counter[Impact], day: date, now: datetime) -> tuple[Tripped, ...]:
        """One cycle: what trips is held, approved, and done by the next one; the rest is done at once."""
        over = self._tripped(impacts, day, now)
        held = Counter({i: n for i, n in impacts.items() if _is_held(i, over)})
        self._do(impacts - held, now, weighs=True)
        self._do(held, now, weighs=not self._tripped(held, day, now))
        return over

    def _tripped(self, impacts: Counter[Impact], day: date, now: datetime) -> tuple[Tripped, ...]:
        since = now - ROLLING
        before = Counter(self.recent(since))
        self.done = [(at, weights) for at, weights in self.done if at > since]
        for _, weights in self.done:
            before.update(weights)
        return tripped(_weights(impacts), before, self.population, self.policy, day)

    def _do(self, impacts: Counter[Impact], now: datetime, *, weighs: bool) -> None:
        self.population += sum(impact.growth * count for impact, count in impacts.items())
        if weighs:
            self.done.append((now, _weights(impacts)))


def _is_held(impact: Impact, over: tuple[Tripped, ...]) -> bool:
    names = {one.brake for one in over}
    return any(weight for name, weight in zip(BRAKES, impact.weights, strict=True) if name in names)


def _weights(impacts: Counter[Impact]) -> Counter[str]:
    total: Counter[str] = Counter()
    for impact, count in impacts.items():
        for name, weight in zip(BRAKES, impact.weights, strict=True):
            total[name] += weight * count
    return total


def difference(before: Agenda, then: Agenda) -> Iterator[tuple[date, Day]]:
    """By day, what `then` has more (or less) of; days without any are left out. Brakes are those of `then`."""
    for day in sorted(before.days.keys() | then.days.keys()):
        was, will = before.days.get(day, Day()), then.days.get(day, Day())
        found = Day(brakes=[one for one in will.brakes if one not in was.brakes])
        found.notices.update(will.notices)
        found.notices.subtract(was.notices)
        found.notices = Counter({kind: count for kind, count in found.notices.items() if count})
        for name in COUNTS:
            setattr(found, name, getattr(will, name) - getattr(was, name))
        if found != Day() or len(was.brakes) != len(will.brakes):
            yield day, found
