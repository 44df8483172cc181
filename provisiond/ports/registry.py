"""A source of records, and what the ledger remembers of its last fetch."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from provisiond.domain.model import Block, Fetch, RegistryRecord, Stretch


@dataclass(frozen=True, slots=True)
class FetchMark:
    """The last fetch of a source that was taken over whole."""

    digest: str
    rows: int
    at: datetime
    etag: str | None
    watermark: str | None


class FetchMemory(Protocol):
    """What the ledger remembers of one source; a fetch looks only at what differs from it."""

    def last(self) -> FetchMark | None: ...

    def settled(self) -> frozenset[bytes]:
        """Digests of the remembered blocks all of whose rows are settled."""
        ...

    def unsettled(self) -> frozenset[bytes]:
        """Digests of the other remembered blocks."""
        ...

    def blocks(self, digests: Collection[bytes]) -> Iterator[Block]: ...

    def outline(self) -> tuple[Stretch, ...]:
        """Of the file that was fetched last."""
        ...

    def records(self, student_ids: Collection[str]) -> dict[str, tuple[RegistryRecord, ...]]:
        """As last committed from this source, without those that its last fetch named no more."""
        ...

    def students_with_hkids(self, digests: Collection[str]) -> dict[str, frozenset[str]]:
        """HKID digest → student IDs of such records; of this source, without those named no more."""
        ...


class Registry(Protocol):
    """One source of records. A fetch is whole or refused; single bad records are values in it."""

    @property
    def name(self) -> str: ...

    def fetch(self, today: date, memory: FetchMemory) -> Fetch:
        """Read everything, look at what differs. Raises UnavailableError (not there, unreadable) and
        UnsafeFetchError (empty, header-less, truncated, half-written, wrongly encoded, NUL bytes, columns
        shifted throughout)."""
        ...
