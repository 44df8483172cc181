"""The outbox: what is due and what became of it, send now, try again, drop, and settle by hand."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Annotated

import typer

from provisiond import correspondence
from provisiond.bootstrap import Parts
from provisiond.bootstrap_ledger import ledger_leader
from provisiond.cli import screen
from provisiond.cli.options import DryRun, Json, Reason
from provisiond.cli.session import actor, errors, person, session
from provisiond.domain.errors import RejectedError, UnavailableError
from provisiond.domain.model import NoticeStatus, OutboxItem
from provisiond.ports import WAITING

app = typer.Typer(help="The notices that are due, and what became of them.", invoke_without_command=True)

Keys = Annotated[list[str] | None, typer.Argument(help="Keys of notices, as `outbox` lists them.")]
Whose = Annotated[str | None, typer.Option("--person", help="Those of this person.")]
Status = Annotated[NoticeStatus | None, typer.Option(help="Only these.")]
FAILED = (NoticeStatus.REFUSED, NoticeStatus.GIVEN_UP)


@app.callback()
def listed(context: typer.Context, status: Status = None, who: Whose = None, json: Json = False) -> None:
    """List notices."""
    if context.invoked_subcommand:
        return
    with errors(), session(context).parts(writes=False) as parts:
        items = _chosen(parts, parts.ledger.outbox(status), (), who)
        if json:
            screen.as_json(items)
            return
        screen.table("outbox", ("due", "kind", "to", "status", "when", "reply", "key"), map(_row, items))
        _tell(parts, items)


def _row(item: OutboxItem) -> tuple[object, ...]:
    when = item.settled_at or item.next_try_at or item.tried_at
    told = f"{item.status}, {item.attempts} tries" if item.attempts > 1 else item.status
    return (item.notice.due_on, item.notice.kind, item.address, told, when, item.reply, item.notice.key)


def _tell(parts: Parts, items: Sequence[OutboxItem]) -> None:
    counts = Counter(item.status for item in items)
    screen.say(", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "empty", "bold")
    if parts.settings.mail is None and any(counts[status] for status in WAITING):
        screen.warn("no mail server is configured ([mail] host): nothing is sent, notices stay due")
    if any(counts[status] for status in FAILED):
        screen.warn(
            "what was refused or given up is not tried again by itself: mend the address or tell the person, then"
            " `provisiond outbox retry KEY` or `provisiond outbox settle KEY`"
        )


@app.command()
def retry(
    context: typer.Context,
    reason: Reason,
    keys: Keys = None,
    who: Whose = None,
    status: Status = None,
    dry_run: DryRun = False,
) -> None:
    """Send again what was refused, given up or dropped, and at once what waits for its next try."""
    _order(context, "retry", keys, who, status, reason, dry_run)


@app.command()
def drop(
    context: typer.Context,
    reason: Reason,
    keys: Keys = None,
    who: Whose = None,
    status: Status = None,
    dry_run: DryRun = False,
) -> None:
    """Never send these. An expiry that waits for one of them goes on waiting."""
    _order(context, "drop", keys, who, status, reason, dry_run)


def _order(
    context: typer.Context,
    verb: str,
    keys: Collection[str] | None,
    who: str | None,
    status: NoticeStatus | None,
    reason: str,
    dry_run: bool,
) -> None:
    if not (keys or who or status):
        raise typer.BadParameter("name keys, --person or --status")
    with errors(), session(context).parts(writes=False) as parts:
        chosen = [i.notice.key for i in _chosen(parts, parts.ledger.outbox(status), keys or (), who)]
        if dry_run:
            screen.say(f"{len(chosen)} notices found; nothing is written")
            return
        act = {"retry": parts.ledger.retry, "drop": parts.ledger.drop}[verb]
        done = act(chosen, actor(), reason, parts.clock.now())
        screen.say(f"{done} notices {'due again' if verb == 'retry' else 'dropped'}")
        if done < max(1, len(set(keys or ()))):
            raise RejectedError(
                f"{verb} is for notices not sent yet, or failed; `provisiond outbox` tells what became of each"
            )


@app.command()
def settle(
    context: typer.Context,
    keys: Keys = None,
    who: Whose = None,
    everything: Annotated[bool, typer.Option("--all", help="All due notices.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="The server refused, for good.")] = False,
    reply: Annotated[
        str, typer.Option(help="The server's words, or how the person was told.")
    ] = "250 settled by hand",
    dry_run: DryRun = False,
) -> None:
    """Record that a person was told otherwise, or a mail server's answer, for notices that were not accepted."""
    if not (keys or who or everything):
        raise typer.BadParameter("name keys, --person or --all")
    with errors(), session(context).parts(writes=False) as parts:
        open_ones = [i for i in parts.ledger.outbox() if _may_settle(i, keys or (), refused=refused)]
        chosen = [i.notice.key for i in _chosen(parts, open_ones, keys or (), who)]
        status = NoticeStatus.REFUSED if refused else NoticeStatus.ACCEPTED
        if not dry_run and chosen:
            parts.ledger.settle(chosen, status, reply, actor(), parts.clock.now())
        screen.say(f"{len(chosen)} notices {'would be ' if dry_run else ''}{status}")
        if unknown := sorted(set(keys or ()) - set(chosen)):
            raise RejectedError(f"not due: {', '.join(unknown)}; `provisiond outbox --status due` lists keys")


def _may_settle(item: OutboxItem, keys: Collection[str], *, refused: bool) -> bool:
    """Due ones; by name also those that failed: the person was told otherwise."""
    waiting = item.status in (NoticeStatus.DUE, NoticeStatus.UNKNOWN)
    failed = item.status in (*FAILED, NoticeStatus.DROPPED)
    return waiting or (failed and not refused and item.notice.key in keys)


def _chosen(
    parts: Parts, items: Sequence[OutboxItem], keys: Collection[str], who: str | None
) -> list[OutboxItem]:
    """Of these keys, or of this person; all where neither is named."""
    whose = person(parts, who).person_id if who else None
    if not keys and whose is None:
        return list(items)
    return [i for i in items if i.notice.key in keys or (whose and i.notice.person_id == whose)]


@app.command()
def send(context: typer.Context) -> None:
    """Send what is due now, up to the caps of [mail]: for who runs no daemon. Exit 75: no mail server serves us."""
    with errors():
        settings = session(context).settings()
        if leader := ledger_leader(settings):  # two at once would take each other's mail for one left behind
            raise UnavailableError("outbox", f"{leader} sends what is due; `provisiond outbox` lists it")
        correspondence.mail_settings(settings)
        with session(context).parts(writes=True) as parts, screen.progress() as progress:
            delivered = parts.outbox(progress).deliver()
        counts = {name: count for name, count in delivered.counts().items() if count}
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
        screen.say(told or "nothing is due", "bold")
        if delivered.limited:
            screen.say("a cap of [mail] was reached; send again later for the rest")
        sys.exit(65 if delivered.refused or delivered.given_up else 0)
