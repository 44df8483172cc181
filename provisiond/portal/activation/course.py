"""How far somebody has come in activation: what the session keeps between its pages, and what its pages are made of.

The session holds facts about the way (which policy was accepted, that a password was set) and no secret in the clear:
recovery codes wait in it sealed until they were shown and kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provisiond.portal.activation.attempts import Attempts
from provisiond.portal.activation.identity import IdentityCheck
from provisiond.portal.activation.possession import Possession
from provisiond.portal.activation.situation import (
    BeingCreated,
    NotCreated,
    Particulars,
    PhoneMissing,
    Situation,
    situation,
)
from provisiond.portal.desk import Desk
from provisiond.portal.visit import Stage, Visit
from provisiond.ports.portal import Factor

ACTIVATION = "activation"  # what the session is for, beside other ways that prove an identity
ACCOUNT, PASSWORD, FACTOR, CODES, DONE = (
    f"/activate/{name}" for name in ("account", "password", "factor", "codes", "done")
)


@dataclass(frozen=True, slots=True)
class AccountIsThere:
    """It came into being after the identity was proven; which of several records is right is asked anew."""


def accepted(visit: Visit) -> tuple[str, datetime] | None:
    """The policy in force, and when it was accepted in this session."""
    version, at = visit.content.get("terms"), visit.content.get("terms_at")
    if version != visit.desk.rules.terms_version or at is None:
        return None
    return version, datetime.fromisoformat(at)


def acceptance(visit: Visit) -> dict[str, str]:
    """What is kept of it when the session goes on to another stage."""
    return {key: visit.content[key] for key in ("terms", "terms_at") if key in visit.content}


def is_proven(visit: Visit) -> bool:
    """Whether this session is in the middle of activation, with the policy in force accepted."""
    in_it = visit.stage is Stage.PROVEN and visit.content.get("purpose") == ACTIVATION
    return in_it and accepted(visit) is not None


def whereabouts(visit: Visit) -> Situation | AccountIsThere:
    """Looked at anew for each page: an operator may have locked the account meanwhile."""
    desk, session = visit.desk, visit.session
    person_id = session.person_id if session else None
    if person_id is None:
        proofs = desk.ledger.proofs(str(visit.content.get("student", "")))
        if proofs is not None and proofs.person_id is not None:
            return AccountIsThere()
        return NotCreated(proofs.problem if proofs else None)
    account = desk.ledger.account(person_id)
    found = situation(account, None, visit.at, desk.house.zone, desk.policy)
    who = enrolling(found)
    if who is not None and desk.directory.shown(person_id) is None:
        return BeingCreated(who.account_name)
    return found


def enrolling(found: Situation | AccountIsThere) -> Particulars | None:
    """Whose phone may be set up, as far as the account goes."""
    match found:
        case Particulars():
            return found
        case PhoneMissing(who=who):
            return who
        case _:
            return None


def confirmed(visit: Visit) -> Factor | None:
    """The second factor that this session enrolled, once it counts."""
    if "factor" not in visit.content:
        return None
    found = visit.desk.ledger.factor(visit.person_id)
    return found if found is not None and found.id == visit.content["factor"] else None


def identity_check(desk: Desk) -> IdentityCheck:
    attempts = Attempts(desk.throttle, desk.digests, "identity", person_wide=False, tally=desk.tally)
    return IdentityCheck(desk.ledger, desk.digests, attempts)


def possession(desk: Desk) -> Possession:
    attempts = Attempts(desk.throttle, desk.digests, "activation code", person_wide=False, tally=desk.tally)
    lasts = desk.policy.portal.code_lasts
    return Possession(desk.ledger, desk.throttle, desk.digests, attempts, lasts)
