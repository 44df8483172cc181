"""Draws what a rehearsal foresees (matplotlib): notices a day by kind, what becomes of accounts, brakes that
would trip.

Imported only where a picture is wanted: matplotlib is an optional extra."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from provisiond.domain.agenda import Agenda, Day
from provisiond.domain.model import NoticeKind
from provisiond.rehearsal import Rehearsed

_LINES = (
    ("grace_begun", "grace period begun", "tab:olive"),
    ("expiries", "last day of service", "tab:orange"),
    ("alumni", "to alumni", "tab:purple"),
    ("terminated", "terminated", "tab:red"),
    ("losses", "losses", "black"),
)


def draw(found: Rehearsed, path: Path) -> None:
    """PNG or SVG, by the file's ending. With a changed configuration that one is drawn, the present one as a line."""
    agenda = found.other or found.agenda
    days = [found.span.today + timedelta(n) for n in range((found.span.until - found.span.today).days + 1)]
    with rc_context({"svg.hashsalt": "provisiond", "svg.fonttype": "none"}):
        figure = Figure(figsize=(14, 8), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True)
        _notices(upper, agenda, days)
        if found.other:
            before = [found.agenda.days.get(day, Day()).notices.total() for day in days]
            upper.step(_places(days), before, where="mid", color="grey", label="present configuration")
        _lives(lower, agenda, days)
        for axes in (upper, lower):
            _brakes(axes, agenda)
            _legend(axes)
            axes.set_xlim(*_places([days[0], days[-1] + timedelta(1)]))
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        lower.xaxis_date()
        lower.xaxis.set_major_locator(locator)
        lower.xaxis.set_major_formatter(
            ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        )
        figure.suptitle(f"{found.span.today} to {found.span.until}: {found.population} accounts")
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _places(days: Sequence[date]) -> list[float]:
    """As matplotlib counts days: since 1970."""
    return [float((day - date(1970, 1, 1)).days) for day in days]


def _notices(axes: Axes, agenda: Agenda, days: Sequence[date]) -> None:
    below = [0] * len(days)
    for number, kind in enumerate(NoticeKind):
        counts = [agenda.days[day].notices[kind] if day in agenda.days else 0 for day in days]
        if any(counts):
            axes.bar(_places(days), counts, 1.0, below, label=kind.value, color=f"C{number % 10}")
            below = [a + b for a, b in zip(below, counts, strict=True)]
    axes.set_ylabel("notices a day")


def _lives(axes: Axes, agenda: Agenda, days: Sequence[date]) -> None:
    for name, label, colour in _LINES:
        counts = [getattr(agenda.days.get(day, Day()), name) for day in days]
        if any(counts):
            axes.step(_places(days), counts, where="mid", label=label, color=colour)
    axes.set_ylabel("persons a day")


def _legend(axes: Axes) -> None:
    """Or a word where there is nothing to draw: an empty picture would look like a fault."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="upper left", fontsize="small", ncols=3)
        return
    axes.set_yticks([])
    axes.text(0.5, 0.5, "nothing falls due", transform=axes.transAxes, ha="center", color="grey")


def _brakes(axes: Axes, agenda: Agenda) -> None:
    tripped = sorted(day for day, counted in agenda.days.items() if counted.brakes)
    for place in _places(tripped):
        axes.axvline(place, color="red", linestyle=":", label="_")
    if tripped:
        axes.plot([], [], color="red", linestyle=":", label="a brake would trip")
