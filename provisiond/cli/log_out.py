"""`log-out`: ends every log-in of one person at the portal, wherever it is, at once."""

from __future__ import annotations

import typer

from provisiond import bootstrap_portal
from provisiond.cli import screen
from provisiond.cli.options import Person, Reason
from provisiond.cli.session import actor, errors, person, session


def log_out(context: typer.Context, who: Person, reason: Reason) -> None:
    """End every log-in of a person at the portal, wherever it is. It locks nothing: `hold` does."""
    with errors(), session(context).parts(writes=False) as parts:
        account, at = person(parts, who), parts.clock.now()
        ended = bootstrap_portal.end_sessions(parts.settings, account.person_id, actor(), reason, at)
        screen.say(f"{account.account_name}: {ended} log-in{'' if ended == 1 else 's'} ended")
