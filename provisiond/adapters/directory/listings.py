"""The communications directory, bound as the reader of the listings. Decides what a search text asks for and how
much of the answer is given: at most MOST matches are looked at, so that nobody reads the whole by searching. What is
public at all is decided by the server's access rules. Filters are built as octets: no character means anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from provisiond.adapters.directory import messages
from provisiond.adapters.directory.failover import Servers
from provisiond.adapters.directory.messages import SUCCESS, Request, begins, both, contains, either, equal
from provisiond.adapters.directory.pool import Pool
from provisiond.adapters.directory.reading import texts
from provisiond.adapters.directory.searching import NAMES, fits, order
from provisiond.adapters.directory.session import LdapTarget
from provisiond.adapters.directory.wire import Found
from provisiond.domain.errors import UnavailableError
from provisiond.domain.search_words import searchable, words
from provisiond.ports.portal import Listing, ListingPage

MOST = 200  # matches of one search that are looked at
SECONDS = 5  # that one search may take
DEPARTMENTS_KEPT = timedelta(hours=1)
_LIMIT = 4  # sizeLimitExceeded
_ROUNDS = 500  # of the search for departments; each finds one at least


class LdapListings:
    """Implements ports.portal.Listings. For any number of threads."""

    def __init__(
        self, target: LdapTarget, contacts_base: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._base = contacts_base
        self._pool = Pool(Servers(target))
        self._now = now
        self._departments: tuple[float, tuple[str, ...]] | None = None
        self._asking = threading.Lock()

    def find(self, text: str, department: str | None, after: str | None, size: int) -> ListingPage:
        wanted = words(text)
        if not searchable(wanted) and not department:
            return ListingPage((), more=False)
        found, cut = self._found(_matching(wanted, department), ("*",), MOST)
        listings = sorted((it for it in map(_listing, found) if fits(it, wanted)), key=order)
        start = 1 + next((n for n, listing in enumerate(listings) if listing.name == after), -1)
        return ListingPage(tuple(listings[start : start + size]), more=len(listings) > start + size, cut=cut)

    def listing(self, name: str) -> Listing | None:
        if any("\ud800" <= char <= "\udfff" for char in name):  # no Unicode text
            return None
        found, _ = self._found(equal("uid", name), ("*",), 1)
        return _listing(found[0]) if found else None

    def departments(self) -> tuple[str, ...]:
        """Asked again after an hour, by one thread; the others wait for it only where nothing is known yet."""
        known = self._departments
        if known is not None and (self._now() - known[0] < DEPARTMENTS_KEPT.total_seconds()):
            return known[1]
        if not self._asking.acquire(blocking=known is None):
            return () if known is None else known[1]
        try:
            if self._departments is known:
                self._departments = self._now(), self._every_department()
            return self._departments[1] if self._departments else ()
        finally:
            self._asking.release()

    def close(self) -> None:
        self._pool.close()

    def _every_department(self) -> tuple[str, ...]:
        """Those of some listings, then those of some that are in none of these, until there are none left: a few
        searches, whose answers stay under the limit that keeps others from reading everything."""
        seen: set[str] = set()
        for _ in range(_ROUNDS):
            others = (messages.neither(*(equal("ou", name) for name in sorted(seen))),) if seen else ()
            found, cut = self._found(both(messages.present("ou"), *others), ("ou",), MOST)
            seen |= {value for entry in found for value in texts(entry).get("ou", ())}
            if not cut:
                break
        return tuple(sorted(seen, key=str.casefold))

    def _found(self, wanted: bytes, attributes: Sequence[str], most: int) -> tuple[tuple[Found, ...], bool]:
        """And whether there are more."""
        reply = self._pool.read(self._request(wanted, attributes, most))
        if reply.code not in (SUCCESS, _LIMIT):
            raise UnavailableError("directory", f"search under {self._base}: {reply.text}")
        return reply.entries, reply.code == _LIMIT

    def _request(self, wanted: bytes, attributes: Sequence[str], most: int) -> Request:
        entries = both(equal("objectClass", "inetOrgPerson"), wanted)  # not the base itself
        return messages.find_some(self._base, entries, attributes, most, SECONDS)


def _matching(wanted: Sequence[str], department: str | None) -> bytes:
    """One word at least begins a name; the others stand somewhere in one, since "Man" of "Tai Man" begins none.
    `fits` takes out of the answer those where they stand within a word."""
    long = [word for word in wanted if searchable([word])]
    firsts = [begins(name, word) for word in long for name in NAMES]
    parts = [both(either(*firsts), *map(_somewhere, long))] if firsts else []
    if department:
        parts.append(equal("ou", department))
    return both(*parts)


def _somewhere(word: str) -> bytes:
    return either(*(match(name, word) for name in NAMES for match in (begins, contains)))


def _listing(found: Found) -> Listing:
    attributes = texts(found)
    return Listing(next(iter(attributes.get("uid", ())), ""), attributes)
