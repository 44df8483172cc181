"""A browser in which somebody logged in before has a lane of its own for tries, so that strangers who try a person
from many places can slow down strangers only. The cookie opens nothing, and says nothing of whom it is for."""

from __future__ import annotations

import secrets
from hmac import compare_digest

from provisiond.portal.visit import Visit

COOKIE = "__Host-known"
_LASTS = 180 * 24 * 3600  # seconds


def lane(visit: Visit, name: str) -> str | None:
    """Of this browser for that account name; None: nobody of that name logged in here."""
    nonce, _, digest = visit.cookies.get(COOKIE, "").partition(".")
    fits = compare_digest(_digest(visit, name, nonce).encode(), digest.encode())
    return nonce if nonce and fits else None


def remember(visit: Visit, name: str) -> None:
    nonce = secrets.token_urlsafe(16)
    visit.set_cookie(COOKIE, f"{nonce}.{_digest(visit, name, nonce)}", _LASTS)


def _digest(visit: Visit, name: str, nonce: str) -> str:
    return visit.desk.digests.opaque("known browser", f"{name} {nonce}")
