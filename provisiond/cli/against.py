"""`provisiond check --against FILE`: the effect of a changed configuration on the next cycle, as two plans
compared."""

from __future__ import annotations

from provisiond import bootstrap
from provisiond.adapters.clock import SystemClock
from provisiond.cli import report, screen
from provisiond.contrast import Contrast, contrasts
from provisiond.result import Result, Work
from provisiond.settings import Settings

MOST_PERSONS = 50  # told one by one on a terminal


def compare(present: Settings, other: Settings) -> int:
    """Plans for everybody under both, on the present ledger; says what differs. The exit code: 0 nothing, 1
    something, 65 a brake would hold it."""
    before, then = _plan(present, present), _plan(present, other)
    persons, losing, keeping = 0, 0, 0
    for contrast in contrasts(before.plan, then.plan):
        persons, losing, keeping = persons + 1, losing + contrast.loses, keeping + contrast.keeps
        if persons <= MOST_PERSONS or not screen.out.is_terminal:
            _tell(contrast)
    if persons > MOST_PERSONS and screen.out.is_terminal:
        screen.say(f"… and {persons - MOST_PERSONS} more persons: a pipe shows them all", "dim")
    _tell_around(before, then)
    screen.say(
        f"effect of {other.path}: other steps for {persons} persons; {losing} lose access, {keeping} keep it"
        " who would lose it",
        "bold",
    )
    return report.exit_code(then) or (report.DUE if persons else 0)


def _plan(present: Settings, settings: Settings) -> Result:
    """A changed policy takes effect for everybody sooner or later: `plan --all`."""
    with (
        bootstrap.parts(
            present, SystemClock(), writes=False, directory=bootstrap.ldap_directory(settings)
        ) as parts,
        screen.progress() as progress,
    ):
        here = bootstrap.Parts(settings, parts.clock, parts.ledger, parts.directory)
        return here.cycle(progress).plan(Work(everyone=True))


def _tell(one: Contrast) -> None:
    step = one.other or one.present
    assert step is not None
    headline = f"{step.account_name} ({one.student_id})"
    screen.say(f"{headline} loses access" if one.loses else headline, "red" if one.loses else "")
    for sentence in one.gone:
        screen.say(f"    - {sentence}")
    for sentence in one.new:
        screen.say(f"    + {sentence}")
    if one.present and one.other and one.present.next_on != one.other.next_on:
        screen.say(f"    next look {one.present.next_on or 'never'} → {one.other.next_on or 'never'}", "dim")


def _tell_around(before: Result, then: Result) -> None:
    """Brakes, and who could be served under one configuration only."""
    parked = {one.student_id: one.reason for one in before.plan.parked}
    for one in then.plan.parked:
        if parked.get(one.student_id) != one.reason:
            screen.warn(f"would be parked {one.student_id}: {one.reason}")
    if len(before.rejections) != len(then.rejections):
        screen.warn(f"records rejected: {len(before.rejections)} → {len(then.rejections)}")
    for refused in then.refused:
        screen.fail(f"refused: {refused}")
    for tripped in then.plan.tripped:
        screen.fail(f"brake: {tripped.sentence}")
