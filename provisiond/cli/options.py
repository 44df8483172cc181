"""Options and arguments that several commands have, each with one wording."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer


def _said(reason: str) -> str:
    """A blank reason is none."""
    if not reason.strip():
        raise typer.BadParameter("say why: it is kept in the history")
    return reason.strip()


Json = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
At = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Look with the clock of that day; nothing is written."),
]
Person = Annotated[str, typer.Argument(help="A student ID, an account name or a mail address.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen; write nothing.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the history.", callback=_said)]
Until = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day it holds.")]
Told = Annotated[
    str, typer.Option(help="Why; kept in the history, and with --refuse told to the person.", callback=_said)
]
