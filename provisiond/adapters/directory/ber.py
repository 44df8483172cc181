"""The little of BER (X.690) that LDAP messages need, definite lengths only: written whole, read by place in the
bytes received, so that nothing is copied that is not asked for."""

from __future__ import annotations

from collections.abc import Iterator

INTEGER, OCTETS, SEQUENCE = 0x02, 0x04, 0x30


def ber(tag: int, *parts: bytes) -> bytes:
    """One element; definite length."""
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + value


def tlv(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, and where the value of the element at `at` begins and ends."""
    size = data[at + 1]
    start = at + 2
    if size & 0x80:
        more = size & 0x7F
        size = int.from_bytes(data[start : start + more], "big")
        start += more
    return data[at], start, start + size


def elements(data: bytes, at: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """The elements between `at` and `stop`."""
    while at < stop:
        tag, start, end = tlv(data, at)
        yield tag, start, end
        at = end
