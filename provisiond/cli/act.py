"""Commands that write: once, approve, hold, release, activate, extend. Each goes the cycle's way; `--dry-run`
stops where `plan` stops."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

import typer

from provisiond import audit as auditing
from provisiond.adoption import ADOPTIONS
from provisiond.cli import refusals, report, screen, waiting
from provisiond.cli.options import DryRun, Json, Person, Reason, Told, Until
from provisiond.cli.session import Session, actor, errors, person, session
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import Account, Extension, Hold, HoldKind, NoticeKind, Occurrence
from provisiond.domain.orders import Activate, Extend, Order, Release, SetHold, Tell
from provisiond.fetches import COMPLAINT
from provisiond.ports import HeldPlan, Ledger
from provisiond.result import Work


def once(
    context: typer.Context,
    dry_run: DryRun = False,
    everyone: Annotated[
        bool, typer.Option("--all", help="Look at every account, not only at what changed or fell due.")
    ] = False,
    json: Json = False,
) -> None:
    """Run one cycle. Exit 0: all well, 65: a brake holds or a fetch was refused, 75: try again."""
    with errors():
        with session(context).parts(writes=not dry_run) as parts, screen.progress() as progress:
            cycle = parts.cycle(progress)
            work = Work(everyone=everyone)
            result = cycle.plan(work) if dry_run else cycle.run(work)
            refused = refusals.waiting_expiries(parts)
        if json:
            screen.as_json(report.plan_json(result) | {"waiting_expiries": refused})
        else:
            refusals.tell(refused)
            report.tell(result, done=not dry_run)
        sys.exit(report.exit_code(result))


def audit(
    context: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Repair what differs, as a cycle would.")] = False,
    json: Json = False,
) -> None:
    """Compare every entry with what the ledger knows. Exit 0: all is as it should be, 1: something differs, 65: a
    brake holds the repair."""
    with errors():
        with session(context).parts(writes=True) as parts, screen.progress() as progress:
            found = auditing.audit(parts.cycle(progress), fix=fix, actor=actor())
        if json:
            screen.as_json(report.audit_json(found))
        else:
            report.tell_audit(found, done=fix)
        trouble = report.exit_code(found.result) if found.result else 0
        well = not found.strangers if fix else found.is_well
        sys.exit(trouble or (0 if well else report.DUE))


def approve(
    context: typer.Context,
    plan_hash: Annotated[str, typer.Argument(metavar="HASH", help="The hash `plan` and `once` show.")],
    dry_run: DryRun = False,
) -> None:
    """Let exactly this held plan through, once; the next cycle carries it out. No limit is changed."""
    with errors(), session(context).parts(writes=False) as parts:
        held = _held(parts.ledger, plan_hash)
        if not dry_run:
            parts.ledger.approve(plan_hash, actor(), parts.clock.now())
        hours = parts.settings.policy.brakes.approval_hours
        screen.say(f"{'would approve' if dry_run else 'approved'} {plan_hash}: {held.summary}")
        by_adopt = ADOPTIONS in held.summary
        if waiting.is_led(parts) and not by_adopt and not dry_run:
            waiting.approval(parts, held)
            screen.say("the daemon carries it out")
            return
        again = "adopt --from FILE" if by_adopt else "once"
        screen.say(f"good for exactly that, once, within {hours} hours: run `provisiond {again}`")


def _held(ledger: Ledger, plan_hash: str) -> HeldPlan:
    """The plan that waits under this hash; raises RejectedError where there is none to approve."""
    held = None if plan_hash.startswith(COMPLAINT) else ledger.held_plan(plan_hash)
    if held is None:
        raise RejectedError(
            f"no held plan has the hash {plan_hash}: run `provisiond once` and look at what it holds"
        )
    if held.spent_at is not None:
        raise RejectedError(
            f"{plan_hash} was used on {held.spent_at:%Y-%m-%d %H:%M} UTC and is not good for a second time; if the"
            " same is held again, `provisiond once` tells it anew"
        )
    return held


def hold(
    context: typer.Context,
    who: Person,
    reason: Reason,
    kind: Annotated[
        HoldKind, typer.Option(help="lock: log-in off now; freeze: the cycle leaves the person alone.")
    ] = HoldKind.LOCK,
    until: Until = None,
    dry_run: DryRun = False,
) -> None:
    """Lock a log-in, or freeze a person as they are."""
    last = until.date() if until else None

    def order(now: datetime) -> Order:
        return SetHold(Hold(kind, now, last, reason, actor()))

    _order(session(context), who, dry_run, order, not_before=last)


def release(
    context: typer.Context,
    who: Person,
    reason: Reason,
    kind: Annotated[HoldKind | None, typer.Option(help="Only this kind; default: every hold.")] = None,
    dry_run: DryRun = False,
) -> None:
    """End holds."""
    _order(session(context), who, dry_run, lambda now: Release(kind, now, actor(), reason))


def activate(
    context: typer.Context,
    who: Person,
    unlisted: Annotated[
        bool | None, typer.Option("--unlisted/--listed", help="Whether a listing is wanted.")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Record an activation (stands for the portal): the listing appears, unless it is not wanted."""
    _order(session(context), who, dry_run, lambda now: Activate(now, actor(), unlisted))


def extend(
    context: typer.Context,
    who: Person,
    reason: Told,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The new expiry date.")] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Tell the person that none is granted.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Grant a later expiry date, or refuse one. The person is told."""
    if refuse is (until is not None):
        raise typer.BadParameter("give either --until DATE or --refuse")
    last = until.date() if until else None

    def order(now: datetime) -> Order:
        if last is None:
            return Tell(Occurrence(NoticeKind.EXTENSION_REFUSED, now, reason, actor()))
        return Extend(Extension(last, now, reason, actor()))

    _order(session(context), who, dry_run, order, not_before=last)


def _order(
    here: Session,
    who: str,
    dry_run: bool,
    make: Callable[[datetime], Order],
    not_before: date | None = None,
) -> None:
    """Put one order in, and let a cycle act on this one person: the daemon's, where one is at work."""
    with errors():
        with here.parts(writes=False) as parts:
            now = parts.clock.now()
            if not_before and not_before < now.astimezone(parts.settings.zone).date():
                raise RejectedError(f"{not_before} has passed: give a day from today on")
            account, order = person(parts, who), make(now)
            if not dry_run and waiting.is_led(parts):
                if not waiting.order(parts, account, order):
                    screen.say("the order is recorded; nothing else changes now")
                return
        _act(here, account, order, dry_run)


def _act(here: Session, account: Account, order: Order, dry_run: bool) -> None:
    with here.parts(writes=not dry_run) as parts:
        work = Work((account.student_id,), order)
        result = parts.cycle().plan(work) if dry_run else parts.cycle().run(work)
    report.tell(result, done=not dry_run)
    freezes = isinstance(order, SetHold) and order.hold.kind is HoldKind.FREEZE
    if not result.plan.is_due and (freezes or not result.plan.parked):
        screen.say(f"the order {'would be' if dry_run else 'is'} recorded; nothing else changes now")
    if result.plan.parked and not freezes:
        raise RejectedError(f"the order stands and waits: {result.plan.parked[0].reason}")
    sys.exit(report.exit_code(result))
