"""Everything a view needs, put together once (bootstrap_portal)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from markupsafe import Markup

from provisiond.domain.model import Language
from provisiond.domain.policy import Policy
from provisiond.portal.activation.passwords import PasswordJudge
from provisiond.portal.language import Speech
from provisiond.portal.pages import Pages
from provisiond.portal.rules import House, Rules
from provisiond.portal.sealed import Vault
from provisiond.portal.static import Static
from provisiond.portal.unwatched import Unwatched
from provisiond.ports import Clock
from provisiond.ports.portal import PortalLedger
from provisiond.ports.portal_directory import Listings, PortalDirectory
from provisiond.ports.short_memory import Sessions, Throttle
from provisiond.ports.tally import Tally


class Digests(Protocol):
    """Keyed digests (adapters.digests)."""

    def hkid(self, canonical: str) -> str: ...
    def birth(self, on: date) -> str: ...
    def opaque(self, purpose: str, text: str) -> str:
        """64 hex digits that say nothing to who has no key; of each purpose others."""
        ...

    def activation_code(self, person_id: str, at: datetime) -> str:
        """What the mail of that moment carries to that person."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Immutable; every part may be used by several threads at once. `hosts`: the names under which the portal may be
    asked for, lower case, without ports. `trusts_proxy`: who connects is the proxy, which tells the client's
    address."""

    house: House
    rules: Rules
    policy: Policy
    clock: Clock
    ledger: PortalLedger
    directory: PortalDirectory
    listings: Listings
    sessions: Sessions
    throttle: Throttle
    digests: Digests
    vault: Vault
    passwords: PasswordJudge
    terms: Mapping[Language, Markup]
    speeches: Mapping[Language, Speech]
    pages: Pages
    static: Static
    hosts: frozenset[str]
    trusts_proxy: bool
    threads: int = 16
    tally: Tally = field(default_factory=Unwatched)
