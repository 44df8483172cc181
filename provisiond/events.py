"""What a cycle logs: one event per change, with the person's ID and the names of attributes, never a value and never
a DN (an account name is made of the person's). Where events go, and in which form, is logs.py's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog

from provisiond.domain.changes import AdoptEntry, Change, Join, Leave, ModifyEntry
from provisiond.domain.model import Rejection
from provisiond.domain.plan import Parked, Step
from provisiond.domain.spelling import spelt
from provisiond.fetches import RefusedFetch

log = structlog.get_logger("provisiond.cycle")


@contextmanager
def of_cycle(at: datetime) -> Iterator[None]:
    """Whatever is logged within names its cycle, by the instant it began."""
    with structlog.contextvars.bound_contextvars(cycle=f"{at:%Y%m%dT%H%M%S.%fZ}"):
        yield


def carried_out(steps: Sequence[Step]) -> None:
    for step in steps:
        for change in step.changes:
            log.info("change", person=step.person_id, change=change.kind, what=change.what, **_of(change))
        if step.transition:
            states = {"from_state": step.from_state, "to_state": step.to_state}
            log.info("transition", person=step.person_id, **states)
        for notice in step.notices:
            log.info("notice due", person=step.person_id, notice=notice.kind, on=notice.due_on.isoformat())


def _of(change: Change) -> dict[str, Any]:
    match change:
        case ModifyEntry(mods=mods) | AdoptEntry(mods=mods):
            return {"attributes": list(dict.fromkeys(spelt(mod.attribute) for mod in mods))}
        case Join(group=group) | Leave(group=group):
            return {"group": group}
        case _:
            return {}


def refused(fetch: RefusedFetch) -> None:
    log.error("fetch refused", source=fetch.source, reason=str(fetch))


def observed(rejections: Iterable[Rejection], drifted: Iterable[str]) -> None:
    """`rejections`: those that are news."""
    for rejection in rejections:
        log.warning(
            "record rejected",
            student_id=rejection.student_id,
            file=rejection.file,
            line=rejection.line,
            reasons=list(rejection.reasons),
        )
    for student_id in sorted(drifted):
        log.warning("changed by others", student_id=student_id)


def parked(people: Iterable[Parked]) -> None:
    for one in people:
        log.warning("parked", person=one.person_id, student_id=one.student_id, reason=one.reason)


def held(ticket: str, summary: str) -> None:
    log.error("waits for an operator", hash=ticket, summary=summary)
