"""Expiries that wait because a notice that policy requires was refused, given up or dropped. Without this list such
an account would stay open in silence; who is told otherwise is the operators' decision."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from provisiond.bootstrap import Parts
from provisiond.cli import screen
from provisiond.domain.lifecycle import standing
from provisiond.domain.model import Account, NoticeStatus, OutboxItem, State
from provisiond.domain.people import person

_FAILED = (NoticeStatus.REFUSED, NoticeStatus.GIVEN_UP, NoticeStatus.DROPPED)


@dataclass(frozen=True, slots=True)
class WaitingExpiry:
    """`kind` was refused, given up or dropped with `reply`; the account stays in grace. `key`: of the notice."""

    student_id: str
    account_name: str
    kind: str
    to: str
    reply: str | None
    status: NoticeStatus
    key: str


def waiting_expiries(parts: Parts) -> list[WaitingExpiry]:
    """One for each notice that failed, of a kind that is still missing."""
    required = parts.settings.policy.lifecycle.required_notices
    refused: dict[str, list[OutboxItem]] = defaultdict(list)
    for item in (item for status in _FAILED for item in parts.ledger.outbox(status)):
        if item.notice.person_id and item.notice.kind in required:
            refused[item.notice.person_id].append(item)
    accounts = parts.ledger.load(refused)
    return [
        WaitingExpiry(
            account.student_id,
            account.account_name,
            item.notice.kind,
            item.address,
            item.reply,
            item.status,
            item.notice.key,
        )
        for person_id, account in accounts.items()
        for item in refused[person_id]
        if item.notice.kind in _missing(parts, account)
    ]


def _missing(parts: Parts, account: Account) -> tuple[str, ...]:
    zone = parts.settings.zone
    today = parts.clock.now().astimezone(zone).date()
    where = standing(person(account.student_id, account, ()), today, zone, parts.settings.policy.lifecycle)
    return where.waits_for if where.state is State.GRACE else ()


def tell(waiting: list[WaitingExpiry]) -> None:
    for one in waiting:
        screen.warn(
            f"{one.status} notice: {one.kind} to {one.to} ({one.reply}): {one.account_name} ({one.student_id})"
            f" does not expire while no {one.kind} notice is accepted: `provisiond outbox retry {one.key}`, or tell"
            f" the person and `provisiond outbox settle {one.key}`"
        )
