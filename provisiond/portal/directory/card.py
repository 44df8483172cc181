"""A listing as a page and a vCard show it: names, department, ways to reach the person. It leaves nothing out and
adds nothing; links are made only of what is safe to follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from provisiond.ports.portal_directory import Listing

_DIALLED = re.compile(r"\+?(?:[ ().-]*\d){3,20}[ ).]*\Z", re.ASCII)
_NOT_DIALLED = re.compile(r"[ ().-]+")
_LINK = re.compile(
    r"[!#-;=?-Z_a-z~\[\]%]+\Z", re.ASCII
)  # signs of a URI (RFC 3986), none that ends an attribute


@dataclass(frozen=True, slots=True)
class Way:
    """To reach somebody. `address`: of a link; None: it can be read, and not followed."""

    text: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """One line of an answer. `latin` is never empty, `chinese` may be. `account_name` and `path` are for ever."""

    account_name: str
    latin: str
    chinese: str
    departments: tuple[str, ...]

    @property
    def path(self) -> str:
        return "/directory/" + quote(self.account_name, safe="")


@dataclass(frozen=True, slots=True)
class Card(Person):
    """And all the rest, of which everything may be empty."""

    surname: str
    given_names: str
    pronouns: str
    mail: tuple[Way, ...]
    telephones: tuple[Way, ...]
    offices: tuple[str, ...]
    websites: tuple[Way, ...]


def person(listing: Listing) -> Person:
    return Person(**_called(listing))


def card(listing: Listing) -> Card:
    seen = listing.attributes
    return Card(
        **_called(listing),
        surname=_first(listing, "sn"),
        given_names=_first(listing, "givenname"),
        pronouns=_first(listing, "edupersondisplaypronouns"),
        mail=tuple(map(mailbox, seen.get("mail", ()))),
        telephones=tuple(map(telephone, seen.get("telephonenumber", ()))),
        offices=seen.get("physicaldeliveryofficename", ()),
        websites=tuple(map(website, seen.get("labeleduri", ()))),
    )


def _called(listing: Listing) -> dict[str, Any]:
    return {
        "account_name": listing.name,
        "latin": _first(listing, "displayname", "cn", "sn") or listing.name,
        "chinese": _first(listing, "displayname;lang-zh", "cn;lang-zh"),
        "departments": listing.attributes.get("ou", ()),
    }


def mailbox(address: str) -> Way:
    """RFC 6068: nothing in it can begin a subject or a body."""
    return Way(address, "mailto:" + quote(address, safe="@"))


def telephone(number: str) -> Way:
    """RFC 3966, where it is a number that a telephone can dial."""
    return Way(number, "tel:" + _NOT_DIALLED.sub("", number) if _DIALLED.match(number) else None)


def website(labelled: str) -> Way:
    """An address, and after a space what to call it (RFC 2079)."""
    address, _, label = labelled.strip().partition(" ")
    text = label.strip() or re.sub(r"^https?://|/$", "", address)
    return Way(text, address) if _is_web(address) else Way(labelled.strip(), None)


def _is_web(address: str) -> bool:
    if not _LINK.match(address):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)


def _first(listing: Listing, *names: str) -> str:
    """Of these attributes the first one that has a value."""
    found = (value for name in names for value in listing.attributes.get(name, ()) if value.strip())
    return next(found, "")
