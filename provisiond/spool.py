"""What one cycle decided on disk, in batches: decided once, counted, shown and applied from the same place, so
that memory is bounded by a batch and what is applied is what was counted."""

from __future__ import annotations

import pickle
import tempfile
import weakref
import zlib
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Spool(Generic[T]):
    """Re-iterable. The file has no name (nobody else can open it) and ends with the object."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="provisiond-plan-")  # noqa: SIM115 - open as long as we are
        weakref.finalize(self, self._file.close)
        self._places: list[tuple[int, int]] = []

    def add(self, batch: T) -> None:
        packed = zlib.compress(pickle.dumps(batch, pickle.HIGHEST_PROTOCOL), 1)
        start = self._file.seek(0, 2)
        self._file.write(packed)
        self._places.append((start, len(packed)))

    def __iter__(self) -> Iterator[T]:
        for start, size in self._places:
            self._file.seek(start)
            yield pickle.loads(zlib.decompress(self._file.read(size)))  # noqa: S301 - our own nameless file

    def __len__(self) -> int:
        return len(self._places)
