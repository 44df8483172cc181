"""How the stretches of a file are packed into one value of the ledger."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from provisiond.domain.model import Stretch

_HEAD = struct.Struct("<16sQQQQB")
_DIGEST = 16


def packed(stretches: Iterable[Stretch]) -> bytes:
    return b"".join(
        _HEAD.pack(s.digest, s.size, s.lines, s.rows, s.foreign, len(s.blocks)) + b"".join(s.blocks)
        for s in stretches
    )


def unpacked(packed: bytes) -> tuple[Stretch, ...]:
    return tuple(_stretches(packed))


def _stretches(packed: bytes) -> Iterator[Stretch]:
    at = 0
    while at < len(packed):
        digest, size, lines, rows, foreign, count = _HEAD.unpack_from(packed, at)
        at += _HEAD.size
        blocks = tuple(packed[at + n * _DIGEST : at + (n + 1) * _DIGEST] for n in range(count))
        at += count * _DIGEST
        yield Stretch(digest, size, lines, rows, foreign, blocks)
