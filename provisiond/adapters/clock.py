"""The one place that reads the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


class SystemClock:
    """Implements ports.Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class SetClock:
    """A clock that stands where it is put: `plan --at`, rehearsals, tests."""

    at: datetime

    def now(self) -> datetime:
        return self.at
