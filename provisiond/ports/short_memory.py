"""What the portal remembers between two requests: sessions, and how often something was tried. What may be lost is
kept here; what must not be is the ledger's (portal.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class WebSession:
    """What the portal knows between two requests. `person_id`: proven or logged in (which, says `stage`); `content`:
    JSON, never a secret. `proved_at`: the last time that password and second factor were shown. `entered_at`: when
    that person logged in, and from what kind of `device` (a word of the portal's, never what the browser sent); None
    for who has not."""

    person_id: str | None
    stage: str
    content: Mapping[str, Any]
    begun_at: datetime
    seen_at: datetime
    proved_at: datetime | None
    entered_at: datetime | None
    device: str | None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """One place where somebody is logged in. `mark`: tells it from others and opens nothing; `seen_at`: to the
    minute; `is_this`: from here it was asked."""

    mark: str
    entered_at: datetime
    seen_at: datetime
    device: str
    is_this: bool


class Sessions(Protocol):
    """Kept under a digest of the token in the cookie. Shared by all portals of one ledger; survives restarts."""

    def load(self, token: str, at: datetime) -> WebSession | None:
        """None: unknown, idle for too long, or over."""
        ...

    def keep(self, token: str, session: WebSession, replaces: str | None = None) -> None:
        """`replaces`: the token that the session had before, which is void from now on."""
        ...

    def end(self, token: str) -> None: ...

    def end_all(self, person_id: str, but: str | None = None) -> int:
        """Every session of that person but the one with the token `but`; how many."""
        ...

    def logged_in(self, person_id: str, token: str, at: datetime) -> Sequence[LoggedIn]:
        """Where that person is, the place with that token first, then what was used last."""
        ...

    def end_marked(self, person_id: str, mark: str) -> bool:
        """False: that person has no such session any more. Another's is never ended."""
        ...

    def purge(self, at: datetime) -> int: ...


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in each period of `per`."""

    name: str
    count: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Attempted:
    """`wait`: it may not go on, and nothing counts. `beyond`: it may, beyond a rate that keeps nobody out."""

    wait: timedelta | None
    beyond: bool = False


class Throttle(Protocol):
    """Counts that survive restarts and are shared by all portals. Keys hold no personal data (digests)."""

    def admit(self, wanted: Sequence[tuple[Rate, str]], at: datetime) -> timedelta | None:
        """Count one act under each (rate, key): None where all allow it, else how long to wait (nothing counts)."""
        ...

    def pause(self, key: str, at: datetime) -> timedelta:
        """How long until the next try under this key may come (zero: now). Grows with failures, up to a limit."""
        ...

    def failed(self, keys: Sequence[str], at: datetime) -> None: ...

    def attempt(
        self,
        key: str,
        wanted: Sequence[tuple[Rate, str]],
        watched: Sequence[tuple[Rate, str]],
        at: datetime,
    ) -> Attempted:
        """`pause` of the key, `admit` of what is wanted and `failed` of the key, in one stroke: whoever tries has
        failed until `succeeded` takes it back. `watched` is counted with it and keeps nobody out."""
        ...

    def succeeded(self, keys: Sequence[str]) -> None:
        """The failures are forgotten."""
        ...

    def purge(self, at: datetime) -> int: ...
