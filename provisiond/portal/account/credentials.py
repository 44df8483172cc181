"""Password and second factor of one person, shown together: at log-in, and wherever somebody must prove themselves
again.

Decides whether they are right, by the same work for right, wrong and unknown. A code is used up only when everything
else is right, so that a mistyped password does not cost the code; of requests at once with one code one wins."""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

from provisiond.portal.activation.factors import SECRET_BYTES, code_at, step_of
from provisiond.portal.activation.recovery import code_digest
from provisiond.portal.sealed import UnreadableError, Vault, opened
from provisiond.ports.portal import CodeSet, Factor, PortalLedger
from provisiond.ports.portal_directory import BindAnswer, PortalDirectory

_NOBODYS_SECRET = secrets.token_bytes(SECRET_BYTES)
_NOBODYS_SALT = secrets.token_bytes(16)
_NO_PASSWORD = secrets.token_urlsafe(24)  # stands for an empty one, which no server must be asked about


@dataclass(frozen=True, slots=True)
class Shown:
    """`code`: of the authenticator, or a recovery code where `with_recovery_code`."""

    password: str = field(repr=False)
    code: str = field(repr=False)
    with_recovery_code: bool = False


@dataclass(frozen=True, slots=True)
class Proven:
    """`has_factor`: there is a confirmed second factor at all."""

    password: bool
    factor: bool
    has_factor: bool


@dataclass(frozen=True, slots=True)
class Credentials:
    ledger: PortalLedger
    directory: PortalDirectory
    vault: Vault

    def judge(self, person_id: str, account_name: str, shown: Shown, at: datetime) -> Proven:
        """Both. Where the directory enforces the code, the bind takes it too; for a recovery code, which it does not
        know, we make one. Raises UnreadableError where the password is right and the factor cannot be read: nobody
        else learns that."""
        factor = self.ledger.factor(person_id)
        secret, fault = self._secret(factor)
        claimed = self._claimed(person_id, shown, secret, at)
        code = self._own_code(person_id, secret, fault, at) if shown.with_recovery_code else shown.code
        right = self._binds(account_name, shown.password, code)
        if right and fault and not shown.with_recovery_code:
            raise fault
        used = right and factor is not None and self._use(person_id, claimed, at)
        return Proven(right, used, factor is not None)

    def has_password(self, person_id: str, account_name: str, password: str, at: datetime) -> bool:
        """The password alone, of somebody who is known already."""
        secret, fault = self._secret(self.ledger.factor(person_id))
        return self._binds(account_name, password, self._own_code(person_id, secret, fault, at))

    def has_factor(self, person_id: str, code: str, with_recovery_code: bool, at: datetime) -> bool:
        """The second factor alone, of somebody who proved their identity; it is used up."""
        factor = self.ledger.factor(person_id)
        secret, fault = self._secret(factor)
        if fault and not with_recovery_code:
            raise fault
        claimed = self._claimed(person_id, Shown("", code, with_recovery_code), secret, at)
        return factor is not None and self._use(person_id, claimed, at)

    def _own_code(self, person_id: str, secret: bytes, fault: UnreadableError | None, at: datetime) -> str:
        """For a bind in the name of somebody who typed none. The directory takes each step once, and may have had
        this one: the token is written anew, which forgets that, and the bind uses the step up again. Never the next
        step: that would move the directory's window away from a phone that is a little slow. A secret that cannot be
        read here stays what the phone and the directory know."""
        if fault is None and self.directory.is_enforced(person_id):
            self.directory.put_token(person_id, secret)
        return code_at(secret, at)

    def _secret(self, factor: Factor | None) -> tuple[bytes, UnreadableError | None]:
        """Nobody's where there is none, or none that can be read: the same is asked all the same."""
        if factor is None:
            return _NOBODYS_SECRET, None
        try:
            return opened(self.vault, factor.sealed, factor.person_id), None
        except UnreadableError as error:
            return _NOBODYS_SECRET, error

    def _claimed(self, person_id: str, shown: Shown, secret: bytes, at: datetime) -> int | bytes | None:
        """A time step, or the digest of a recovery code; None: neither."""
        if not shown.with_recovery_code:
            return step_of(secret, shown.code, at)
        kept = self.ledger.recovery_codes(person_id) or CodeSet(_NOBODYS_SALT, frozenset(), at)
        digest = code_digest(shown.code, kept.salt)
        return digest if digest in kept.digests else None

    def _use(self, person_id: str, claimed: int | bytes | None, at: datetime) -> bool:
        match claimed:
            case int():
                return self.ledger.use_step(person_id, claimed)
            case bytes():
                return self.ledger.use_recovery_code(person_id, claimed, at)
            case None:
                return False

    def _binds(self, account_name: str, password: str, code: str) -> bool:
        """The directory takes the code where it asks for one, and is asked about unknown names, too."""
        typed = unicodedata.normalize("NFC", password) or _NO_PASSWORD
        return self.directory.bind(account_name, typed, code) is BindAnswer.RIGHT
