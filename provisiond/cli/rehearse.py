"""`provisiond rehearse`: the coming months as a table, JSON or a picture. What is foreseen is the rehearsal's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from provisiond.cli import screen
from provisiond.cli.session import errors, session
from provisiond.domain.agenda import COUNTS, Day, difference
from provisiond.domain.course import Span
from provisiond.domain.errors import ConfigError, RejectedError
from provisiond.rehearsal import Assumed, Moved, Rehearsal, Rehearsed
from provisiond.settings import load

COLUMNS = ("month", "grace", "expiry", "alumni", "ended", "back", "losses", "notices", "notable days")
MOST_MOVED = 20  # told one by one on a terminal; a pipe and --json have them all
MOST_DAYS = 3  # days with a brake named in a month's line
MOST_PROCESSES = 4
PICTURES = (".png", ".svg")


def rehearse(
    context: typer.Context,
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day to look at.")],
    other: Annotated[
        Path | None, typer.Option("--with", help="A changed configuration: what would be different.")
    ] = None,
    no_mail: Annotated[
        bool, typer.Option("--no-mail", help="As if no mail server took a notice: nobody expires.")
    ] = False,
    expected_ends: Annotated[
        bool, typer.Option("--expected-ends", help="As if studies ended on the date the registry expects.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="A picture; .png or .svg.")] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON for machines.")] = False,
) -> None:
    """Show the coming months: the real rules from today's ledger on a moved clock. Nothing is written, no directory
    and no registry is asked. In a pipe: a line a day."""
    with errors():
        if plot and plot.suffix.lower() not in PICTURES:
            raise RejectedError(f"{plot}: the name of a picture ends with {' or '.join(PICTURES)}")
        policy = load(other).policy if other else None
        assumed = Assumed(mail=not no_mail, expected_ends=expected_ends)
        with session(context).parts(writes=False) as parts, screen.progress() as progress:
            span = Span(parts.clock.now(), until.date(), parts.settings.zone)
            if span.until < span.today:
                raise RejectedError(f"{span.until} has passed: give a day from today on")
            mine, processes = parts.settings.policy, min(os.cpu_count() or 1, MOST_PROCESSES)
            found = Rehearsal(parts.ledger, span, mine, policy, assumed, progress, processes).run()
        if plot:
            _draw(found, plot)
        if json:
            screen.as_json(as_data(found, assumed))
        else:
            tell(found, assumed)


def _draw(found: Rehearsed, plot: Path) -> None:
    try:
        from provisiond.cli import picture
    except ImportError as error:
        raise ConfigError(
            [
                "--plot needs matplotlib, which is not installed: pip install 'provisiond[plot]', or with the"
                " Debian package: apt-get install python3-matplotlib"
            ]
        ) from error
    picture.draw(found, plot)


# -- data ----------------------------------------------------------------------------------------------


def as_data(found: Rehearsed, assumed: Assumed) -> dict[str, Any]:
    """Days without anything are left out."""
    told: dict[str, Any] = {
        "from": found.span.today,
        "until": found.span.until,
        "assumed": remarks(found, assumed),
        "accounts": found.population,
        "total": _day(found.agenda.total()),
        "days": _days(sorted(found.agenda.days.items())),
    }
    if found.other:
        told["with"] = {
            "total": _day(found.other.total()),
            "days": _days(sorted(found.other.days.items())),
            "difference": _days(difference(found.agenda, found.other)),
            "moved": [asdict(one) for several in found.moved for one in several],
        }
    return told


def _days(days: Iterable[tuple[date, Day]]) -> list[dict[str, Any]]:
    return [{"day": day} | _day(counted) for day, counted in days]


def _day(counted: Day) -> dict[str, Any]:
    numbers = {name: getattr(counted, name) for name in COUNTS}
    notices = {kind.value: number for kind, number in sorted(counted.notices.items())}
    return numbers | {"notices": notices, "brakes": [asdict(one) for one in counted.brakes]}


def remarks(found: Rehearsed, assumed: Assumed) -> list[str]:
    """What the outcome rests on."""
    told = assumed.sentences()
    if found.absent:
        told.append(f"{found.absent} absent records stay as absent as they are; more fetches would end them")
    if found.parked:
        told.append(f"what the registry says of {found.parked} parked persons is not known to the ledger")
    return told


# -- words ---------------------------------------------------------------------------------------------


def tell(found: Rehearsed, assumed: Assumed) -> None:
    for remark in remarks(found, assumed):
        screen.warn(f"assumed: {remark}")
    days = sorted(found.agenda.days.items())
    if not found.other:
        title = f"{found.span.today} to {found.span.until}, {found.population} accounts"
        _table(title, days)
        return
    _table("with the changed configuration, more or less than with the present one",
           list(difference(found.agenda, found.other)), signed=True)  # fmt: skip
    _tell_moved(one for several in found.moved for one in several)


def _table(title: str, days: list[tuple[date, Day]], *, signed: bool = False) -> None:
    if screen.out.is_terminal:
        screen.table(title, COLUMNS, monthly(days, signed=signed))
    else:
        screen.table(title, (), ((day, *_cells(counted, signed)) for day, counted in days))


def monthly(days: Iterable[tuple[date, Day]], *, signed: bool = False) -> Iterator[tuple[object, ...]]:
    """A line a month, one for all of them, and the days worth a look: most notices, brakes that would trip."""
    months: dict[str, list[tuple[date, Day]]] = {}
    total = Day()
    for day, counted in days:
        months.setdefault(f"{day:%Y-%m}", []).append((day, counted))
        total.merge(counted)
    for month, inside in months.items():
        together = Day()
        for _, counted in inside:
            together.merge(counted)
        yield (month, *_numbers(together, signed), _notices(together, signed, "\n"), notable(inside))
    yield ("all", *_numbers(total, signed), _notices(total, signed, "\n"), "")


def _number(value: int, signed: bool) -> str:
    return f"{value:+}" if signed and value else str(value or "")


def _numbers(counted: Day, signed: bool) -> tuple[str, ...]:
    return tuple(_number(getattr(counted, name), signed) for name in COUNTS)


def _notices(counted: Day, signed: bool, between: str) -> str:
    return between.join(f"{kind} {_number(n, signed)}" for kind, n in sorted(counted.notices.items()))


def _cells(counted: Day, signed: bool) -> tuple[str, ...]:
    """One day's, for a pipe: the numbers in the order of COUNTS, notices by kind, brakes."""
    sentences = "; ".join(one.sentence for one in counted.brakes)
    return (*_numbers(counted, signed), _notices(counted, signed, ", "), sentences)


