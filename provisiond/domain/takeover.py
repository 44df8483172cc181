"""Accounts that an entry shows and the ledger does not know (any more): what it can be told about them. A ledger
that was lost is made again from these, entries of another tool are adopted as these. Nobody regains access by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from provisiond.domain.entries import ENDS_LOGIN, STUDENT_ID_URN
from provisiond.domain.model import (
    Attributes,
    Entry,
    Hold,
    HoldKind,
    Level,
    Notice,
    NoticeKind,
    Observed,
    State,
)
from provisiond.domain.notices import notice_key
from provisiond.domain.plan import Identity
from provisiond.domain.policy import Policy

LOCKED = "found locked when the ledger was rebuilt"
ACTIVATED = frozenset({State.ACTIVE, State.ON_LEAVE, State.GRACE, State.ALUMNI})


@dataclass(frozen=True, slots=True)
class Takeover:
    """What the ledger is to know of one account. `applied`: its entries are as they should be; `told`: notices of
    which the person certainly knows; `aliases`: further local parts of the lifelong address."""

    person_id: str
    student_id: str
    identity: Identity
    state: State
    applied: bool
    activated_at: datetime | None
    unlisted: bool
    holds: tuple[Hold, ...]
    told: tuple[Notice, ...]
    aliases: tuple[str, ...]


def rebuilt(person_id: str, seen: Observed, policy: Policy, now: datetime, today: date) -> Takeover | str:
    """The account of a marked entry; a sentence where the entry does not say enough."""
    entry = seen.account
    if seen.clash or entry is None:
        return seen.clash or f"no account carries the person ID {person_id}"
    name, student_id = account_name(entry), _student_id(entry.attributes, policy.directory.domain)
    states = [value for value in entry.attributes.get("provisiondstate", ()) if value in set(State)]
    if not (name and student_id and states):
        missing = "uid" if not name else "student ID" if not student_id else "state"
        return f"{entry.dn} has no {missing}"
    state = State(states[0])
    activated_at = now if state in ACTIVATED or seen.listing else None
    lock = _lock(entry.attributes, state, policy, now)
    return Takeover(
        person_id,
        student_id,
        Identity(name, uid_number(entry.attributes)),
        state,
        applied=True,
        activated_at=activated_at,
        # the person agreed to no more than what is shown
        unlisted=activated_at is not None and seen.listing is None,
        holds=(lock,) if lock else (),
        told=told(person_id, f"{name}@{policy.directory.mail_domain}", activated_at, lock, today),
        aliases=_aliases(entry.attributes, name, policy.directory.mail_domain),
    )


def told(
    person_id: str, to: str, activated_at: datetime | None, lock: Hold | None, today: date
) -> tuple[Notice, ...]:
    """Notices that a later cycle would decide anew, and of which the person knows."""
    kinds = [(NoticeKind.CREATED, "")]
    if activated_at:
        kinds.append((NoticeKind.ACTIVATED, ""))
    if lock:
        kinds.append((NoticeKind.HOLD_SET, lock.set_at.isoformat(timespec="seconds")))
    return tuple(
        Notice(notice_key(person_id, kind, milestone), person_id, kind, to, today, None)
        for kind, milestone in kinds
    )


def account_name(entry: Entry) -> str | None:
    """The `uid` that names the entry, else its first one."""
    given = entry.attributes.get("uid", ())
    dn = entry.dn.casefold()
    return next((uid for uid in given if dn.startswith(f"uid={uid.casefold()},")), next(iter(given), None))


def uid_number(attributes: Attributes) -> int | None:
    given = [value for value in attributes.get("uidnumber", ()) if value.isdecimal()]
    return int(given[0]) if given else None


def _aliases(attributes: Attributes, name: str, domain: str) -> tuple[str, ...]:
    """Further addresses in the domain of lifelong ones, where nobody else gives any out."""
    parts = (address.rpartition("@")[::2] for address in attributes.get("mail", ()))
    ours = [local for local, where in parts if where.casefold() == domain.casefold() and local.isascii()]
    return tuple(local for local in ours if local and local.lower() != name.lower())


def _student_id(attributes: Attributes, domain: str) -> str | None:
    ours = f"{STUDENT_ID_URN}:{domain}:"
    codes: Iterable[str] = attributes.get("schacpersonaluniquecode", ())
    return next((code[len(ours) :] for code in codes if code.casefold().startswith(ours.casefold())), None)


def _lock(attributes: Attributes, state: State, policy: Policy, now: datetime) -> Hold | None:
    """Log-in has ended though the state earns it (at some level: the registry was not read yet)."""
    ends = [value for name in ENDS_LOGIN for value in attributes.get(name, ())]
    if not ends or not any(policy.entitlement(state, level).login for level in Level):
        return None
    at = min(_instant(value) or now for value in ends)
    return Hold(HoldKind.LOCK, at, None, LOCKED, "rebuild") if at <= now else None


def _instant(value: str) -> datetime | None:
    """Of a GeneralizedTime; a server that only says "true" does not say since when."""
    try:
        return datetime.strptime(value[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
