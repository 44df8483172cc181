"""A directory whose questions are timed and whose changes are counted on the way: for metrics and readiness. Changes
nothing of what is asked or answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol, TypeVar

from provisiond.domain.changes import Change
from provisiond.domain.errors import ProvisiondError, UnavailableError
from provisiond.domain.model import Entry, Observed
from provisiond.ports import Directory, Done, Drift, Marked, Outcome, Refused, Surveyed

One = TypeVar("One")


class Watch(Protocol):
    """Who is told; thread-safe."""

    def asked(self, operation: str, seconds: float) -> None: ...

    def changed(self, kind: str, outcome: str) -> None: ...

    def looked(self, system: str, *, reachable: bool) -> None: ...


class WatchedDirectory:
    """Implements ports.Directory on another one."""

    def __init__(self, directory: Directory, watch: Watch) -> None:
        self._directory = directory
        self._watch = watch

    def check(self) -> list[ProvisiondError]:
        with self._timed("check"):
            return self._directory.check()

    def observe(self, people: Mapping[str, str]) -> dict[str, Observed]:
        with self._timed("observe"):
            return self._directory.observe(people)

    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        with self._timed("names"):
            return self._directory.names_with_prefixes(prefixes)

    def uid_numbers(self, first: int, last: int) -> frozenset[int]:
        with self._timed("uid-numbers"):
            return self._directory.uid_numbers(first, last)

    def drift(self, since: str | None) -> Drift:
        with self._timed("drift"):
            return self._directory.drift(since)

    def survey(self) -> Iterator[Surveyed]:
        return self._scan("survey", self._directory.survey)

    def marked(self, *, authors: bool = False) -> Iterator[Marked]:
        return self._scan("compare", lambda: self._directory.marked(authors=authors))

    def candidates(self) -> Iterator[Entry]:
        return self._scan("candidates", self._directory.candidates)

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        with self._timed("apply"):
            outcomes = self._directory.apply(batches)
        for changes, outcome in zip(batches, outcomes, strict=True):
            self._count(changes, outcome)
        return outcomes

    def close(self) -> None:
        self._directory.close()

    def _count(self, changes: Sequence[Change], outcome: Outcome) -> None:
        """A batch ends with the change that was not done."""
        for change in changes:
            if not isinstance(outcome, Done) and change is outcome.change:
                word = "refused" if isinstance(outcome, Refused) else "unknown"
                return self._watch.changed(change.kind, word)
            self._watch.changed(change.kind, "done")
        return None

    def _scan(self, operation: str, begin: Callable[[], Iterator[One]]) -> Iterator[One]:
        """Only the waiting for entries counts, not what is done with them. No entry: no whole answer."""
        spent, found = 0.0, begin()
        try:
            while True:
                since = perf_counter()
                try:
                    with self._judged():
                        entry = next(found)
                except StopIteration:
                    return
                finally:
                    spent += perf_counter() - since
                yield entry
        finally:
            self._watch.asked(operation, spent)

    @contextmanager
    def _timed(self, operation: str) -> Iterator[None]:
        since = perf_counter()
        try:
            with self._judged():
                yield
        finally:
            self._watch.asked(operation, perf_counter() - since)

    @contextmanager
    def _judged(self) -> Iterator[None]:
        try:
            yield
        except ProvisiondError as error:
            self._watch.looked("directory", reachable=not isinstance(error, UnavailableError))
            raise
        self._watch.looked("directory", reachable=True)
