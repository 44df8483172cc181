"""Everything that is kept of one person, as data for the person: facts, records, notices, history. Left out are
secrets and digests, of which no person could make use, and the names of staff, which are theirs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from provisiond.domain.model import Account, OutboxItem, RegistryRecord
from provisiond.portal.account.own_history import detail_of, who
from provisiond.ports.facts import HistoryLine
from provisiond.ports.portal import PortalLedger, TicketKind


def download(ledger: PortalLedger, account: Account, at: datetime) -> dict[str, Any]:
    """JSON: dates and instants in ISO 8601, keys in English."""
    person = account.person_id
    accepted = ledger.accepted(person)
    return {
        "made_at": at.isoformat(timespec="seconds"),
        "left_out": "passwords, keys, codes and their digests; names of staff",
        "account": _account(account),
        "registry_records": [_record(record) for record in account.records],
        "listing": {
            "unlisted": account.unlisted,
            "details": [
                {"field": d.field.value, "value": d.value, "seen_by": d.audience.value}
                for d in account.contact
            ],
        },
        "holds": [
            {"kind": h.kind.value, "set_at": _at(h.set_at), "until": _on(h.until_on), "reason": h.reason}
            for h in account.holds
        ],
        "extensions": [
            {"until": _on(e.until_on), "granted_at": _at(e.granted_at), "reason": e.reason}
            for e in account.extensions
        ],
        "security": _security(ledger, account),
        "acceptable_use": {"version": accepted[0], "accepted_at": _at(accepted[1])} if accepted else None,
        "notices": [_notice(item) for item in account.outbox],
        "history": [_line(line) for line in ledger.history(person)],
    }


def _account(account: Account) -> Mapping[str, Any]:
    return {
        "person_id": account.person_id,
        "student_id": account.student_id,
        "account_name": account.account_name,
        "uid_number": account.uid_number,
        "aliases": list(account.aliases),
        "display_name": account.display_name,
        "state": account.state.value,
        "created_at": _at(account.created_at),
        "activated_at": _at(account.activated_at),
        "looked_at_again_on": _on(account.next_on),
    }


def _record(record: RegistryRecord) -> Mapping[str, Any]:
    """The identity card number and the date of birth are kept as digests only: that they are there is told."""
    language = record.language
    return {
        "source": record.source,
        "student_id": record.student_id,
        "surname": record.surname,
        "given_names": record.given_names,
        "preferred_name": record.preferred_name,
        "chinese_name": record.chinese_name,
        "programme": record.programme,
        "department": record.department,
        "level": record.level.value,
        "status": record.status.value,
        "status_on": _on(record.status_on),
        "expected_end_on": _on(record.expected_end_on),
        "personal_mail": record.personal_mail,
        "supervisor_mail": record.supervisor_mail,
        "language": language.value if language else None,
        "confidential": record.confidential,
        "identity_number": "kept as a digest" if record.hkid_digest else None,
        "date_of_birth": "kept as a digest" if record.birth_digest else None,
    }


def _security(ledger: PortalLedger, account: Account) -> Mapping[str, Any]:
    codes = ledger.recovery_codes(account.person_id)
    ticket = ledger.ticket(account.person_id, TicketKind.RE_ENROLMENT)
    return {
        "second_factor_since": _at(account.second_factor_at),
        "recovery_codes_left": len(codes.digests) if codes else 0,
        "recovery_codes_made_at": _at(codes.made_at) if codes else None,
        "re_enrolment_code": {"from": _at(ticket.from_at), "until": _at(ticket.until_at)} if ticket else None,
        "events": [{"kind": o.kind.value, "at": _at(o.at), "reason": o.reason} for o in account.occurrences],
    }


def _notice(item: OutboxItem) -> Mapping[str, Any]:
    return {
        "kind": item.notice.kind.value,
        "about": _on(item.notice.about_on),
        "to": item.address,
        "status": item.status.value,
        "decided_at": _at(item.decided_at),
        "settled_at": _at(item.settled_at),
        "answer_of_the_mail_server": item.reply,
    }


def _line(line: HistoryLine) -> Mapping[str, Any]:
    return {
        "at": _at(line.at),
        "by": who(line.actor).value,
        "event": line.event,
        "detail": detail_of(line),
        "reason": line.reason,
    }


def _at(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _on(on: date | None) -> str | None:
    return on.isoformat() if on else None
