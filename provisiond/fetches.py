"""What the registries say: every source for itself, so that what one refuses does not stop the others. A fetch
that shrank is not believed until an operator says so."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from provisiond.domain.brakes import is_grown, is_shrunk
from provisiond.domain.errors import ProvisiondError, UnavailableError, UnsafeFetchError
from provisiond.domain.model import Block, Fetch, RegistryRecord, Rejection, Stretch
from provisiond.domain.policy import BrakePolicy
from provisiond.ports import FetchMark, Ledger, Registry

COMPLAINT = "fetch-"  # begins the ticket of a refused fetch that nobody can approve


@dataclass(frozen=True, slots=True)
class RefusedFetch:
    """A source that said nothing we can believe. `ticket`: what operators are told under, once a spell of
    trouble."""

    source: str
    error: ProvisiondError
    ticket: str

    def __str__(self) -> str:
        return str(self.error)


@dataclass(frozen=True, slots=True)
class Fetches:
    """All sources of one cycle. `released`: approved tickets of shrunk fetches that were believed; `remembered`: what
    those that are refused now left rejected the last time."""

    taken: tuple[Fetch, ...] = ()
    refused: tuple[RefusedFetch, ...] = ()
    released: frozenset[str] = frozenset()
    remembered: tuple[Rejection, ...] = ()

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        return tuple(rejection for fetch in self.taken for rejection in fetch.rejections)

    @property
    def doubtful(self) -> frozenset[str]:
        """Students of whom a record is rejected, or was by a source that says nothing now."""
        return frozenset(r.student_id for r in (*self.rejections, *self.remembered) if r.student_id)


class NothingRemembered:
    """A FetchMemory for a look at a registry by itself: every row is new."""

    def last(self) -> FetchMark | None:
        return None

    def settled(self) -> frozenset[bytes]:
        return frozenset()

    def unsettled(self) -> frozenset[bytes]:
        return frozenset()

    def blocks(self, digests: Collection[bytes]) -> Iterator[Block]:
        return iter(())

    def outline(self) -> tuple[Stretch, ...]:
        return ()

    def records(self, student_ids: Collection[str]) -> dict[str, tuple[RegistryRecord, ...]]:
        return {}

    def students_with_hkids(self, digests: Collection[str]) -> dict[str, frozenset[str]]:
        return {}


def fetched(
    registries: Sequence[Registry], ledger: Ledger, policy: BrakePolicy, today: date, approved: frozenset[str]
) -> Fetches:
    taken: list[Fetch] = []
    refused: list[RefusedFetch] = []
    for registry in registries:
        try:
            fetch = registry.fetch(today, ledger.memory(registry.name))
            _believe(fetch, ledger, policy, approved)
            taken.append(fetch)
        except (UnsafeFetchError, UnavailableError) as error:
            refused.append(RefusedFetch(registry.name, error, _ticket(registry.name, error, ledger)))
    released = approved & {fetch_ticket(fetch) for fetch in taken}
    silent = {one.source for one in refused}
    remembered = tuple(r for r in ledger.rejections() if r.source in silent) if silent else ()
    return Fetches(tuple(taken), tuple(refused), released, remembered)


def fetch_ticket(fetch: Fetch) -> str:
    """Under which hash a shrunk fetch waits for approval: exactly this content, no other."""
    return fetch.digest[:16]


def _believe(fetch: Fetch, ledger: Ledger, policy: BrakePolicy, approved: frozenset[str]) -> None:
    last = ledger.last_fetch(fetch.source)
    if last is None or not fetch.complete or fetch_ticket(fetch) in approved:
        return
    # others in the place of those who are gone hide nobody
    there = min(fetch.rows, last.rows - len(fetch.gone))
    if is_shrunk(there, last.rows, policy):
        told = f"names no more than {there} of them: the registry shrank"
    elif is_grown(fetch.rows, last.rows, policy):
        told = "grew beyond belief"
    else:
        return
    raise UnsafeFetchError(
        f"registry {fetch.source}: the last good fetch had {last.rows} rows, {fetch.file} has {fetch.rows} and"
        f" {told}. Nothing was taken from it. If this is right: provisiond approve {fetch_ticket(fetch)}",
        fetch_ticket(fetch),
    )


def _ticket(source: str, error: ProvisiondError, ledger: Ledger) -> str:
    """That of the fetch where it can be approved; else one that is new for each spell of trouble of this source
    (since its last good fetch), whatever the words of the day."""
    if isinstance(error, UnsafeFetchError) and error.plan_hash:
        return error.plan_hash
    last = ledger.last_fetch(source)
    spell = (source, type(error).__name__, last.at.isoformat() if last else "")
    return COMPLAINT + hashlib.sha256("\n".join(spell).encode()).hexdigest()[:10]
