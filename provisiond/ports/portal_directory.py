"""What the portal asks of the directory: by its own identity passwords, tokens and log-ins, as the reader of the
listings what is public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class PasswordRefusal(StrEnum):
    """Why the directory did not take a password (draft-behera-ldap-password-policy, 5.2)."""

    TOO_SHORT = "too-short"
    USED_BEFORE = "used-before"
    TOO_YOUNG = "too-young"
    QUALITY = "quality"
    OTHER = "other"


class BindAnswer(StrEnum):
    """`WRONG` also where the account is not there: outsiders must not tell the two apart."""

    RIGHT = "right"
    WRONG = "wrong"
    BLOCKED = "blocked"  # right or wrong: the server lets nobody in (ended, locked, too many failures)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the directory shows of an account to services: names of groups, addresses, display name, quota (bytes)."""

    dn: str
    state: str | None
    groups: frozenset[str]
    mail: tuple[str, ...]
    display_name: str | None
    quota_bytes: int | None


class PortalDirectory(Protocol):
    """The directory by the portal's own identity. All raise UnavailableError; none repeats a write in doubt."""

    def set_password(self, person_id: str, password: str) -> PasswordRefusal | None:
        """By the operation of RFC 3062: the server hashes it and its policy judges it. None: it holds."""
        ...

    def bind(self, account_name: str, password: str, code: str | None = None) -> BindAnswer:
        """Whether the person's own bind succeeds; `code` follows the password where the server asks for it (otp
        overlay), else it is left out. As slow for a name that is not there, or has no password yet. Where the caller
        has checked the person's code, or a recovery code, it gives the code of the present step."""
        ...

    def shown(self, person_id: str) -> Shown | None: ...

    def put_token(self, person_id: str, secret: bytes) -> None:
        """Write the TOTP token entry, in place of the one before."""
        ...

    def is_enforced(self, person_id: str) -> bool:
        """Whether the server asks for a code at bind."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """A contact entry as the reader of the listings sees it; `attributes` by lower-case name (with options)."""

    name: str  # uid
    attributes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ListingPage:
    listings: tuple[Listing, ...]
    more: bool  # there are others after these
    cut: bool = False  # there are matches that were not looked at: a more precise search finds them


class Listings(Protocol):
    """The communications directory's view, bound as the listing reader: what it can see is all that is public."""

    def find(self, text: str, department: str | None, after: str | None, size: int) -> ListingPage:
        """By beginnings of names (any word order, Latin or Chinese) and department; ascending by display name;
        `after`: the name of the last listing of the page before. Empty where the text says too little. Of each only
        account name, names and departments."""
        ...

    def listing(self, name: str) -> Listing | None: ...

    def departments(self) -> tuple[str, ...]:
        """As they were within the last hour or so; quick, where they were known before."""
        ...

    def warm(self) -> None:
        """Begin to read what takes long, and return at once."""
        ...

    def close(self) -> None: ...
