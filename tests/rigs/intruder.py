"""Somebody who attacks the portal of a campus: sits in sessions of every stage, sends whatever they like, and knows
what an answer must never have in it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from provisiond.portal import csrf
from provisiond.portal.desk import Desk
from provisiond.portal.visit import SESSION_COOKIE, Stage
from provisiond.ports.short_memory import WebSession
from tests.rigs.visitor import Seen, Visitor

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Seat:
    """A session that was begun for the test. `proved`: password and second factor were shown just now."""

    stage: Stage
    person_id: str | None
    content: Mapping[str, Any]
    proved: bool = False


def seated(desk: Desk, base: str, seat: Seat, **headers: str) -> Visitor:
    """A browser that sits in it."""
    at = desk.clock.now()
    token = secrets.token_urlsafe(32)
    proved_at = at if seat.proved else None
    entered = (at, "/") if seat.stage is Stage.MEMBER else (None, None)
    session = WebSession(seat.person_id, seat.stage.value, seat.content, at, at, proved_at, *entered)
    desk.sessions.keep(token, session)
    return Visitor(base, headers=headers, cookies={SESSION_COOKIE: token})


def token_of(desk: Desk, visitor: Visitor) -> str:
    """What a form of that session brings back."""
    digest = desk.digests.opaque("csrf", visitor.cookies[SESSION_COOKIE])
    return csrf.masked(bytes.fromhex(digest))


def raw(visitor: Visitor, method: str, path: str, body: bytes | None = None, **headers: str) -> Seen:
    """One request as it is written, one answer; no redirect is followed and no cookie taken."""
    asked = {"Host": visitor.host, **visitor.headers}
    asked |= {name.replace("_", "-"): value for name, value in headers.items()}
    if visitor.cookies and "Cookie" not in asked:
        asked["Cookie"] = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    if body is not None:
        asked.setdefault("Content-Type", FORM)
    answer = visitor.pool.request(method, visitor.base + path, body=body, headers=asked, redirect=False)
    told = {name.lower(): value for name, value in answer.headers.items()}
    cookies = tuple(answer.headers.getlist("set-cookie"))
    return Seen(path, answer.status, told, answer.data.decode("utf-8", "replace"), cookies)


def send(desk: Desk, visitor: Visitor, path: str, values: Mapping[str, str]) -> Seen:
    """A form with the right token."""
    body = urlencode({csrf.FIELD: token_of(desk, visitor), **values}, errors="surrogatepass")
    return raw(visitor, "POST", path, body.encode())


def named_in(seen: Seen) -> set[str]:
    """Of every input, whatever its kind and form."""
    return set(re.findall(r'<(?:input|select|textarea|button)\b[^>]*?\sname="([^"]+)"', seen.text))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and not (given.get("src") or "").startswith("/static/"):
            self.faults.append("a script that is not ours")
        if tag in ("base", "iframe", "object", "embed", "frame") or "style" in given or "srcdoc" in given:
            self.faults.append(f"<{tag} {sorted(given)}>")
        self.faults += [f"{name} on <{tag}>" for name in given if name.startswith("on")]
        for name in ("href", "src", "action", "formaction"):
            if (
                (given.get(name) or "")
                .strip()
                .lower()
                .startswith(("javascript:", "data:text", "vbscript:", "//"))
            ):
                self.faults.append(f"{name}={given[name]}")


def wrong_with(seen: Seen) -> list[str]:
    """What no answer may be or have, whatever was asked."""
    tags = _Tags()
    if "html" in seen.headers.get("content-type", ""):
        tags.feed(seen.text)
    faults = list(tags.faults)
    if seen.status >= 500 or seen.status == 0:
        faults.append(f"status {seen.status}")
    onward = seen.headers.get("location", "/")
    if not onward.startswith("/") or onward.startswith(("//", "/\\")) or onward != onward.strip():
        faults.append(f"leads to {onward!r}")
    faults += [f"header {name}" for name in seen.headers if name.startswith("x-injected")]
    if "51317" in seen.text:  # 7331 * 7
        faults.append("a template was carried out")
    if (
        "no-store" not in seen.headers.get("cache-control", "")
        and "private" not in seen.headers["cache-control"]
    ):
        faults.append(f"kept by caches: {seen.headers['cache-control']}")
    if seen.headers.get("content-security-policy", "").count("'none'") < 3:
        faults.append("no content security policy")
    return faults
