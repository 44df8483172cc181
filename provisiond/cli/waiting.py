"""Orders while a daemon is at work: recorded at once, whatever it is doing, and carried out by the daemon within
seconds. What it did is read from the history."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date

from provisiond.bootstrap import Parts
from provisiond.bootstrap_ledger import ledger_leader
from provisiond.cli import screen
from provisiond.cycle import record_order
from provisiond.domain.errors import RejectedError, UnavailableError, UnsafePlanError
from provisiond.domain.model import Account, HoldKind
from provisiond.domain.orders import Order, SetHold
from provisiond.ports import HeldPlan, HistoryLine

WAIT_FOR = 15.0  # seconds
LOOK_EVERY = 0.2


def is_led(parts: Parts) -> bool:
    """Whether a daemon acts on what is recorded."""
    return ledger_leader(parts.settings) is not None


def order(parts: Parts, account: Account, order: Order) -> bool:
    """Record it, wait until the daemon looked at the person, tell what it did; whether that was anything. Raises
    RejectedError where the person is parked, UnsafePlanError where a brake holds."""
    before = _last(parts, account)
    record_order(parts.ledger, account.person_id, order)
    _wait(lambda: account.student_id not in parts.ledger.open_orders(_today(parts)), "order")
    done = [line for line in parts.ledger.history(account.person_id) if line.seq > before]
    steps = [line for line in done if line.actor == "cycle" and line.event != "parked"]
    for line in steps:
        _tell(account, line)
    freezes = isinstance(order, SetHold) and order.hold.kind is HoldKind.FREEZE
    if not freezes:  # which is to leave the person parked
        _complain(parts, account)
    return bool(steps)


def approval(parts: Parts, held: HeldPlan) -> None:
    """Wait until the daemon used it."""

    def used() -> bool:
        plan = parts.ledger.held_plan(held.hash)
        return plan is None or plan.spent_at is not None

    _wait(used, "approval")


def _wait(is_over: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_FOR
    with screen.waiting(f"the {what} is recorded; waiting for the daemon"):
        while not is_over():
            if time.monotonic() > deadline:
                raise UnavailableError(
                    "daemon",
                    f"the {what} is recorded, and was not carried out within {WAIT_FOR:.0f} seconds; it will be:"
                    " `provisiond status` says what the daemon is doing",
                )
            time.sleep(LOOK_EVERY)


def _last(parts: Parts, account: Account) -> int:
    return max((line.seq for line in parts.ledger.history(account.person_id)), default=0)


def _tell(account: Account, line: HistoryLine) -> None:
    detail = json.loads(line.detail)
    before, after = detail.get("from") or "new", detail.get("to")
    change = after if before == after else f"{before} → {after}"
    screen.say(f"{account.account_name} ({account.student_id}) {change}: {line.reason}")
    for sentence in detail.get("changes", ()):
        screen.say(f"    {sentence}")
    for key in detail.get("notices", ()):
        screen.say(f"    notice {key}")


def _complain(parts: Parts, account: Account) -> None:
    reasons = [p.reason for p in parts.ledger.parked() if p.person_id == account.person_id]
    if reasons:
        raise RejectedError(f"the order stands and waits: {reasons[0]}")
    (now,) = parts.ledger.load([account.person_id]).values()
    held = [plan for plan in parts.ledger.held_plans() if plan.approved_at is None]
    if now.next_on is not None and now.next_on < _today(parts) and held:
        raise UnsafePlanError(
            "the order stands and a brake holds it: look at `provisiond plan`", held[0].hash
        )


def _today(parts: Parts) -> date:
    return parts.clock.now().astimezone(parts.settings.zone).date()
