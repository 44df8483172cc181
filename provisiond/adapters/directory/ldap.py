"""The Directory port on a real LDAP server: keeps the connection, tries a read again after a lost one, hands
reading, writing and the choice of the server to their modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TypeVar

from provisiond.adapters.directory import faults, reading, scanning, sync
from provisiond.adapters.directory.capabilities import Degradation
from provisiond.adapters.directory.dn import normalise_dn
from provisiond.adapters.directory.failover import Servers
from provisiond.adapters.directory.pipeline import Pipeline, ReadOnlyError
from provisiond.adapters.directory.reading import Bases, chunks
from provisiond.adapters.directory.session import LdapTarget, Session, open_at
from provisiond.adapters.directory.writing import write
from provisiond.domain.changes import Change
from provisiond.domain.errors import ConfigError, ProvisiondError, UnavailableError
from provisiond.domain.model import Entry, Observed
from provisiond.ports import Done, Drift, Guard, Marked, Outcome, Surveyed, unguarded

PEOPLE_A_SEARCH = 100
PREFIXES_A_SEARCH = 50

Answer = TypeVar("Answer")


class LdapDirectory:
    """Implements ports.Directory. `groups` (DNs) and `login_end` (an attribute): what `check` looks for;
    `account_bases`: where accounts lie beside `people_base`; `guard`: around each send of changes."""

    def __init__(
        self,
        target: LdapTarget,
        base: str,
        people_base: str,
        contacts_base: str,
        groups_base: str,
        groups: Sequence[str] = (),
        login_end: str = "pwdEndTime",
        account_bases: Sequence[str] = (),
        guard: Guard = unguarded,
    ) -> None:
        self._target = target
        self._bases = Bases.of(base, people_base, contacts_base, groups_base, account_bases)
        self._groups = groups
        self._login_end = login_end
        self._guard = guard
        self._servers = Servers(target)
        self._session: Session | None = None

    def check(self) -> list[ProvisiondError]:
        try:
            found = self._read(lambda s: faults.found(s, self._bases, self._groups, self._login_end))
            return [*(ConfigError([fault]) for fault in found), *self._away()]
        except ConfigError as error:
            return [error]
        except UnavailableError as error:
            return [*self._away("")] or [error]

    def _away(
        self, next_action: str = ": another one is used; bring it back, or take it out of directory.urls"
    ) -> list[ProvisiondError]:
        """Servers that are passed over without a word as long as another one answers."""
        away: list[ProvisiondError] = []
        for url in self._target.urls:
            try:
                open_at(self._target, url).close()
            except UnavailableError as error:
                told = f"{error.reason}{next_action}"
                away.append(UnavailableError("directory", told, lasts=error.lasts))
        return away

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

    def uid_numbers(self, first: int, last: int) -> frozenset[int]:
        return self._read(partial(reading.uid_numbers, bases=self._bases, first=first, last=last))

    def survey(self) -> Iterator[Surveyed]:
        with closing(self._servers.open()) as session:  # of its own: a scan has it to itself
            yield from scanning.survey(session, self._bases)

    def marked(self, *, authors: bool = False) -> Iterator[Marked]:
        with closing(self._servers.open()) as session:
            yield from scanning.marked(session, self._bases, self._target.bind_dn, authors=authors)

    def candidates(self) -> Iterator[Entry]:
        with closing(self._servers.open()) as session:
            yield from scanning.people(session, self._bases)

    def drift(self, since: str | None) -> Drift:
        if since:
            groups = frozenset(map(normalise_dn, self._groups))
            us = self._target.bind_dn
            look = partial(sync.drift, bases=self._bases, groups=groups, us=us, since=since)
            if found := self._read(look):
                return found
        begin = self._read(partial(sync.watermark, base=self._bases.base)) or ""
        return Drift(begin, deleted=bool(since and begin))

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        if not any(batches):
            return [Done()] * len(batches)
        provider = self._provider()
        return write(Pipeline(provider, self._elsewhere, self._guard), batches, provider.capabilities)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

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
            self._session = self._servers.open()
        return self._session

    def _provider(self) -> Session:
        """To write on: alive, still us, and not known to take no changes."""
        session = self._current()
        try:
            fit = self._servers.takes_writes(session.url) and session.is_bound_as(self._target.bind_dn)
        except UnavailableError:
            fit = False
        if not fit:
            self.close()
            self._session = self._servers.open(writing=True)
        return self._current()

    def _elsewhere(self, error: UnavailableError) -> Session:
        """Another connection, after `error` ended the one that was written on."""
        if isinstance(error, ReadOnlyError) and self._session is not None:
            self._servers.refuses_writes(self._session.url, error.reason)
        self.close()
        self._session = self._servers.open_again()
        return self._session
