"""Another telephone, and other recovery codes, for somebody who may have them.

Decides the order in which directory and ledger learn of it: the directory's token first, since the ledger's part is
what makes the page final, and until then the same page can be sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provisiond.domain.model import Account, NoticeKind, Occurrence
from provisiond.portal.account.own_history import STUDENT
from provisiond.portal.activation.factors import Enrolment, enrolment, new_secret, step_of
from provisiond.portal.activation.recovery import code_set, new_codes
from provisiond.portal.sealed import Vault, opened, opens
from provisiond.ports.portal import Factor, PortalLedger
from provisiond.ports.portal_directory import PortalDirectory

OPEN_FOR = timedelta(minutes=15)
"""How long a key that was shown may still be confirmed; after that another one is made."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """`recovery_codes` are shown once."""

    recovery_codes: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WrongCode:
    """The telephone shows another one: it has not the key, or its clock is wrong."""


@dataclass(frozen=True, slots=True)
class NotPending:
    """The page is too old, or another one was faster: begin again."""


@dataclass(frozen=True, slots=True)
class NewFactor:
    """`issuer`: how an app calls the university."""

    ledger: PortalLedger
    directory: PortalDirectory
    vault: Vault
    issuer: str

    def begin(self, account: Account, at: datetime) -> Enrolment:
        """What the page shows; the same while it is open, so that a reload spoils nothing."""
        pending = self._pending(account.person_id, at)
        if pending is None:
            sealed = self.vault.seal(new_secret(), account.person_id)
            pending = self.ledger.begin_factor(account.person_id, sealed, at)
        return enrolment(self._secret(pending), account.account_name, self.issuer)

    def confirm(
        self, account: Account, code: str, at: datetime, permit: Callable[[], bool] = lambda: True
    ) -> Confirmed | WrongCode | NotPending:
        """`permit`: asked last, when the code is right; what it uses up is used up."""
        pending = self._pending(account.person_id, at)
        if pending is None:
            return NotPending()
        secret = self._secret(pending)
        step = step_of(secret, code, at)
        if step is None:
            return WrongCode()
        self.directory.put_token(account.person_id, secret)
        codes = new_codes()
        told = Occurrence(NoticeKind.SECOND_FACTOR_CHANGED, at, "", STUDENT)
        kept = code_set(codes, at)
        if permit() and self.ledger.replace_factor(account.person_id, pending.id, step, kept, told, at):
            return Confirmed(codes)
        self._put_back(account.person_id)
        return NotPending()

    def renew_codes(self, account: Account, at: datetime) -> tuple[str, ...]:
        """Ten others; those before are void, and the person is told."""
        codes = new_codes()
        told = Occurrence(NoticeKind.RECOVERY_CODES_CHANGED, at, "", STUDENT)
        self.ledger.replace_recovery_codes(account.person_id, code_set(codes, at), told, at)
        return codes

    def codes_left(self, person_id: str) -> int:
        kept = self.ledger.recovery_codes(person_id)
        return len(kept.digests) if kept else 0

    def _pending(self, person_id: str, at: datetime) -> Factor | None:
        pending = self.ledger.pending_factor(person_id)
        is_open = pending is not None and at - pending.begun_at < OPEN_FOR
        return pending if pending and is_open and opens(self.vault, pending.sealed, person_id) else None

    def _put_back(self, person_id: str) -> None:
        """The directory has what the ledger did not take: it gets the one that counts."""
        if counts := self.ledger.factor(person_id):
            self.directory.put_token(person_id, self._secret(counts))

    def _secret(self, factor: Factor) -> bytes:
        return opened(self.vault, factor.sealed, factor.person_id)
