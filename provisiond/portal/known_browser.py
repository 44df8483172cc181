"""A browser in which somebody came in before: it has counters of its own, so that others who try the same account
elsewhere cannot keep its owner waiting (NIST SP 800-63B-4, 3.2.2; OWASP's device cookies). It opens nothing."""

from __future__ import annotations

import secrets
from datetime import timedelta
from hmac import compare_digest

from provisiond.portal.visit import Visit

COOKIE = "__Host-known"
LASTS = timedelta(days=180)


def remember(visit: Visit, name: str) -> None:
    """Whoever was here before is forgotten: one mark a browser."""
    lane = secrets.token_urlsafe(16)
    visit.keep_cookie(COOKIE, f"{lane}.{_mark(visit, name, lane)}", LASTS)


def lane(visit: Visit, name: str) -> str:
    """Under which this browser's tries of that account count; empty where it is not known for it."""
    found, _, mark = visit.cookies.get(COOKIE, "")[:200].partition(".")
    return found if compare_digest(mark.encode(), _mark(visit, name, found).encode()) else ""


def _mark(visit: Visit, name: str, lane: str) -> str:
    return visit.desk.digests.opaque("known browser", f"{lane} {name}")
