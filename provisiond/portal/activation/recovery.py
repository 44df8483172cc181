"""Recovery codes: ten, each good once in place of a code of the second factor. Made here, kept as scrypt digests.

80 bits each, in an alphabet without look-alikes (Crockford's base32): what is misread is read right all the same."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from provisiond.ports.portal import CodeSet

COUNT = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH, _GROUP = 16, 4
_READ_AS = str.maketrans({"o": "0", "i": "1", "l": "1"})
# 10 ms: nobody tries 2^80 codes even without; ten of them are digested while somebody waits
_COST = {"n": 2**12, "r": 8, "p": 1, "maxmem": 64 * 2**20}


def new_codes() -> tuple[str, ...]:
    """As they are shown: `7k2m-…` in four groups."""
    return tuple(_grouped("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))) for _ in range(COUNT))


def code_set(codes: Sequence[str], at: datetime) -> CodeSet:
    salt = secrets.token_bytes(16)
    return CodeSet(salt, frozenset(code_digest(code, salt) for code in codes), at)


def code_digest(typed: str, salt: bytes) -> bytes:
    """Of what was typed, however it is grouped and whether or not it has the form of a code."""
    plain = unicodedata.normalize("NFKC", typed[:200]).casefold()
    read = "".join(sign for sign in plain if sign.isalnum()).translate(_READ_AS)
    return hashlib.scrypt(read.encode(), salt=salt, dklen=32, **_COST)


def _grouped(code: str) -> str:
    return "-".join(code[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))
