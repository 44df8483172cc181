"""What of the contact details a person gave stands in the listing, and who of those that read listings may see it.

What everybody in the university sees and the public directory does not is named in `provisiondUniversityOnly`: the
server's access rules hide it. What nobody is to see is not written at all."""

from __future__ import annotations

from collections.abc import Iterable

from provisiond.domain.display_names import holds_surname
from provisiond.domain.latin import fold
from provisiond.domain.model import Audience, ContactDetail, ContactField, RegistryRecord
from provisiond.domain.spelling import spelt

UNIVERSITY_ONLY = "provisionduniversityonly"
# our class for that attribute and pronouns, which the eduPerson of a 389 Directory Server has not
LISTING_CLASS = "provisiondListing"
ATTRIBUTES = {
    ContactField.TELEPHONE: "telephonenumber",
    ContactField.OFFICE: "physicaldeliveryofficename",
    ContactField.WEBSITE: "labeleduri",
    ContactField.PRONOUNS: "edupersondisplaypronouns",
    ContactField.PREFERRED_NAME: "displayname",
}
# what goes when it is not wanted any more; a listing always has a display name
OWNED_LISTING = (*(name for name in ATTRIBUTES.values() if name != "displayname"), UNIVERSITY_ONLY)


def shown_contact(details: Iterable[ContactDetail]) -> dict[str, tuple[str, ...]]:
    """Attributes but for names; `objectclass`: further classes they need."""
    shown = [detail for detail in details if detail.audience is not Audience.NOBODY and detail.value]
    found: dict[str, tuple[str, ...]] = {
        ATTRIBUTES[detail.field]: (detail.value,)
        for detail in shown
        if detail.field is not ContactField.PREFERRED_NAME
    }
    hidden = tuple(
        sorted(spelt(ATTRIBUTES[detail.field]) for detail in shown if detail.audience is Audience.UNIVERSITY)
    )
    if hidden:
        found[UNIVERSITY_ONLY] = hidden
    is_more = found.keys() & {UNIVERSITY_ONLY, ATTRIBUTES[ContactField.PRONOUNS]}
    return found | ({"objectclass": (LISTING_CLASS,)} if is_more else {})


def shown_names(
    details: Iterable[ContactDetail], record: RegistryRecord, full_name: str
) -> dict[str, tuple[str, ...]]:
    """How the listing calls whoever gave a preferred name, in place of what it says without one. Only what everybody
    may see becomes a further `cn`: the public directory finds by that, so it always has the registry's."""
    preferred = next((d for d in details if d.field is ContactField.PREFERRED_NAME and d.value), None)
    if preferred is None or preferred.audience is Audience.NOBODY:
        return {}
    name = called(preferred.value, record)
    if preferred.audience is Audience.UNIVERSITY or name == full_name:
        return {"displayname": (name,)}
    return {"displayname": (name,), "cn": (full_name, name)}


def called(preferred: str, record: RegistryRecord) -> str:
    """The preferred name before the surname, unless that is in it: nobody is listed without it."""
    surname = record.surname or record.given_names
    if holds_surname(preferred, record):
        return preferred
    return f"{preferred} {surname}" if fold(preferred) else f"{preferred} ({surname})"
