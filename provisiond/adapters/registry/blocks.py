"""Cuts a stream of raw rows into blocks by their content and names each block by a digest.

A row whose CRC ends in four zero bits ends a block that is long enough, so an inserted row changes the block it
stands in and seldom another. What the rows say is no matter here; all of it runs at the speed of C."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_CUT = 0b1111  # after the shortest, 16 rows more on average
_MINIMUM_ROWS = 16  # evens the lengths out: a changed row is more likely to stand in a long block
_MAXIMUM_ROWS = 2048  # rows that never cut (all alike) must not make one endless block
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class RawBlock:
    digest: bytes
    line: int  # of its first row
    rows: list[bytes]

    @property
    def count(self) -> int:
        """Of its rows, blank ones left out."""
        return len(self.rows) - self.rows.count(b"")

    @property
    def foreign(self) -> int:
        """Of its rows that hold other than ASCII."""
        return len(self.rows) - sum(map(bytes.isascii, self.rows))


def salt_of(parts: Iterable[str]) -> bytes:
    """Digests under different salts are never equal: what was read under another mapping is read again."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=_SALT_BYTES).digest()


def mark_of(row: bytes, salt: bytes) -> bytes:
    return hashlib.blake2b(row, digest_size=8, salt=salt).digest()


def raw_blocks(chunks: Iterable[Sequence[bytes]], first_line: int, salt: bytes) -> Iterator[RawBlock]:
    line = first_line
    for rows in _cut(chunks):
        content = b"\n".join(rows)
        yield RawBlock(hashlib.blake2b(content, digest_size=16, salt=salt).digest(), line, rows)
        line += content.count(b"\n") + 1


def _cut(chunks: Iterable[Sequence[bytes]]) -> Iterator[list[bytes]]:
    begun: list[bytes] = []
    for rows in chunks:
        start = 0
        for end in [end for end, crc in enumerate(map(zlib.crc32, rows), 1) if not crc & _CUT]:
            if len(begun) + end - start >= _MINIMUM_ROWS:
                yield [*begun, *rows[start:end]]
                begun, start = [], end
        begun += rows[start:]
        if len(begun) > _MAXIMUM_ROWS:
            yield begun
            begun = []
    if begun:
        yield begun
