"""Keyed digests of what must not be kept in the clear (HKID number, date of birth), the opaque person ID, and
marks of notices that nobody else can make.

HMAC-SHA256 with one key; each purpose has its own domain, so that digests of two kinds are never comparable.
Whoever loses the key loses every comparison with what the ledger holds: it is backed up with the ledger."""

from __future__ import annotations

import hmac
from base64 import b32encode
from datetime import UTC, date, datetime
from itertools import product

_MINIMUM_KEY_BYTES = 32
# A person ID has 130 bits of base32 (26 letters): collisions are out of the question. Two letters at a time from
# a table, since base64.b32encode takes longer than all the rest of a record.
_PAIRS = ["".join(pair) for pair in product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)]
_SHIFTS = range(120, -1, -10)


class Digests:
    """Immutable; its repr shows nothing of the key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < _MINIMUM_KEY_BYTES:
            raise ValueError(f"the digest key must have at least {_MINIMUM_KEY_BYTES} bytes")
        self._key = bytes(key)

    def __repr__(self) -> str:
        return "Digests(…)"

    def hkid(self, canonical: str) -> str:
        """64 hex digits; of the canonical form (domain/hkid.py)."""
        return self._mac(b"hkid", canonical).hex()

    def birth(self, on: date) -> str:
        """64 hex digits."""
        return self._mac(b"birth", on.isoformat()).hex()

    def person(self, student_id: str) -> str:
        """The opaque person ID: 26 letters and digits of lower-case base32."""
        return _letters(self._mac(b"person", student_id))

    def notice(self, key: str) -> str:
        """As much, of a notice's key: who knows the person ID cannot guess it."""
        return _letters(self._mac(b"notice", key))

    def opaque(self, purpose: str, text: str) -> str:
        """64 hex digits; what the portal counts under, or compares, without keeping it."""
        return self._mac(b"opaque", f"{purpose}\0{text}").hex()

    def activation_code(self, person_id: str, at: datetime) -> str:
        """80 bits of base32 (16 letters and digits): what the mail of that moment carries to that person. Made by
        who sends it and by who checks it, kept by nobody."""
        moment = at.astimezone(UTC).isoformat(timespec="microseconds")
        return b32encode(self._mac(b"activation", f"{person_id} {moment}")[:10]).decode()

    def _mac(self, domain: bytes, text: str) -> bytes:
        return hmac.digest(self._key, b"provisiond\0" + domain + b"\0" + text.encode("utf-8"), "sha256")


def _letters(mac: bytes) -> str:
    bits = int.from_bytes(mac[:17], "big") >> 6
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])
