"""In place of a tally where nobody watches."""

from __future__ import annotations

from provisiond.ports.tally import Tried


class Unwatched:
    """A ports.tally.Tally that forgets."""

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Nobody asks for it."""

    def tried(self, purpose: str, outcome: Tried) -> None:
        """Nobody asks for it."""

    def activated(self) -> None:
        """Nobody asks for it."""

    def away(self, system: str) -> None:
        """Nobody asks for it."""
