"""From raw rows to a fetch: which rows are new, what they mean, which contradict each other."""

from __future__ import annotations

from datetime import date

from provisiond.adapters.digests import Digests
from provisiond.adapters.registry.rows import MappedSource, RowSource
from provisiond.domain.model import Fetch
from provisiond.ports import FetchMemory


def taken_in(
    rows: RowSource, source: MappedSource, digests: Digests, today: date, memory: FetchMemory
) -> Fetch:
    """Everything the source gives, as a fetch. Refuses it whole where too many rows are bad."""
    raise NotImplementedError


def unchanged(source: MappedSource, file: str, memory: FetchMemory) -> Fetch:
    """The fetch of a source that says itself that nothing changed since `memory.last()` (HTTP 304)."""
    raise NotImplementedError
