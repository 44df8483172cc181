"""Which of several daemons works on a ledger: one leads, the others stand by. A file lock beside a SQLite ledger
(leader_file). When to ask, and what a daemon does that does not lead, is decided by the daemon."""

from __future__ import annotations

from typing import Protocol

from provisiond.adapters.ledger import leader_file
from provisiond.adapters.ledger.place import Place
from provisiond.adapters.ledger.tenure import RENEW_EVERY, TRY_EVERY, Leader, Tenure
from provisiond.domain.errors import UnavailableError

__all__ = ["RENEW_EVERY", "TRY_EVERY", "Leader", "Leadership", "Tenure", "leader", "leadership"]


class Leadership(Protocol):
    """One a daemon. Any thread may ask."""

    @property
    def tenure(self) -> Tenure | None: ...
    @property
    def epoch(self) -> int: ...
    def acquire(self) -> bool: ...
    def renew(self) -> bool: ...
    def holds(self) -> bool: ...
    def release(self) -> None: ...


def leadership(where: Place) -> Leadership:
    if where.path is None:
        raise UnavailableError("leadership", "several daemons on PostgreSQL are not there yet")
    return leader_file.FileLeadership(where.path)


def leader(where: Place) -> Leader | None:
    """Who leads now, if anybody does. Raises UnavailableError where the ledger does not answer."""
    return leader_file.leader(where.path) if where.path else None
