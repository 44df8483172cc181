"""The ledger's part on what persons choose of themselves: contact details, display name, aliases."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from provisiond.domain.model import ContactDetail


class Choices(Protocol):
    """Of a ledger. Each is an order: the person becomes due."""

    def set_contact(
        self, person_id: str, details: Sequence[ContactDetail], unlisted: bool, actor: str, at: datetime
    ) -> None:
        """In place of what was there; no change, no history line."""
        ...

    def set_display_name(self, person_id: str, name: str | None, actor: str, at: datetime) -> None:
        """None: as policy makes it."""
        ...

    def give_alias(
        self, person_id: str, alias: str, domain: str, actor: str, at: datetime, allowed: int | None = None
    ) -> bool:
        """A further local part of the lifelong address, for ever. Raises RejectedError where it was ever given to
        another, or is an account name; again to the same person: nothing happens. `allowed`: how many one person may
        have in all (None: any number). False, and nothing is given: they have as many."""
        ...

    def taken(self, names: Collection[str]) -> frozenset[str]:
        """Those of these (lower case) that were ever given to anybody, or that an entry of others has."""
        ...
