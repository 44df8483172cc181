"""Commands for what is there already: `rebuild` a lost ledger."""

from __future__ import annotations

import sys

import typer

from provisiond import rebuild as rebuilding
from provisiond.cli import screen
from provisiond.cli.act import DryRun
from provisiond.cli.see import Json
from provisiond.cli.session import actor, errors, session
from provisiond.domain.errors import UnavailableError
from provisiond.rebuild import Rebuilt


def rebuild(context: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Make a lost ledger again, from the directory and the registries, into the empty one of `ledger init`."""
    with errors():
        here = session(context)
        with here.parts(writes=not dry_run, rebuilding=True) as parts, screen.progress() as progress:
            cycle = parts.cycle(progress)
            found = rebuilding.rehearsed(cycle) if dry_run else rebuilding.rebuild(cycle, actor())
        if json:
            screen.as_json(_json(found))
        else:
            _tell(found, done=not dry_run)
        if found.refused:
            trouble = any(isinstance(refused.error, UnavailableError) for refused in found.refused)
            sys.exit(75 if trouble else 65)


def _json(found: Rebuilt) -> dict[str, object]:
    return {
        "accounts": {state.value: count for state, count in sorted(found.states.items())},
        "locked": found.locked,
        "troubles": found.troubles,
        "names": found.names,
        "refused": [str(refused) for refused in found.refused],
    }


def _tell(found: Rebuilt, *, done: bool) -> None:
    for trouble in found.troubles:
        screen.warn(f"not taken back: {trouble}")
    for refused in found.refused:
        screen.fail(f"refused: {refused}; mend it, then run `provisiond rebuild` again")
    screen.table("accounts", ("state", "accounts"), sorted(found.states.items()))
    if found.locked:
        screen.warn(f"found locked, and locked still: {', '.join(found.locked)}")
    did = "taken back" if done else "would be taken back"
    screen.say(f"{found.accounts} accounts {did}, {len(found.troubles)} not", "bold")
    if done and not found.refused:
        screen.say(
            f"{found.names} names are kept; run `provisiond once --dry-run` and look before the next cycle"
        )
