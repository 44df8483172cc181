"""What persons choose of themselves, in SQL, one transaction a method: of the ledger, and as the portal opens it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from provisiond.adapters.ledger import listings
from provisiond.adapters.ledger.connection import Database
from provisiond.domain.model import ContactDetail


class SqlChoices:
    """ports.Choices."""

    _db: Database

    def set_contact(
        self, person_id: str, details: Sequence[ContactDetail], unlisted: bool, actor: str, at: datetime
    ) -> None:
        with self._db.write() as connection:
            listings.set_contact(connection, person_id, details, unlisted, actor, at)

    def set_display_name(self, person_id: str, name: str | None, actor: str, at: datetime) -> None:
        with self._db.write() as connection:
            listings.set_display_name(connection, person_id, name, actor, at)

    def give_alias(
        self, person_id: str, alias: str, domain: str, actor: str, at: datetime, allowed: int | None = None
    ) -> bool:
        with self._db.write() as connection:
            return listings.give_alias(connection, person_id, alias, domain, actor, at, allowed)

    def taken(self, names: Collection[str]) -> frozenset[str]:
        with self._db.read() as connection:
            return listings.taken(connection, names)
