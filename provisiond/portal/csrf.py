"""The token that a form must bring back: a digest of the session cookie's random value, so that nothing is kept for a
visitor; masked anew on each page, so that compression tells nothing of it (BREACH)."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets

FIELD = "csrf_token"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_SIZE = 32


def is_token(text: str) -> bool:
    """The form of `secrets.token_urlsafe(32)`."""
    return _TOKEN.fullmatch(text) is not None


def masked(digest: bytes) -> str:
    pad = secrets.token_bytes(_SIZE)
    return base64.urlsafe_b64encode(pad + _mixed(pad, digest)).decode()


def fits(sent: str, digest: bytes) -> bool:
    try:
        given = base64.b64decode(sent.encode("ascii"), b"-_", validate=True)
    except (ValueError, binascii.Error):
        return False
    return len(given) == 2 * _SIZE and hmac.compare_digest(_mixed(given[:_SIZE], given[_SIZE:]), digest)


def _mixed(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(_SIZE, "big")
