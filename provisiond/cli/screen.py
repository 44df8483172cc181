"""How commands speak: tables and colours on a terminal, plain tab-separated lines in a pipe, JSON on demand."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from provisiond.cycle import Progress as Report


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        """Whoever calls us decides (`session.errors`): rich itself would end the process with 1."""
        raise


out = _Screen(highlight=False, soft_wrap=True)
err = _Screen(stderr=True, highlight=False, soft_wrap=True)

STATE_STYLE = {
    "pending": "cyan",
    "active": "green",
    "on-leave": "blue",
    "grace": "yellow",
    "alumni": "magenta",
    "terminated": "red",
}


def say(text: str, style: str = "") -> None:
    """One line of our own words: never parsed as markup."""
    out.print(escape(text), style=style)


def warn(text: str) -> None:
    err.print(escape(text), style="yellow")


def fail(text: str) -> None:
    err.print(escape(text), style="bold red")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on a terminal; in a pipe a line a row, tab-separated, no title."""
    lines = [["" if cell is None else _plain(cell) for cell in row] for row in rows]
    if not out.is_terminal:
        for line in lines:
            sys.stdout.write("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in line) + "\n")
        return
    drawn = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for line in lines:
        drawn.add_row(*(_coloured(cell) for cell in line))
    out.print(drawn)


def _plain(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _coloured(cell: str) -> str:
    style = STATE_STYLE.get(cell)
    return f"[{style}]{escape(cell)}[/{style}]" if style else escape(cell)


def as_json(value: Any) -> None:
    """Machine-readable, one document, UTF-8 whatever the locale."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.stdout.write(json.dumps(value, default=_jsonable, ensure_ascii=False, indent=2) + "\n")


def _jsonable(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(value)
    return dict(value) if hasattr(value, "keys") else str(value)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """A sign of life on a terminal (stderr); silence elsewhere."""
    if not err.is_terminal:
        yield
        return
    with err.status(escape(text)):
        yield


@contextmanager
def progress() -> Iterator[Report]:
    """A bar on a terminal (stderr); silence elsewhere."""
    if not err.is_terminal:
        yield lambda what, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        task = bars.add_task("", total=None)

        def report(what: str, done: int, total: int) -> None:
            bars.update(task, description=what, completed=done, total=total or None)

        yield report
