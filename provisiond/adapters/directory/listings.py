"""The communications directory, bound as the reader of the listings. Decides what a search text asks for and how
much of the answer is given: at most MOST matches are looked at, so that nobody reads the whole by searching. What is
public at all is decided by the server's access rules. Filters are built as octets: no character means anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from provisiond.adapters.directory import messages
from provisiond.adapters.directory.failover import Servers
from provisiond.adapters.directory.messages import SUCCESS, begin_with, both, either, equal
from provisiond.adapters.directory.pool import Pool
from provisiond.adapters.directory.reading import texts
from provisiond.adapters.directory.searching import NAMES, OF_A_LINE, order, splits
from provisiond.adapters.directory.session import LdapTarget
from provisiond.adapters.directory.wire import Found
from provisiond.domain.errors import ProvisiondError, UnavailableError
from provisiond.domain.search_words import says_enough, words
from provisiond.ports.portal_directory import Listing, ListingPage

MOST = 100  # matches of one search that are looked at
SECONDS, SECONDS_OF_ALL = 3, 8  # that a search may take, and one for the departments among all listings
EVERY = 400  # listings looked at at once for their departments; servers allow 500
DEPARTMENTS_KEPT, TRIED_AGAIN = 3600.0, 60.0  # seconds
_LIMIT = 4  # sizeLimitExceeded
_ROUNDS = 500  # of the search for departments; each finds one at least


class LdapListings:
    """Implements ports.portal_directory.Listings. For any number of threads."""

    def __init__(
        self, target: LdapTarget, contacts_base: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._base = contacts_base
        self._pool = Pool(Servers(target))
        self._now = now
        self._departments: tuple[float, tuple[str, ...]] | None = None  # until when
        self._asking = threading.Lock()  # held by whichever thread reads the departments
        self._reader: threading.Thread | None = None

    def find(self, text: str, department: str | None, after: str | None, size: int) -> ListingPage:
        wanted = words(text)
        if not says_enough(wanted) and not department:
            return ListingPage((), more=False)
        found, cut = self._found(_matching(wanted, department), OF_A_LINE, MOST)
        ordered = sorted(found, key=_order)
        start = 1 + next((n for n, one in enumerate(ordered) if after and _order(one)[1] == after), -1)
        page = tuple(map(_listing, ordered[start : start + size]))
        return ListingPage(page, more=len(ordered) > start + size, cut=cut)

    def listing(self, name: str) -> Listing | None:
        if any("\ud800" <= char <= "\udfff" for char in name):  # no Unicode text
            return None
        found, _ = self._found(equal("uid", name), ("*",), 1)
        return _listing(found[0]) if found else None

    def departments(self) -> tuple[str, ...]:
        """Read once an hour, in the background: meanwhile everybody has those of before. Only at first, and where
        nobody warmed up, somebody waits."""
        known = self._departments
        if known is None:
            return self._first_departments()
        if self._now() >= known[0]:
            self.warm()
        return known[1]

    def warm(self) -> None:
        if self._asking.acquire(blocking=False):
            self._reader = threading.Thread(target=self._read_again, name="departments", daemon=True)
            self._reader.start()

    def close(self) -> None:
        if self._reader:
            self._reader.join(SECONDS_OF_ALL)
        self._pool.close()

    def _first_departments(self) -> tuple[str, ...]:
        with self._asking:
            if self._departments is None:
                self._departments = self._now() + DEPARTMENTS_KEPT, self._every_department()
            return self._departments[1]

    def _read_again(self) -> None:
        """Where the directory does not answer, those of before stay; who has none asks again with the next page."""
        try:
            self._departments = self._now() + DEPARTMENTS_KEPT, self._every_department()
        except ProvisiondError:
            if self._departments is not None:
                self._departments = self._now() + TRIED_AGAIN, self._departments[1]
        finally:
            self._asking.release()

    def _every_department(self) -> tuple[str, ...]:
        """Those of some listings, then those of some that are in none of these, until there are none left: a few
        searches, whose answers stay under the limit that keeps others from reading everything."""
        seen: set[str] = set()
        for _ in range(_ROUNDS):
            others = (messages.neither(*(equal("ou", name) for name in sorted(seen))),) if seen else ()
            found, cut = self._found(both(messages.present("ou"), *others), ("ou",), EVERY, SECONDS_OF_ALL)
            seen |= {value for entry in found for value in texts(entry).get("ou", ())}
            if not cut:
                break
        return tuple(sorted(seen, key=str.casefold))

    def _found(
        self, wanted: bytes, attributes: Sequence[str], most: int, seconds: int = SECONDS
    ) -> tuple[tuple[Found, ...], bool]:
        """And whether there are more."""
        entries = both(equal("objectClass", "inetOrgPerson"), wanted)  # not the base itself
        reply = self._pool.read(messages.find_some(self._base, entries, attributes, most, seconds))
        if reply.code not in (SUCCESS, _LIMIT):
            raise UnavailableError("directory", f"search under {self._base}: {reply.text}")
        return reply.entries, reply.code == _LIMIT


def _matching(wanted: Sequence[str], department: str | None) -> bytes:
    named = [_named(wanted)] if wanted else []
    return both(*named, *([equal("ou", department)] if department else []))


def _named(wanted: Sequence[str]) -> bytes:
    """Nested, so that the server looks at what is left only where a phrase begins a name."""
    ways = (
        both(_begins_a_name(phrase), _named(left)) if left else _begins_a_name(phrase)
        for phrase, left in splits(wanted)
    )
    return either(*ways)


def _begins_a_name(phrase: str) -> bytes:
    return either(*begin_with(NAMES, phrase))


def _order(found: Found) -> tuple[str, str]:
    """Reads no more of it: most of a long answer is not on the page that is asked for."""
    values = (found.attributes.get(key) or [b""] for key in (b"uid", b"displayname", b"cn"))
    return order(*(of_one[0].decode("utf-8", "replace") for of_one in values))


def _listing(found: Found) -> Listing:
    attributes = texts(found)
    return Listing(next(iter(attributes.get("uid", ())), ""), attributes)
