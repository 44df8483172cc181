"""The picture of the coming months where there is nothing to draw."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from provisiond.cli.picture import draw
from provisiond.domain.agenda import Agenda
from provisiond.domain.course import Span
from provisiond.rehearsal import Rehearsed


def test_a_quiet_time_is_drawn_over_its_own_days(tmp_path: Path) -> None:
    """An empty frame over a day of 1970, as matplotlib has it by itself, would look like a fault."""
    span = Span(datetime(2026, 11, 29, tzinfo=UTC), date(2027, 9, 30), UTC)
    draw(Rehearsed(span, Agenda(), population=455, absent=0, parked=0), tmp_path / "months.svg")
    drawn = (tmp_path / "months.svg").read_text("utf-8")
    assert drawn.count("nothing falls due") == 2
    assert ">2027" in drawn and "1970" not in drawn
