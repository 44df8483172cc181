"""Which stretches of a file stand as they stood in the last fetch: they are known by their bytes and never cut into
rows.

A stretch begins and ends between rows, so the same bytes are the same rows wherever they stand. Where the bytes
differ the file is cut into blocks until one of them ends a stretch that is known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import IO

from provisiond.adapters.registry.blocks import RawBlock, raw_blocks
from provisiond.domain.model import Stretch

_BLOCKS = 4  # in a stretch: a longer one is sooner read, and sooner changed


@dataclass(frozen=True, slots=True)
class RowFile:
    """The rows of a file between two offsets, from `line` on. `rows_from`: raw rows from an offset and a line on;
    `tidy`: the same with b"" in the place of blank ones."""

    stream: IO[bytes]
    begin: int
    end: int
    line: int
    rows_from: Callable[[int, int], Iterator[list[bytes]]]
    tidy: Callable[[list[bytes]], list[bytes]]


class Outline:
    """`known`: digests of the blocks that need not be looked at; `stretches` becomes those of the file once all its
    `pieces` were taken."""

    def __init__(self, before: Iterable[Stretch], known: Collection[bytes], salt: bytes) -> None:
        self._salt = salt
        known = frozenset(known)
        self._before = [stretch for stretch in before if known.issuperset(stretch.blocks)]
        self._next = {stretch.blocks[-1]: place for place, stretch in enumerate(self._before, 1)}
        self._open: list[tuple[bytes, RawBlock]] = []
        self.stretches: list[Stretch] = []

    def pieces(self, file: RowFile) -> Iterator[RawBlock | Stretch]:
        at, line, place = file.begin, file.line, 0
        while at < file.end:
            while stretch := self._standing(file, at, place):
                self._close()
                self.stretches.append(stretch)
                yield stretch
                at, line, place = at + stretch.size, line + stretch.lines, place + 1
            if at >= file.end:
                break
            for block in raw_blocks(file.rows_from(at, line), line, self._salt):
                content = b"\n".join(block.rows) + b"\n"
                tidy = replace(block, rows=file.tidy(block.rows))
                yield tidy
                at, line = at + len(content), line + content.count(b"\n")
                self._add(content, tidy)
                place = self._next.get(block.digest, -1)
                if self._standing(file, at, place):
                    break
        if at <= file.end:  # else the last row has no line end, and more may come to stand in it
            self._close()

    def _standing(self, file: RowFile, at: int, place: int) -> Stretch | None:
        """The remembered stretch at `place`, if it stands here."""
        if not 0 <= place < len(self._before):
            return None
        stretch = self._before[place]
        if at + stretch.size > file.end:
            return None
        file.stream.seek(at)
        return stretch if self._digest(file.stream.read(stretch.size)) == stretch.digest else None

    def _add(self, content: bytes, block: RawBlock) -> None:
        if len(self._open) == _BLOCKS:
            self._close()
        self._open.append((content, block))

    def _close(self) -> None:
        if not self._open:
            return
        content = b"".join(content for content, _ in self._open)
        blocks = [block for _, block in self._open]
        self._open = []
        self.stretches.append(
            Stretch(
                self._digest(content),
                len(content),
                content.count(b"\n"),
                sum(block.count for block in blocks),
                sum(block.foreign for block in blocks),
                tuple(block.digest for block in blocks),
            )
        )

    def _digest(self, content: bytes) -> bytes:
        digest = hashlib.sha256(self._salt)  # faster than BLAKE2 where the processor helps
        digest.update(content)
        return digest.digest()[:16]
