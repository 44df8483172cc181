"""What a person wants in the listing: checked field by field, previewed as others will see it, then kept as an order.

The preview is made by the rules that make the entry itself, so that it cannot promise anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum

from provisiond.domain.characters import TextFault
from provisiond.domain.contact import contact_value
from provisiond.domain.entries import LISTED, desired
from provisiond.domain.listings import UNIVERSITY_ONLY
from provisiond.domain.model import Account, Attributes, Audience, ContactDetail, ContactField
from provisiond.domain.plan import Identity
from provisiond.domain.policy import Policy
from provisiond.portal.account.overview import person_known, standing_of

# what a listing shows, in the order of a page; the first of the names that is there is its heading
SHOWN = (
    "displayname",
    "cn",
    "cn;lang-zh",
    "ou",
    "mail",
    "telephonenumber",
    "physicaldeliveryofficename",
    "labeleduri",
    "edupersondisplaypronouns",
)


class WhyNone(StrEnum):
    """Why there is no listing, whatever is ticked."""

    CONFIDENTIAL = "confidential"
    UNLISTED = "unlisted"
    STATE = "state"  # not activated, or studies have ended


@dataclass(frozen=True, slots=True)
class Wish:
    """One field as it was written."""

    text: str
    audience: Audience


@dataclass(frozen=True, slots=True)
class Choice:
    """What would be kept. `faults`: by field; nothing is kept while there is one."""

    details: tuple[ContactDetail, ...]
    unlisted: bool
    faults: Mapping[ContactField, Sequence[TextFault]]


@dataclass(frozen=True, slots=True)
class Preview:
    """(attribute, values) in the order of a page, for whoever asks the public directory and for members of the
    university. Both empty where there is no listing: `why_none`."""

    everyone: tuple[tuple[str, tuple[str, ...]], ...]
    university: tuple[tuple[str, tuple[str, ...]], ...]
    why_none: WhyNone | None


@dataclass(frozen=True, slots=True)
class ContactChoice:
    policy: Policy
    zone: tzinfo

    @property
    def fields(self) -> tuple[ContactField, ...]:
        return self.policy.portal.contact_fields

    def checked(
        self, account: Account, wishes: Mapping[ContactField, Wish], unlisted: bool, at: datetime
    ) -> Choice:
        """An empty field is no detail; fields that policy does not offer keep what they had."""
        record = standing_of(account, at.astimezone(self.zone).date(), self.zone, self.policy).record
        details, faults = [], {}
        for field in self.fields:
            wish = wishes.get(field)
            if wish is None or not wish.text.strip():
                continue
            checked = contact_value(field, wish.text, record, self.policy.portal)
            details.append(ContactDetail(field, checked.value, wish.audience))
            if checked.faults:
                faults[field] = checked.faults
        kept = [detail for detail in account.contact if detail.field not in self.fields]
        return Choice((*details, *kept), unlisted, faults)

    def preview(self, account: Account, choice: Choice, at: datetime) -> Preview:
        """Of an account that chose so."""
        changed = replace(account, contact=choice.details, unlisted=choice.unlisted)
        person = person_known(changed, self.policy)
        where = standing_of(changed, at.astimezone(self.zone).date(), self.zone, self.policy)
        identity = Identity(account.account_name, account.uid_number)
        listing = desired(person, identity, where, self.policy, self.zone).listing
        if listing is None:
            return Preview((), (), _why_none(person.confidential, choice.unlisted))
        hidden = {name.lower() for name in listing.attributes.get(UNIVERSITY_ONLY, ())}
        return Preview(_rows(listing.attributes, hidden), _rows(listing.attributes, set()), None)

    def is_confidential(self, account: Account) -> bool:
        return person_known(account, self.policy).confidential

    def is_listed_state(self, account: Account, at: datetime) -> bool:
        """Whether the state gives a listing at all."""
        where = standing_of(account, at.astimezone(self.zone).date(), self.zone, self.policy)
        return account.activated_at is not None and where.state in LISTED


def _why_none(confidential: bool, unlisted: bool) -> WhyNone:
    if confidential:
        return WhyNone.CONFIDENTIAL
    return WhyNone.UNLISTED if unlisted else WhyNone.STATE


def _rows(attributes: Attributes, hidden: set[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names that the heading says already are not told twice."""
    seen: set[str] = set()
    rows = []
    for name in SHOWN:
        values = tuple(v for v in attributes.get(name, ()) if name not in hidden and v not in seen)
        seen.update(values)
        if values:
            rows.append((name, values))
    return tuple(rows)
