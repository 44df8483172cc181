"""The part of the fake ledger that knows the directory's entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from provisiond.ports import Sighting


@dataclass(slots=True)
class Sighted:
    seen: dict[bytes, Sighting] = field(default_factory=dict)
    looked_until: str | None = None

    def watermark(self) -> str | None:
        return self.looked_until

    def set_watermark(self, watermark: str) -> None:
        self.looked_until = watermark

    def sight(self, seen: Iterable[Sighting], gone: Iterable[bytes] = ()) -> None:
        for entry_id in gone:
            self.seen.pop(entry_id, None)
        self.seen.update((each.entry_id, each) for each in seen)

    def sightings(self) -> Iterator[Sighting]:
        yield from self.seen.values()

    def owners(self, entry_ids: Iterable[bytes]) -> dict[bytes, str]:
        return {entry_id: self.seen[entry_id].person_id for entry_id in entry_ids if entry_id in self.seen}
