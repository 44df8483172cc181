"""The CSV drop: one file, taken in or refused whole, never held in memory whole.

Read twice: for its encoding and digest, then for its rows."""

from __future__ import annotations

from datetime import date

from provisiond.adapters.digests import Digests
from provisiond.adapters.registry.csv_rows import CsvRows
from provisiond.adapters.registry.decoding import surveyed
from provisiond.adapters.registry.drop_file import chosen_file, opened
from provisiond.adapters.registry.intake import taken_in
from provisiond.adapters.registry.plausibility import refuse_wrong_age
from provisiond.adapters.registry.source import CsvSource
from provisiond.adapters.registry.transcript import line_stream
from provisiond.domain.errors import ConfigError
from provisiond.domain.model import Fetch
from provisiond.ports import Clock, FetchMemory

__all__ = ["CsvRegistry", "CsvSource"]


class CsvRegistry:
    """A `ports.Registry` on a file or the newest file of a folder. Keeps nothing between fetches."""

    def __init__(self, source: CsvSource, digests: Digests, clock: Clock) -> None:
        if faults := source.faults():
            raise ConfigError([f"registry {source.name}: {fault}" for fault in faults])
        self._source, self._digests, self._clock = source, digests, clock

    @property
    def name(self) -> str:
        return self._source.name

    def fetch(self, today: date, memory: FetchMemory) -> Fetch:
        source = self._source
        path = chosen_file(source.path, source.pattern)
        with opened(path) as drop:
            refuse_wrong_age(drop.name, drop.changed_at, self._clock.now(), source.maximum_age)
            survey = surveyed(drop.stream, drop.name, source.encoding, source.encodings)
            drop.refuse_changed()
            with line_stream(drop.stream, drop.name, survey) as (stream, encoding):
                rows = CsvRows(drop, stream, encoding, survey.digest, source)
                return taken_in(rows, source, self._digests, today, memory)
