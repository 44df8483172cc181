"""A directory in memory as the portal meets it (tests/contract holds it and the real one together)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pyotp

from provisiond.adapters.directory.searching import OF_A_LINE, fits, order
from provisiond.domain.errors import UnavailableError
from provisiond.domain.search_words import says_enough, words
from provisiond.ports.portal_directory import BindAnswer, Listing, ListingPage, PasswordRefusal, Shown

SHORTEST = 12


@dataclass(slots=True)
class FakeAccount:
    """`enforced`: the daemon linked it to its token."""

    name: str
    shown: Shown
    password: str | None = field(default=None, repr=False)
    secret: bytes | None = field(default=None, repr=False)
    last_step: int = -1
    drift: int = 0
    enforced: bool = False
    ended: bool = False


class FakePortalDirectory:
    """Implements ports.portal_directory.PortalDirectory. `accounts` by person ID; `unavailable`: why it does not
    answer."""

    def __init__(self, base: str = "dc=example,dc=edu") -> None:
        self.base = base
        self.accounts: dict[str, FakeAccount] = {}
        self.unavailable: str | None = None

    # -- the port
    def set_password(self, person_id: str, password: str) -> PasswordRefusal | None:
        self._answer()
        if not password:
            return PasswordRefusal.QUALITY
        account = self.accounts.get(person_id)
        if account is None:
            raise UnavailableError("directory", "the account is not there yet; the daemon makes it")
        if len(password.encode()) < SHORTEST:
            return PasswordRefusal.TOO_SHORT
        account.password = password
        return None

    def bind(self, account_name: str, password: str, code: str | None = None) -> BindAnswer:
        if not password:
            return BindAnswer.WRONG
        self._answer()
        account = next((it for it in self.accounts.values() if it.name == account_name.lower()), None)
        if account is None:
            return BindAnswer.WRONG
        if account.ended:
            return BindAnswer.BLOCKED
        right = password == account.password and (not account.enforced or _takes(account, code))
        return BindAnswer.RIGHT if right else BindAnswer.WRONG

    def shown(self, person_id: str) -> Shown | None:
        self._answer()
        account = self.accounts.get(person_id)
        return account.shown if account else None

    def put_token(self, person_id: str, secret: bytes) -> None:
        self._answer()
        account = self.accounts[person_id]
        account.secret, account.last_step, account.drift = secret, -1, 0

    def is_enforced(self, person_id: str) -> bool:
        self._answer()
        return person_id in self.accounts and self.accounts[person_id].enforced

    def close(self) -> None: ...

    # -- for tests
    def make(self, name: str, person_id: str, password: str | None = None) -> FakeAccount:
        """As the daemon and `directory init` would: an active student."""
        shown = Shown(
            dn=f"uid={name},ou=people,{self.base}",
            state="active",
            groups=frozenset({"students"}),
            mail=(f"{name}@connect.example.edu",),
            display_name=f"Peter {name}",
            quota_bytes=5368709120,
        )
        return self.accounts.setdefault(person_id, FakeAccount(name, shown, password))

    def _answer(self) -> None:
        if self.unavailable:
            raise UnavailableError("directory", self.unavailable)


def _takes(account: FakeAccount, code: str | None) -> bool:
    """As slapo-otp does: one step before or after the one that the phone's clock is taken to show, later than the one
    used last; each code tells anew how far that clock is ahead."""
    if account.secret is None or code is None:
        return False
    totp = pyotp.TOTP(base64.b32encode(account.secret).decode())
    now = totp.timecode(datetime.now(UTC))
    middle = now + account.drift
    for step in range(max(middle - 1, account.last_step + 1), middle + 2):
        if totp.generate_otp(step) == code:
            account.last_step, account.drift = step, step - now
            return True
    return False


def _order(listing: Listing) -> tuple[str, str]:
    displayed, full = (listing.attributes.get(name, ("",))[0] for name in ("displayname", "cn"))
    return order(listing.name, displayed, full)


def _line(listing: Listing) -> Listing:
    kept = {name.lower() for name in OF_A_LINE}
    ours = {name: values for name, values in listing.attributes.items() if name.partition(";")[0] in kept}
    return replace(listing, attributes=ours)


class FakeListings:
    """Implements ports.portal_directory.Listings on these."""

    def __init__(self, listings: Iterable[Listing] = ()) -> None:
        self.listings = {listing.name: listing for listing in listings}

    def find(self, text: str, department: str | None, after: str | None, size: int) -> ListingPage:
        wanted = words(text)
        if not says_enough(wanted) and not department:
            return ListingPage((), more=False)
        among = (it for it in self.listings.values() if department in (None, *it.attributes.get("ou", ())))
        found = sorted((it for it in among if fits(it, wanted)), key=_order)
        start = 1 + next((n for n, listing in enumerate(found) if listing.name == after), -1)
        shown = tuple(_line(listing) for listing in found[start : start + size])
        return ListingPage(shown, more=len(found) > start + size)

    def listing(self, name: str) -> Listing | None:
        return self.listings.get(name.lower())

    def departments(self) -> tuple[str, ...]:
        every = {ou for listing in self.listings.values() for ou in listing.attributes.get("ou", ())}
        return tuple(sorted(every, key=str.casefold))

    def warm(self) -> None: ...

    def close(self) -> None: ...
