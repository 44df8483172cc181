"""The table of due mails: `outbox list`, and `outbox settle`, which stands for a mail server's answer until
the daemon sends them itself."""

from __future__ import annotations

from typing import Annotated

import typer

from provisiond.cli import screen
from provisiond.cli.act import DryRun
from provisiond.cli.see import Json
from provisiond.cli.session import actor, errors, person, session
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import NoticeStatus

app = typer.Typer(help="The notices that are due, and what became of them.", invoke_without_command=True)


@app.callback()
def listed(
    context: typer.Context,
    status: Annotated[NoticeStatus | None, typer.Option(help="Only these.")] = None,
    json: Json = False,
) -> None:
    """List notices."""
    if context.invoked_subcommand:
        return
    with errors(), session(context).parts(writes=False) as parts:
        items = parts.ledger.outbox(status)
        if json:
            screen.as_json(items)
            return
        rows = [
            (i.notice.due_on, i.notice.kind, i.notice.to, i.notice.about_on, i.status, i.reply, i.notice.key)
            for i in items
        ]
        screen.table("outbox", ("due", "kind", "to", "about", "status", "reply", "key"), rows)


@app.command()
def settle(
    context: typer.Context,
    keys: Annotated[list[str] | None, typer.Argument(help="Keys of notices, as `outbox` lists them.")] = None,
    who: Annotated[str | None, typer.Option("--person", help="All due notices of this person.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All due notices.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="The server refused, for good.")] = False,
    reply: Annotated[str, typer.Option(help="The server's words.")] = "250 settled by hand",
    dry_run: DryRun = False,
) -> None:
    """Record a mail server's answer for notices that are due."""
    if not (keys or who or everything):
        raise typer.BadParameter("name keys, --person or --all")
    with errors(), session(context).parts(writes=not dry_run) as parts:
        wanted = set(keys or ())
        whose = person(parts, who).person_id if who else None
        chosen = [
            item.notice.key
            for item in parts.ledger.outbox(NoticeStatus.DUE)
            if everything or item.notice.key in wanted or (whose and item.notice.person_id == whose)
        ]
        status = NoticeStatus.REFUSED if refused else NoticeStatus.ACCEPTED
        if not dry_run and chosen:
            parts.ledger.settle(chosen, status, reply, actor(), parts.clock.now())
        screen.say(f"{len(chosen)} notices {'would be ' if dry_run else ''}{status}")
        if unknown := sorted(wanted - set(chosen)):
            raise RejectedError(f"not due: {', '.join(unknown)}; `provisiond outbox --status due` lists keys")