def notable(days: list[tuple[date, Day]]) -> str:
    told = []
    busiest, counted = max(days, key=lambda one: abs(one[1].notices.total()))
    if counted.notices:
        told.append(f"{busiest:%d}: {counted.notices.total()} notices")
    worst, counted = max(days, key=lambda one: one[1].losses)
    if counted.losses > 0:
        told.append(f"{worst:%d}: {counted.losses} losses")
    trips = [(day, one) for day, counted in days for one in counted.brakes]
    told += [f"{day:%d}: brake {one.sentence}" for day, one in trips[:MOST_DAYS]]
    if len(trips) > MOST_DAYS:
        told.append(f"and {len(trips) - MOST_DAYS} more")
    return "\n".join(told)


def _tell_moved(moved: Iterable[Moved]) -> None:
    people, shown = 0, 0
    last = ""
    for one in moved:
        people += one.student_id != last
        last = one.student_id
        if not screen.out.is_terminal or people <= MOST_MOVED:
            screen.say(
                f"{one.account_name} ({one.student_id}) {one.what}: {_when(one.before)} → {_when(one.then)}"
            )
            shown = people
    if people > shown:
        screen.say(f"… and {people - shown} more persons: --json shows them all", "dim")
    screen.say(f"dates of {people} persons move", "bold")


def _when(day: date | None) -> str:
    return day.isoformat() if day else "not in this time"
