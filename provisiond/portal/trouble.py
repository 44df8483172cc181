"""Why a request gets no page of its own: a status with words in the reader's language. Raised by views and by the
application; what the reader may do next is in templates/error.html."""

from __future__ import annotations

from datetime import timedelta


class Trouble(Exception):  # noqa: N818 - an answer, no error of ours
    """`wait`: when it may be tried again. `unreadable`: what is away is the key of the person's second factor."""

    def __init__(self, status: int, wait: timedelta | None = None, unreadable: bool = False) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.wait = wait
        self.unreadable = unreadable


def not_found() -> Trouble:
    return Trouble(404)


def too_many(wait: timedelta) -> Trouble:
    """Slow down: try again after `wait`."""
    return Trouble(429, wait)


def unreadable() -> Trouble:
    """Waiting does not help: operators must."""
    return Trouble(503, unreadable=True)


def unavailable(wait: timedelta = timedelta(seconds=30)) -> Trouble:
    """Ledger or directory does not answer."""
    return Trouble(503, wait)
