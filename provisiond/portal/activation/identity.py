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
    """`besieged`: so many tried to be this person today that something else must be shown, too."""

    proofs: Proofs
    evidence: Evidence
    besieged: bool = False


@dataclass(frozen=True, slots=True)
class NotIdentified:
    """No reason is given."""

    besieged: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Too many attempts; the claim was not looked at."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    ledger: AsksProofs
    digests: Digests
    attempts: Attempts

    def judge(
        self, claim: Claim, address: str, at: datetime, conclusive: bool = True
    ) -> Identified | NotIdentified | Wait:
        """`conclusive` False: something else will be asked for in any case. Then what is right counts as a failure,
        too, or pauses would tell what the page does not."""
        who = claim.student_ids[0]
        tried = self.attempts.attempt(who, address, at)
        if tried.wait:
            return Wait(tried.wait)
        besieged = tried.beyond
        digest = self._digest(claim)
        found = [self.ledger.proofs(student_id) for student_id in claim.student_ids]
        proven = _proven(claim, digest, found)
        if proven is not None and conclusive and not besieged:
            self.attempts.succeeded(who, address)
        else:
            self.attempts.stays_failed()
        return Identified(proven, claim.evidence, besieged) if proven else NotIdentified(besieged)

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
