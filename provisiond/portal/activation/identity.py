"""Whether a claim is true: student ID and HKID number, or student ID and date of birth.

Unknown, wrong and ill-formed are one answer, reached by the same work; what the person's account is like is nobody's
business before (situation.py says it afterwards). Keeps no value: digests are compared with digests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hmac import compare_digest
from typing import Protocol, assert_never

from provisiond.portal.activation.attempts import Attempts
from provisiond.portal.activation.claims import BirthClaim, Claim, Evidence, HkidClaim
from provisiond.ports.portal import Proofs

_NOBODYS = date(1, 1, 1)  # what stands for a date that is none: no record has it
_NO_NUMBER = ""


class Digests(Protocol):
    """As the registry's intake makes them."""

    def hkid(self, canonical: str) -> str: ...
    def birth(self, on: date) -> str: ...


class AsksProofs(Protocol):
    def proofs(self, student_id: str) -> Proofs | None: ...


@dataclass(frozen=True, slots=True)
class Identified:
    """`crowded`: others try this person so often that it takes possession beside it, for so long."""

    proofs: Proofs
    evidence: Evidence
    crowded: timedelta | None = None


@dataclass(frozen=True, slots=True)
class NotIdentified:
    """Neither more nor less: no reason. `crowded` is the same whether there is such a person or not."""

    crowded: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Too many attempts; the claim was not looked at."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    ledger: AsksProofs
    digests: Digests
    attempts: Attempts

    def judge(self, claim: Claim, address: str, at: datetime) -> Identified | NotIdentified | Wait:
        who = claim.student_ids[0]
        arrival = self.attempts.arrive(who, address, at)
        if arrival.wait:
            return Wait(arrival.wait)
        crowded = arrival.crowded
        digest = self._digest(claim)
        found = [self.ledger.proofs(student_id) for student_id in claim.student_ids]
        proven = _proven(claim, digest, found)
        if proven is None:
            self.attempts.failed(who, address, at)
            return NotIdentified(crowded)
        self.attempts.succeeded(who, address)
        return Identified(proven, claim.evidence, crowded)

    def _digest(self, claim: Claim) -> str:
        match claim:
            case HkidClaim(number=number):
                return self.digests.hkid(number or _NO_NUMBER)
            case BirthClaim(on=on):
                return self.digests.birth(on or _NOBODYS)
            case _:
                assert_never(claim)


def _proven(claim: Claim, digest: str, found: Sequence[Proofs | None]) -> Proofs | None:
    """Of several persons that the text may mean, only one can be right."""
    right = [proofs for proofs in found if proofs and _holds(digest, _known(claim, proofs))]
    return right[0] if right and _is_formed(claim) else None


def _is_formed(claim: Claim) -> bool:
    return (claim.number if isinstance(claim, HkidClaim) else claim.on) is not None


def _known(claim: Claim, proofs: Proofs) -> frozenset[str]:
    return proofs.hkid_digests if isinstance(claim, HkidClaim) else proofs.birth_digests


def _holds(digest: str, known: Iterable[str]) -> bool:
    """All are looked at, whichever fits."""
    return sum(compare_digest(digest, each) for each in known) > 0
