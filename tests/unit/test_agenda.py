"""What a rehearsal adds up: brakes of the 24 hours before and of the season, and what a month's line says."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from provisiond.cli.rehearse import monthly
from provisiond.domain.agenda import Agenda, Day, Impact
from provisiond.domain.brakes import BRAKES
from provisiond.domain.model import NoticeKind
from provisiond.domain.policy import BrakePolicy, Limit, Window
from tests.rigs.lives import TODAY, noon

LOSS = Impact(tuple(int(name == "losses") for name in BRAKES), -1)
FOUR = BrakePolicy(losses=Limit(4, 100, 4))
TOMORROW = TODAY + timedelta(days=1)


def judged(policy: BrakePolicy, recent: int = 0, hours: int = 24, **losses: int) -> Agenda:
    """`losses`: how many today and tomorrow, whose cycle runs so many hours after today's; `recent`: known to the
    ledger, of an hour ago."""
    agenda = Agenda(turns={(TODAY, 0): Counter({LOSS: losses.get("today", 0)}),
                           (TOMORROW, 0): Counter({LOSS: losses.get("tomorrow", 0)})})  # fmt: skip

    def known(since: datetime) -> dict[str, int]:
        return {"losses": recent} if since < noon() - timedelta(hours=1) else {}

    agenda.judge(lambda day: noon() + timedelta(hours=hours * (day - TODAY).days), known, 100, policy, 2)
    return agenda


def trips(agenda: Agenda) -> dict[date, tuple[int, int]]:
    return {day: (one.count, one.recent) for day, counted in agenda.days.items() for one in counted.brakes}


def test_a_brake_counts_the_24_hours_before_and_no_more() -> None:
    assert trips(judged(FOUR, today=3, tomorrow=3)) == {}
    assert trips(judged(FOUR, today=3, tomorrow=3, hours=12)) == {TOMORROW: (3, 3)}


def test_what_the_ledger_knows_to_be_done_today_counts_too() -> None:
    assert trips(judged(FOUR, recent=2, today=3)) == {TODAY: (3, 2)}
    assert trips(judged(FOUR, recent=4, tomorrow=1)) == {}


def test_what_was_approved_weighs_nothing_afterwards_and_operators_are_told() -> None:
    agenda = judged(FOUR, today=5, tomorrow=4, hours=12)
    assert trips(agenda) == {TODAY: (5, 0)}
    assert agenda.days[TODAY].notices == {NoticeKind.OPERATOR: 2}


def test_a_season_has_limits_of_its_own() -> None:
    first, last = (TOMORROW.month, TOMORROW.day), (12, 31)
    season = BrakePolicy(
        losses=FOUR.losses, windows=(Window("w", first, last, {"losses": Limit(1, 100, 1)}),)
    )
    assert trips(judged(season, today=3, tomorrow=2)) == {TOMORROW: (2, 0)}


def test_a_months_line_names_the_days_worth_a_look() -> None:
    agenda = judged(FOUR, today=5)
    agenda.days[TODAY].notices[NoticeKind.ALUMNI] = 7
    agenda.days[TOMORROW] = Day(losses=3)
    month, together = monthly(sorted(agenda.days.items()))
    assert month[0] == f"{TODAY:%Y-%m}" and "alumni 7" in str(month[-2])
    assert "24: 9 notices" in str(month[-1]) and "25: 3 losses" in str(month[-1])
    assert "24: brake 5 losses, 4 allowed" in str(month[-1])
    assert together[0] == "all" and "3" in together
