"""Encrypts what the ledger keeps of second factors (AES-256-GCM). What is sealed belongs to one person: put into the
row of another one it does not open. Several keys may open, so that a key can be replaced; the first one seals."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from provisiond.domain.errors import ConfigError, RejectedError

KEY_BYTES = 32
_FORM = b"\x01"
_MARK_BYTES, _NONCE_BYTES = 4, 12
_HOW = "make one by `openssl rand -hex 32`"


class Vault:
    """Immutable; its repr shows nothing of the keys."""

    __slots__ = ("_first", "_keys")

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a vault needs keys of {KEY_BYTES} bytes")
        self._keys = {_mark(key): AESGCM(key) for key in keys}
        self._first = _mark(keys[0])

    def __repr__(self) -> str:
        return "Vault(…)"

    @classmethod
    def of(cls, text: str, where: str) -> Vault:
        """`text`: keys in hexadecimal digits, one a line, the one that seals first. `where`: key and file of the
        configuration, for the ConfigError."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        faults = [
            f"{where}: line {n} {fault}; {_HOW}" for n, fault in enumerate(map(_fault, lines), 1) if fault
        ]
        if not lines:
            faults = [f"{where}: holds no key; {_HOW}"]
        if faults:
            raise ConfigError(faults)
        return cls([bytes.fromhex(line) for line in lines])

    def seal(self, secret: bytes, person_id: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return (
            _FORM + self._first + nonce + self._keys[self._first].encrypt(nonce, secret, person_id.encode())
        )

    def open(self, sealed: bytes, person_id: str) -> bytes:
        """Raises ConfigError where the key is not among ours, RejectedError where it was changed, or sealed for
        another person."""
        head = len(_FORM) + _MARK_BYTES
        key = self._keys.get(sealed[len(_FORM) : head])
        if key is None or not sealed.startswith(_FORM):
            raise ConfigError(
                [
                    "portal.factor_key_file: a second factor was encrypted by a key that is not in this file;"
                    " put the former key back, on a line below the new one"
                ]
            )
        nonce, content = sealed[head : head + _NONCE_BYTES], sealed[head + _NONCE_BYTES :]
        try:
            return key.decrypt(nonce, content, person_id.encode())
        except (InvalidTag, ValueError):
            raise RejectedError(
                f"the second factor of person {person_id} was changed in the ledger, or is of another person;"
                " they must enrol again"
            ) from None


def _mark(key: bytes) -> bytes:
    """By which what is sealed names its key; tells nothing of it."""
    return hashlib.sha256(b"provisiond\0factor key\0" + key).digest()[:_MARK_BYTES]


def _fault(line: str) -> str | None:
    try:
        key = bytes.fromhex(line)
    except ValueError:
        return "is not in hexadecimal digits"
    return None if len(key) == KEY_BYTES else f"has {len(key)} bytes, not {KEY_BYTES}"
