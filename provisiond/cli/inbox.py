"""The mailbox to which mails come back: read it now, list addresses that will not do, trust one again."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from provisiond import correspondence
from provisiond.bounces import Reading, Seen, Verdict
from provisiond.cli import screen
from provisiond.cli.options import DryRun, Json, Reason
from provisiond.cli.session import actor, errors, session
from provisiond.domain.errors import RejectedError

app = typer.Typer(help="Mails that came back.", invoke_without_command=True)

_WORDS = {
    Verdict.BOUNCE: "bounces",
    Verdict.REPORT: "reports of delay or delivery",
    Verdict.DOUBTFUL: "not believed, left there",
    Verdict.OTHER: "others, left there",
    Verdict.EARLY: "looked at again next time: the notice is being sent",
    Verdict.UNREADABLE: "not given by the server",
}


@app.callback()
def read(context: typer.Context, dry_run: DryRun = False) -> None:
    """Read the mailbox now. Exit 75: it cannot be reached."""
    if context.invoked_subcommand:
        return
    with errors():
        correspondence.inbox_settings(session(context).settings())
        with session(context).parts(writes=False) as parts, screen.progress() as progress:
            bounces = parts.bounces(progress)
            if dry_run:
                _tell_seen(list(bounces.look()))
            else:
                _tell(bounces.read())


def _tell_seen(seen: list[Seen]) -> None:
    rows = [
        (one.uid, one.verdict, bounce.key, bounce.sent_to, bounce.goes_to, bounce.reply)
        for one in seen
        for bounce in one.bounces
    ]
    screen.table("what came back", ("mail", "is", "notice", "from", "goes to", "reply"), rows)
    _tell_counts(Counter(one.verdict for one in seen))
    screen.say("nothing was changed")


def _tell(reading: Reading) -> None:
    _tell_counts(Counter(reading.mails))
    if reading.returned:
        screen.say(
            f"{reading.returned} notices came back, {reading.readdressed} of them go to the other address on record"
        )
    if not reading.is_complete:
        screen.say("there is more; read again for the rest")


def _tell_counts(mails: Counter[Verdict]) -> None:
    told = ", ".join(f"{mails[verdict]} {words}" for verdict, words in _WORDS.items() if mails[verdict])
    screen.say(told or "nothing new", "bold")


@app.command()
def bad(context: typer.Context, json: Json = False) -> None:
    """List addresses from which a notice came back for good."""
    with errors(), session(context).parts(writes=False) as parts:
        marked = parts.ledger.bad_addresses()
        if json:
            screen.as_json(marked)
            return
        rows = ((one.address, one.at, one.reply, one.notice) for one in marked)
        screen.table("addresses", ("address", "since", "reply", "notice"), rows)


@app.command()
def trust(
    context: typer.Context,
    addresses: Annotated[list[str], typer.Argument(help="As `inbox bad` lists them.")],
    reason: Reason,
    dry_run: DryRun = False,
) -> None:
    """These will do again: notices go to them as before."""
    with errors(), session(context).parts(writes=False) as parts:
        known = {one.address.casefold() for one in parts.ledger.bad_addresses()}
        if unknown := sorted(one for one in addresses if one.casefold() not in known):
            raise RejectedError(f"not marked: {', '.join(unknown)}; `provisiond inbox bad` lists them")
        done = len(addresses)
        if not dry_run:
            done = parts.ledger.trust(addresses, actor(), reason, parts.clock.now())
        screen.say(f"{done} addresses {'would be ' if dry_run else ''}trusted again")
