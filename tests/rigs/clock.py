"""A clock that a test sets, and the instant at which it stands otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

NOON = datetime(2024, 9, 2, 4, tzinfo=UTC)  # at the university, on the day `TODAY` of the rigs


@dataclass(slots=True)
class StoppedClock:
    at: datetime = NOON

    def now(self) -> datetime:
        return self.at
