"""Opening what the vault sealed. What does not open (the key was lost or taken away, the row was changed) is for the
operators to mend, who find it in the log, and a page of its own for its owner (refusals)."""

from __future__ import annotations

from typing import Protocol

import structlog

from provisiond.domain.errors import ConfigError, RejectedError

log = structlog.get_logger("provisiond.portal")


class Vault(Protocol):
    """Encrypts the secrets of second factors (adapters.vault)."""

    def seal(self, secret: bytes, person_id: str) -> bytes: ...
    def open(self, sealed: bytes, person_id: str) -> bytes: ...


class UnreadableError(RejectedError):
    """The second factor of one person cannot be read."""


def opened(vault: Vault, sealed: bytes, person_id: str) -> bytes:
    """Raises UnreadableError; the log says why."""
    try:
        return vault.open(sealed, person_id)
    except (ConfigError, RejectedError) as error:
        key = "portal.factor_key_file"
        log.error("second factor unreadable", key=key, person=person_id, reason=str(error))
        raise UnreadableError(f"the second factor of person {person_id} cannot be read: see {key}") from error


def opens(vault: Vault, sealed: bytes, person_id: str) -> bool:
    try:
        opened(vault, sealed, person_id)
    except UnreadableError:
        return False
    return True
