"""How much of the directory one place may read in which time, and how much everybody together. Somebody who looks
people up never meets these limits; whoever copies the directory needs weeks, and is seen. Keys are keyed digests."""

from __future__ import annotations

from datetime import timedelta

from provisiond.portal.activation.attempts import KEY, within
from provisiond.portal.visit import Visit
from provisiond.ports.short_memory import Rate

_QUICK = Rate("directory-minute", 60, timedelta(minutes=1))  # a hall of residence shares one address
_LONG = Rate("directory-day", 2000, timedelta(days=1))
_EVERYBODY = Rate("directory-everybody", 6000, timedelta(minutes=10))


def wait(visit: Visit) -> timedelta | None:
    """Counts one look into the directory, before it is taken. None: go on; else how long to wait."""
    place = _key(visit, f"address {within(visit.address, 64)}")
    wanted = [(_QUICK, place), (_LONG, place), (_EVERYBODY, _key(visit, "everybody"))]
    return visit.desk.throttle.admit(wanted, visit.at)


def _key(visit: Visit, text: str) -> str:
    return visit.desk.digests.opaque("throttle", f"directory {text}")[:KEY]
