"""One person explained: which record, which rule, why this name, which notices with which result, what next."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from datetime import datetime
from itertools import islice, takewhile
from typing import Any

from provisiond.bootstrap import Parts
from provisiond.cli import report, screen
from provisiond.domain import names
from provisiond.domain.lifecycle import Standing, milestones, standing
from provisiond.domain.model import Account
from provisiond.domain.people import person as person_of
from provisiond.result import Work

MOST_NAMES = 1000  # a name further down the order than that was not made from today's spelling


def explained(parts: Parts, account: Account) -> dict[str, Any]:
    """As data; neither HKID nor birth date is anywhere in it."""
    today = parts.clock.now().astimezone(parts.settings.zone).date()
    absent = {a.key: f"since {a.since_on}, {a.fetches} complete fetches" for a in account.absences}
    person = person_of(account.student_id, account, (), parts.settings.policy.sources)
    told: dict[str, Any] = {
        "account_name": account.account_name,
        "student_id": account.student_id,
        "person_id": account.person_id,
        "mail": f"{account.account_name}@{parts.settings.policy.directory.mail_domain}",
        "state": account.state,
        "created_at": account.created_at,
        "activated_at": account.activated_at,
        "aliases": account.aliases,
        "display_name": account.display_name,
        "contact": [f"{detail.field}: {detail.audience}" for detail in account.contact],
        "unlisted": account.unlisted or None,
        "second_factor_since": account.second_factor_at,
        "records": [
            {
                "programme": r.programme,
                "level": r.level,
                "status": r.status,
                "status_on": r.status_on,
                "source": r.source,
                "file": f"{r.file}:{r.line}",
                "absent": absent.get(r.key),
            }
            for r in account.studies
        ],
        "holds": account.holds,
        "extensions": account.extensions,
        "occurrences": account.occurrences,
        "notices": [
            {
                "kind": i.notice.kind,
                "due": i.notice.due_on,
                "status": i.status,
                "to": i.address,
                "sent": i.tried_at,
                "settled": i.settled_at,
                "reply": i.reply,
                "attempts": i.attempts or None,
                "next_try": i.next_try_at,
            }
            for i in account.outbox
        ],
    }
    if person.records:
        told |= _rule(parts, standing(person, today, parts.settings.zone, parts.settings.policy.lifecycle))
        plan = parts.cycle().plan(Work(student_ids=(account.student_id,))).plan
        told["names_passed_over"] = _names_passed_over(parts, account)
        told["due_now"] = [report.step_json(step) for step in (*plan.due, *plan.held)]
    told["rejects"] = [r for r in parts.ledger.rejections() if r.student_id == account.student_id]
    told["bad_addresses"] = [
        f"{bad.address} since {bad.at.date()}: {bad.reply}"
        for bad in parts.ledger.bad_addresses()
        if bad.person_id == account.person_id
    ]
    told["parked"] = [p.reason for p in parts.ledger.parked() if p.person_id == account.person_id]
    return told


def why_no_account(parts: Parts, student_id: str) -> list[str]:
    """What stands in the way of somebody whom the registry names and who has no account."""
    rejected = [
        f"{r.file}:{r.line}: {'; '.join(r.reasons)}"
        for r in parts.ledger.rejections()
        if r.student_id == student_id
    ]
    return rejected + [p.reason for p in parts.ledger.parked() if p.student_id == student_id]


def _rule(parts: Parts, where: Standing) -> dict[str, Any]:
    policy = parts.settings.policy
    earned = policy.entitlement(where.state, where.record.level)
    return {
        "derived_state": where.state,
        "reason": where.reason,
        "affiliation": where.record.level,
        "expiry_on": where.expiry_on,
        "expires_on": where.expires_on,
        "waits_for": where.waits_for,
        "login": earned.login and not where.locked,
        "groups": earned.groups,
        "milestones": sorted(milestones(where, policy.lifecycle)),
        "next_on": where.next_on,
    }


def _names_passed_over(parts: Parts, account: Account) -> list[str]:
    """Names that came before the account's in the order of the policy, as its records are named today: taken,
    reserved or unfortunate then. Empty where the person is called otherwise by now."""
    first, policy = account.studies[0], parts.settings.policy.names
    possible = names.account_names(first.surname, first.given_names, policy)
    before = list(takewhile(lambda name: name != account.account_name, islice(possible, MOST_NAMES)))
    return before if len(before) < MOST_NAMES else []


def tell(told: dict[str, Any]) -> None:
    """The same as two columns; lists one item a line."""
    rows: list[tuple[str, object]] = []
    for key, value in told.items():
        if isinstance(value, list | tuple | frozenset):
            rows += [(key.replace("_", " "), _sentence(item)) for item in value]
        elif value is not None:
            rows.append((key.replace("_", " "), value))
    screen.table(told["account_name"] or told["student_id"], ("what", "value"), rows)


def _sentence(item: Any) -> str:
    if is_dataclass(item) and not isinstance(item, type):
        item = asdict(item)
    if isinstance(item, dict):
        told = ((key.replace("_", " "), value) for key, value in item.items() if value not in (None, ()))
        return ", ".join(f"{key} {_sentence(value)}" for key, value in told)
    if isinstance(item, datetime):
        return item.isoformat(timespec="seconds")
    if isinstance(item, list | tuple):
        return "; ".join(_sentence(part) for part in item)
    return str(item)
