"""The part of the fake ledger that takes orders of operators and of persons themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from provisiond.adapters.ledger.chain import Happened
from provisiond.domain import orders
from provisiond.domain.errors import RejectedError
from provisiond.domain.model import ContactDetail, ContactField
from tests.rigs.taken_over import TakenOver


@dataclass(slots=True)
class Ordering(TakenOver):
    ordered_at: dict[str, datetime] = field(default_factory=dict)

    def set_contact(
        self, person_id: str, details: Sequence[ContactDetail], unlisted: bool, actor: str, at: datetime
    ) -> None:
        self._require([person_id])
        account, order = self.people[person_id], list(ContactField)
        given = tuple(sorted(details, key=lambda detail: order.index(detail.field)))
        if given != account.contact:
            self._order("contact-set", person_id, orders.SetContact(given, unlisted, at, actor), actor, at)
        if unlisted is not account.unlisted:
            self._order("listing-choice", person_id, orders.SetContact(given, unlisted, at, actor), actor, at)

    def set_display_name(self, person_id: str, name: str | None, actor: str, at: datetime) -> None:
        self._require([person_id])
        if name != self.people[person_id].display_name:
            order = orders.ChooseDisplayName(name, at, actor)
            self._order("display-name-set", person_id, order, actor, at)

    def give_alias(
        self, person_id: str, alias: str, domain: str, actor: str, at: datetime, allowed: int | None = None
    ) -> bool:
        self._require([person_id])
        value = alias.lower()
        account_names = {account.account_name.lower() for account in self.people.values()}
        if value in self.foreign | account_names or self.names.get(value, person_id) != person_id:
            raise RejectedError(f"the address {alias}@{domain} was given to another, or is an account name")
        has = self.people[person_id].aliases
        if value in map(str.lower, has):
            return True
        if allowed is not None and len(has) >= allowed:
            return False
        self.names[value] = person_id
        self._order("alias-given", person_id, orders.GiveAlias(alias, domain, at, actor), actor, at)
        return True

    def taken(self, names: Collection[str]) -> frozenset[str]:
        return frozenset(name.lower() for name in names) & (self.names.keys() | self.foreign)

    def _require(self, person_ids: Iterable[str]) -> None:
        for person in person_ids:
            if person not in self.people:
                raise RejectedError(f"no account in the ledger for person {person}")

    def _order(
        self, event: str, person: str, order: orders.Order, actor: str, at: datetime, reason: str = ""
    ) -> None:
        self._require([person])
        self.people[person] = orders.ordered(self.people[person], order)
        self._call(person, at)
        self._tell(Happened(event, person, at, actor, {}, reason))

    def _call(self, person: str | None, at: datetime) -> None:
        if person in self.people:
            self.ordered_at[person] = at
            self.people[person] = replace(self.people[person], next_on=at.date() - timedelta(days=1))
