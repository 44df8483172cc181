"""A plan or a cycle's result in words, JSON and LDIF: one rendering for `plan`, `once`, every `--dry-run`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from provisiond.adapters.directory.ldif import ldif
from provisiond.audit import Audited
from provisiond.cli import screen
from provisiond.cycle import Result
from provisiond.domain.changes import ModifyEntry, Op
from provisiond.domain.errors import UnavailableError
from provisiond.domain.plan import Plan, Step
from provisiond.domain.spelling import spelt

DUE = 1  # exit code of `plan` when something is due; faults have codes of 64 and more
MOST_STEPS = 100  # told one by one on a terminal; a pipe, --json and --ldif have them all


def tell(result: Result, *, done: bool) -> None:
    """Everything worth knowing, the most pressing last."""
    plan = result.plan
    tell_steps(plan.due, plan.due_count, "")
    tell_steps(plan.held, plan.held_count, "HELD ")
    tell_troubles(result)
    tell_brakes(plan)
    screen.say(summary(result, done=done), "bold")


def tell_steps(steps: Iterable[Step], count: int, prefix: str) -> None:
    shown = MOST_STEPS if screen.out.is_terminal else count
    for step in islice(steps, shown):
        tell_step(step, prefix)
    if count > shown:
        screen.say(f"… and {count - shown} more: --json and --ldif show them all", "dim")


def tell_brakes(plan: Plan) -> None:
    """Which brakes hold, and the way out."""
    for tripped in plan.tripped:
        screen.fail(f"brake: {tripped.sentence}")
    if plan.held_hash:
        screen.fail(
            f"{plan.held_count} steps are held: look at them, then `provisiond approve {plan.held_hash}`"
        )


def summary(result: Result, *, done: bool) -> str:
    plan = result.plan
    if done:
        return f"{_persons(result.applied)} changed, {len(result.failed)} refused, {plan.held_count} held"
    if not plan.is_due:
        return "nothing else is due" if result.refused else "nothing is due"
    return f"{_persons(plan.due_count)} would change, {plan.held_count} held; plan {plan.hash}"


def _persons(count: int) -> str:
    return "1 person" if count == 1 else f"{count} persons"


def tell_troubles(result: Result) -> None:
    for rejection in result.rejections:
        screen.warn(
            f"rejected {rejection.student_id or 'a record'} ({rejection.file}:{rejection.line}): "
            + "; ".join(rejection.reasons)
        )
    if result.drifted:
        some = ", ".join(result.drifted[:5]) + (" …" if len(result.drifted) > 5 else "")
        screen.warn(f"changed by others: entries of {_persons(len(result.drifted))} ({some})")
    for absent in result.absent:
        some = ", ".join(absent.student_ids[:5]) + (" …" if len(absent.student_ids) > 5 else "")
        screen.warn(
            f"absent: registry {absent.source} no longer names {_persons(len(absent.student_ids))}, or one of"
            f" their programmes ({some});"
            " they keep what they have unless lifecycle.absent_fetches makes them withdrawn"
        )
    for parked in (*result.plan.parked, *result.failed):
        screen.warn(f"parked {parked.student_id}: {parked.reason}")
    for refused in result.refused:
        screen.fail(f"refused: {refused}")


def tell_step(step: Step, prefix: str) -> None:
    """One person: a headline, then a line each for change and notice."""
    before = step.from_state.value if step.from_state else "new"
    change = f"{before} → {step.to_state.value}" if step.transition else step.to_state.value
    style = screen.STATE_STYLE[step.to_state.value] if step.transition else ""
    screen.say(f"{prefix}{step.account_name} ({step.student_id}) {change}: {'; '.join(step.reasons)}", style)
    for done in step.changes:
        screen.say(f"    {done.sentence}")
        for mod in done.mods if isinstance(done, ModifyEntry) else ():
            sign = {Op.ADD: "+", Op.DELETE: "-", Op.REPLACE: "="}[mod.op]
            screen.say(f"        {spelt(mod.attribute)} {sign} {', '.join(mod.values) or '(removed)'}", "dim")
    for notice in step.notices:
        screen.say(f"    notice {notice.kind} to {notice.to}")


def tell_audit(found: Audited, *, done: bool) -> None:
    if found.result:
        tell(found.result, done=done)
    for stranger in found.strangers:
        screen.warn(f"{stranger.dn}: {stranger.why} ({stranger.person_id})")
    screen.say(
        f"{found.entries} entries compared, those of {_persons(found.looked_at)} looked at:"
        f" {'all is as it should be' if found.is_well else 'see above'}",
        "bold",
    )


def audit_json(found: Audited) -> dict[str, Any]:
    return {
        "entries": found.entries,
        "looked_at": found.looked_at,
        "strangers": list(found.strangers),
        "well": found.is_well,
        "plan": plan_json(found.result) if found.result else None,
    }


def plan_json(result: Result) -> dict[str, Any]:
    """The same, for machines."""
    plan = result.plan
    return {
        "at": result.at,
        "hash": plan.hash,
        "due": plan.is_due,
        "steps": [step_json(step) for step in plan.due],
        "held": [step_json(step) for step in plan.held],
        "held_hash": plan.held_hash,
        "brakes": [
            {"brake": t.brake, "count": t.count, "recent": t.recent, "limit": t.limit} for t in plan.tripped
        ],
        "rejects": list(result.rejections),
        "parked": [*plan.parked, *result.failed],
        "absent": {absent.source: absent.student_ids for absent in result.absent},
        "drifted": result.drifted,
        "refused": [str(refused) for refused in result.refused],
        "applied": result.applied,
    }


def step_json(step: Step) -> dict[str, Any]:
    return {
        "student_id": step.student_id,
        "account_name": step.account_name,
        "person_id": step.person_id,
        "from": step.from_state,
        "to": step.to_state,
        "reasons": step.reasons,
        "changes": [change.sentence for change in step.changes],
        "notices": [{"kind": n.kind, "to": n.to, "about": n.about_on} for n in step.notices],
        "next_on": step.next_on,
    }


def plan_ldif(plan: Plan) -> str:
    """What would be written, as LDIF; held steps are not in it."""
    return ldif(change for step in plan.due for change in step.changes)


def exit_code(result: Result) -> int:
    """What a cycle's trouble means for the shell: 75 to try again, 65 to look and approve, 0 all well."""
    if any(isinstance(refused.error, UnavailableError) for refused in result.refused):
        return 75
    return 65 if result.plan.held_count or result.refused or result.failed else 0
