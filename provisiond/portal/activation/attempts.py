"""How often somebody may try to prove who they are: which counters one attempt falls under, and their limits.

Nobody is kept out for ever, least of all by others. Failures make pauses for one address trying one person grow; an
address that is new to a person is let through whatever others do to that person. Keys are keyed digests."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from provisiond.portal.unwatched import Unwatched
from provisiond.ports.short_memory import Attempted, Rate, Throttle
from provisiond.ports.tally import Tally, Tried

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_QUARTER, _MINUTES = timedelta(minutes=15), timedelta(minutes=10)
_NEW_HERE = Rate("person-address-new", 3, _HOUR)  # whatever others do
_FROM_ADDRESS = Rate("person-address", 12, _QUARTER)
_OF_PERSON = Rate("person", 40, _HOUR)
_SIEGE = Rate("person-day", 30, _DAY)
_ADDRESS = Rate("address", 120, _MINUTES)  # a hall of residence shares one
_NETWORK = Rate("network", 480, _MINUTES)
_EVERYBODY = Rate("everybody", 6000, _MINUTES)


KEY = 32  # hex digits of a digest are enough to count under


class Opaque(Protocol):
    """Keyed digests that say nothing to who has no key."""

    def opaque(self, purpose: str, text: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Attempts:
    """`purpose` keeps the counters of several steps apart. `person_wide` False: what others try against a person does
    not count, since what is tried cannot be guessed, or something else is asked for then."""

    throttle: Throttle
    digests: Opaque
    purpose: str
    person_wide: bool = True
    tally: Tally = field(default_factory=Unwatched)

    def begin(self, who: str, address: str, at: datetime) -> timedelta | None:
        """Counts one attempt, in one stroke and before anything is looked up. None: it may go on; else how long to
        wait."""
        wait = self._wait(who, address, at)
        if wait:
            self.tally.tried(self.purpose, Tried.PAUSED)
        return wait

    def _wait(self, who: str, address: str, at: datetime) -> timedelta | None:
        pair = self._pair(who, address)
        if pause := self.throttle.pause(pair, at):
            return pause
        everybody = self._of_address(address)
        if self.person_wide:
            if self.throttle.admit([(_NEW_HERE, pair), *everybody], at) is None:
                return None
            everybody.append((_OF_PERSON, self._key(f"person {who}")))
        return self.throttle.admit([(_FROM_ADDRESS, pair), *everybody], at)

    def attempt(self, who: str, address: str, at: datetime) -> Attempted:
        """`begin` and `failed` at once, where nothing is person-wide. `beyond`: so many tried to be them today,
        from wherever, that to know the right answer is no proof any more."""
        assert not self.person_wide, "whom others keep waiting begins, and fails, apart"
        pair = self._pair(who, address)
        wanted = [(_FROM_ADDRESS, pair), *self._of_address(address)]
        tried = self.throttle.attempt(pair, wanted, [(_SIEGE, self._key(f"person {who}"))], at)
        if tried.wait:
            self.tally.tried(self.purpose, Tried.PAUSED)
        elif tried.beyond:
            self.tally.tried(self.purpose, Tried.BESIEGED)
        return tried

    def stays_failed(self) -> None:
        """What was tried by `attempt` was not right."""
        self.tally.tried(self.purpose, Tried.WRONG)

    def failed(self, who: str, address: str, at: datetime) -> None:
        self.throttle.failed([self._pair(who, address)], at)
        self.tally.tried(self.purpose, Tried.WRONG)

    def succeeded(self, who: str, address: str) -> None:
        self.throttle.succeeded([self._pair(who, address)])
        self.tally.tried(self.purpose, Tried.RIGHT)

    def _of_address(self, address: str) -> list[tuple[Rate, str]]:
        return [
            (_ADDRESS, self._key(f"address {within(address, 64)}")),
            (_NETWORK, self._key(f"network {within(address, 48)}")),
            (_EVERYBODY, self._key("everybody")),
        ]

    def _pair(self, who: str, address: str) -> str:
        return self._key(f"person {who} address {within(address, 64)}")

    def _key(self, text: str) -> str:
        return self.digests.opaque("throttle", f"{self.purpose} {text}")[:KEY]


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_QUAD = re.compile(rf"({_OCTET}(?:\.{_OCTET}){{2}})\.{_OCTET}", re.ASCII)


def is_plain(address: str) -> bool:
    """Whether it is an IPv4 address as it is always written: `ipaddress` takes ten times as long to say so."""
    return _QUAD.fullmatch(address) is not None


def within(address: str, prefix: int) -> str:
    """Whom an address stands for: of IPv6 the network of that prefix (one subscriber has at least a /64), of IPv4 the
    address itself, or its /24 where the wider network is asked for. What is no address stands for itself."""
    if quad := _QUAD.fullmatch(address):
        return f"{address}/32" if prefix == 64 else f"{quad[1]}.0/24"
    try:
        given = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(given, ipaddress.IPv6Address) and given.ipv4_mapped:
        given = given.ipv4_mapped
    bits = prefix if given.version == 6 else (32 if prefix == 64 else 24)
    return str(ipaddress.ip_network((given, bits), strict=False))
