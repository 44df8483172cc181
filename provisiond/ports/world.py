"""What everything asks for: the time, and leave to send."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Protocol

Guard = Callable[[], AbstractContextManager[float | None]]
"""Around one send to the world, and around nothing else; gives the seconds that it may take (None: as ever). Raises
UnavailableError where another may be at work: then nothing is sent."""


def unguarded() -> AbstractContextManager[float | None]:
    """Where no other process can be at work."""
    return nullcontext()


class Clock(Protocol):
    """Read once per cycle."""

    def now(self) -> datetime:
        """An aware UTC instant."""
        ...
