"""Which of several daemons works on a ledger: one leads, the others stand by. A file lock beside a SQLite ledger
(leader_file); on PostgreSQL a lock and a lease, fenced by a counter of epochs (leader_row). When to ask, and what
a daemon does that does not lead, is decided by the daemon."""

from __future__ import annotations

from typing import Protocol

from provisiond.adapters.ledger import leader_file, leader_row
from provisiond.adapters.ledger.place import Place
from provisiond.adapters.ledger.tenure import (
    LEASE_FOR,
    RENEW_EVERY,
    TRY_EVERY,
    Leader,
    Tenure,
)

__all__ = ["LEASE_FOR", "RENEW_EVERY", "TRY_EVERY", "Leader", "Leadership", "Tenure", "leader", "leadership"]


class Leadership(Protocol):
    """One a daemon. Any thread may ask; the system `leadership` in an UnavailableError means: lost."""

    @property
    def tenure(self) -> Tenure | None:
        """The present time of leading; None before the first one. What is made under it (a ledger, a directory)
        works no longer than it lasts, even if this daemon leads again later."""
        ...

    @property
    def epoch(self) -> int:
        """Of the present or last tenure; 0 before the first one."""
        ...

    def acquire(self) -> bool:
        """Try, at once; to be called every TRY_EVERY seconds by who stands by. False: another leads, or led a moment
        ago. Raises UnavailableError where the ledger does not answer."""
        ...

    def renew(self) -> bool:
        """Say that we are alive, every RENEW_EVERY seconds; takes no longer than the lease lasts. False: lost."""
        ...

    def holds(self) -> bool:
        """Whether we lead, by our own clock; costs nothing."""
        ...

    def release(self) -> None:
        """Let others lead at once. Never raises."""
        ...


def leadership(where: Place) -> Leadership:
    return leader_file.FileLeadership(where.path) if where.path else leader_row.RowLeadership(where)


def leader(where: Place) -> Leader | None:
    """Who leads now, if anybody does. Raises UnavailableError where the ledger does not answer."""
    return leader_file.leader(where.path) if where.path else leader_row.leader(where)
