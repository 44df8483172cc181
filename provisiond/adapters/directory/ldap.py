"""The Directory port on a real LDAP server: keeps the connections, tries a read again after a lost one, hands
reading and writing to their modules. A write whose connection is lost is never sent again from here: the next
cycle reads what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from typing import TypeVar

from provisiond.adapters.directory import faults, reading, scanning, sync
from provisiond.adapters.directory.capabilities import Degradation
from provisiond.adapters.directory.dn import normalise_dn
from provisiond.adapters.directory.memberships import Membership
from provisiond.adapters.directory.reading import Bases, chunks
from provisiond.adapters.directory.session import LdapTarget, Session, open_session
from provisiond.adapters.directory.writing import write_entries, write_memberships
from provisiond.domain.changes import Change
from provisiond.domain.errors import ConfigError, UnavailableError
from provisiond.domain.model import Observed
from provisiond.ports import Done, Drift, Marked, Outcome, Refused, Surveyed

PEOPLE_A_SEARCH = 100
PREFIXES_A_SEARCH = 50
BATCHES_A_CONNECTION = 50  # fewer are not worth another connection

Answer = TypeVar("Answer")
Written = tuple[Refused | None, list[Membership]]


class LdapDirectory:
    """Implements ports.Directory. `connections`: how many write entries side by side (a server that syncs
    to disk is faster that way); reads and memberships use one. `groups` (DNs) and `login_end` (an attribute)
    are what `check` looks for."""

    def __init__(
        self,
        target: LdapTarget,
        base: str,
        people_base: str,
        contacts_base: str,
        groups_base: str,
        connections: int = 1,
        groups: Sequence[str] = (),
        login_end: str = "pwdEndTime",
    ) -> None:
        self._target = target
        self._bases = Bases.of(base, people_base, contacts_base, groups_base)
        self._connections = connections
        self._groups = groups
        self._login_end = login_end
        self._session: Session | None = None

    def check(self) -> list[str]:
        try:
            return self._read(lambda s: faults.found(s, self._bases, self._groups, self._login_end))
        except ConfigError as error:
            return error.faults
        except UnavailableError as error:
            return [str(error)]

    def degradations(self) -> tuple[Degradation, ...]:
        """What this server makes us do with less, by name."""
        return self._read(lambda session: session.capabilities.degradations)

    def observe(self, people: Mapping[str, str]) -> dict[str, Observed]:
        answer: dict[str, Observed] = {}
        for chunk in chunks(people, PEOPLE_A_SEARCH):
            answer |= self._read(partial(reading.observed, bases=self._bases, person_ids=chunk))
        return answer

    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        answer: dict[str, frozenset[str]] = {}
        for chunk in chunks(prefixes, PREFIXES_A_SEARCH):
            answer |= self._read(partial(reading.names, bases=self._bases, prefixes=chunk))
        return answer

    def survey(self) -> Iterator[Surveyed]:
        with closing(open_session(self._target)) as session:  # of its own: a scan has it to itself
            yield from scanning.survey(session, self._bases)

    def marked(self, *, authors: bool = False) -> Iterator[Marked]:
        with closing(open_session(self._target)) as session:
            yield from scanning.marked(session, self._bases, self._target.bind_dn, authors=authors)

    def drift(self, since: str | None) -> Drift:
        if since:
            groups = frozenset(map(normalise_dn, self._groups))
            us = self._target.bind_dn
            look = partial(sync.drift, bases=self._bases, groups=groups, us=us, since=since)
            if found := self._read(look):
                return found
        begin = self._read(partial(sync.watermark, base=self._bases.base)) or ""
        return Drift(begin, deleted=since is not None and bool(begin))

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        if not any(batches):
            return [Done()] * len(batches)
        # a harmless question first: a connection that died of idleness is replaced before it matters
        self._read(Session.who_am_i)
        written = self._write_entries(batches)
        memberships = [part for _, parts in written for part in parts]
        refused = write_memberships(self._current(), memberships)
        return [entry or refused.get(index) or Done() for index, (entry, _) in enumerate(written)]

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _write_entries(self, batches: Sequence[Sequence[Change]]) -> list[Written]:
        workers = min(self._connections, 1 + len(batches) // BATCHES_A_CONNECTION)
        numbered = list(enumerate(batches))
        with ExitStack() as stack:
            sessions = [self._current()]
            for _ in range(workers - 1):
                sessions.append(open_session(self._target))
                stack.callback(sessions[-1].close)
            pool = stack.enter_context(ThreadPoolExecutor(workers)) if workers > 1 else None
            shares = [numbered[start::workers] for start in range(workers)]
            results = (pool.map if pool else map)(_write_share, sessions, shares)
            written = {index: result for share in results for index, result in share}
        return [written[index] for index in range(len(batches))]

    def _read(self, question: Callable[[Session], Answer]) -> Answer:
        """Ask; once more on a new connection when the old one turned out to be lost."""
        session = self._current()
        try:
            return question(session)
        except UnavailableError:
            if not session.lost:
                raise
            return question(self._current())

    def _current(self) -> Session:
        if self._session is None or self._session.lost:
            self.close()
            self._session = open_session(self._target)
        return self._session


def _write_share(
    session: Session, share: Sequence[tuple[int, Sequence[Change]]]
) -> list[tuple[int, Written]]:
    return [(index, write_entries(session, index, batch)) for index, batch in share]
