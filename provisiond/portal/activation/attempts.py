"""How often somebody may try to prove who they are: which counters one attempt falls under, and their limits.

Nobody is locked out for ever, least of all by others: what counts failures grows pauses for one address trying one
person; what counts for a person from everywhere refuses nobody by itself, where there is another proof to ask for
(`crowded`). Keys are keyed digests."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from provisiond.ports.portal import Rate, Throttle

_HOUR, _MINUTES = timedelta(hours=1), timedelta(minutes=10)
_FROM_ADDRESS = Rate("person-address", 12, _HOUR)
_OF_PERSON = Rate("person", 40, _HOUR)
_ADDRESS = Rate("address", 120, _MINUTES)  # a hall of residence shares one
_NETWORK = Rate("network", 480, _MINUTES)
_EVERYBODY = Rate("everybody", 6000, _MINUTES)


class Opaque(Protocol):
    """Keyed digests that say nothing to who has no key."""

    def opaque(self, purpose: str, text: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """`wait`: nothing is looked at before. `crowded`: so many try this person from everywhere that knowledge alone is
    not believed for so long."""

    wait: timedelta | None
    crowded: timedelta | None


@dataclass(frozen=True, slots=True)
class Attempts:
    """`purpose` keeps the counters of several steps apart. `person_wide` False: what others try against a person does
    not count, since what is tried cannot be guessed."""

    throttle: Throttle
    digests: Opaque
    purpose: str
    person_wide: bool = True
    of_person: Rate = _OF_PERSON

    def begin(self, who: str, address: str, at: datetime) -> timedelta | None:
        """Counts one attempt, in one stroke and before anything is looked up. None: it may go on; else how long to
        wait."""
        pause = self.throttle.pause(self._pair(who, address), at)
        waits = self.throttle.admit(self._wanted(who, address), at)
        longest = max(pause, waits or timedelta())
        return longest or None

    def arrive(self, who: str, address: str, at: datetime) -> Arrival:
        """As `begin`, where something else can be asked for when only the person's own counter says no."""
        pause = self.throttle.pause(self._pair(who, address), at)
        waits = self.throttle.admit(self._wanted(who, address), at)
        if pause or waits is None:
            return Arrival(max(pause, waits or timedelta()) or None, None)
        rest = self.throttle.admit(replace(self, person_wide=False)._wanted(who, address), at)
        return Arrival(rest, None if rest else waits)

    def failed(self, who: str, address: str, at: datetime) -> None:
        self.throttle.failed([self._pair(who, address)], at)

    def succeeded(self, who: str, address: str) -> None:
        self.throttle.succeeded([self._pair(who, address)])

    def _wanted(self, who: str, address: str) -> Sequence[tuple[Rate, str]]:
        of_person = [(self.of_person, self._key(f"person {who}"))] if self.person_wide else []
        return [
            (_FROM_ADDRESS, self._pair(who, address)),
            *of_person,
            (_ADDRESS, self._key(f"address {within(address, 64)}")),
            (_NETWORK, self._key(f"network {within(address, 48)}")),
            (_EVERYBODY, self._key("everybody")),
        ]

    def _pair(self, who: str, address: str) -> str:
        return self._key(f"person {who} address {within(address, 64)}")

    def _key(self, text: str) -> str:
        return self.digests.opaque("throttle", f"{self.purpose} {text}")


def within(address: str, prefix: int) -> str:
    """Whom an address stands for: of IPv6 the network of that prefix (one subscriber has at least a /64), of IPv4 the
    address itself, or its /24 where the wider network is asked for. What is no address stands for itself."""
    try:
        given = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(given, ipaddress.IPv6Address) and given.ipv4_mapped:
        given = given.ipv4_mapped
    bits = prefix if given.version == 6 else (32 if prefix == 64 else 24)
    return str(ipaddress.ip_network((given, bits), strict=False))
