"""How a whole fetch is refused: one sentence with file and cause, one with the next action."""

from __future__ import annotations

from provisiond.domain.errors import UnsafeFetchError


def refused(file: str, cause: str, action: str) -> UnsafeFetchError:
    """Nobody can approve such a fetch as it is: no plan hash."""
    return UnsafeFetchError(
        f"registry file {file} refused: {cause}. Nothing was taken from it. Next: {action}.", plan_hash=None
    )
