"""Writes, and looks at one entry, as LDAP messages (RFC 4511): what is sent and what comes back. Written by hand
because ldap3 spends half a millisecond on each; searches for many entries are wire.py's. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ldap3.core.results import RESULT_CODES

from provisiond.adapters.directory.ber import INTEGER, OCTETS, SEQUENCE, ber, elements, tlv
from provisiond.adapters.directory.wire import Found
from provisiond.domain.changes import Mod, Op

ASSERTION = "1.3.6.1.1.12"  # RFC 4528
PERMISSIVE_MODIFY = "1.2.840.113556.1.4.1413"
PERSON_ID = "provisiondPersonId"
SUCCESS = 0
NO_SUCH_OBJECT = 32

ENTRY, REFERENCE = 0x64, 0x73  # of a search; its end is a reply like any other
_ADD, _MODIFY, _DELETE, _SEARCH = 0x68, 0x66, 0x4A, 0x63
_SET, _ENUMERATED, _CONTROLS, _AND, _OR, _EQUAL, _PRESENT = 0x31, 0x0A, 0xA0, 0xA0, 0xA1, 0xA3, 0x87
_SUBSTRINGS, _INITIAL, _NOT = 0xA4, 0x80, 0xA2
_TRUE = b"\x01\x01\xff"
_OPS = {Op.ADD: b"\x0a\x01\x00", Op.DELETE: b"\x0a\x01\x01", Op.REPLACE: b"\x0a\x01\x02"}
_NO_ALIASES, _VALUES_TOO = b"\x0a\x01\x00", b"\x01\x01\x00"
_UNLIMITED = b"\x02\x01\x00\x02\x01\x00"  # in size and time
_BASE, _SUBTREE = b"\x0a\x01\x00", b"\x0a\x01\x02"


@dataclass(frozen=True, slots=True)
class Request:
    """An operation and its controls, encoded; shown nowhere, since it may hold secrets."""

    operation: bytes = field(repr=False)
    controls: bytes = field(default=b"", repr=False)

    def message(self, number: int) -> bytes:
        return ber(
            SEQUENCE,
            _integer(number),
            self.operation,
            self.controls,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said, and what it found. `referred`: that more is elsewhere. `controls`: as they came."""

    code: int
    text: str
    entries: tuple[Found, ...] = ()
    referred: bool = False
    controls: bytes = b""


def add(dn: str, attributes: Mapping[str, Sequence[str | bytes]]) -> Request:
    given = (_attribute(name, values) for name, values in attributes.items() if values)
    return Request(ber(_ADD, _text(dn), ber(SEQUENCE, *given)))


def modify(dn: str, mods: Iterable[Mod], *controls: bytes) -> Request:
    changes = (ber(SEQUENCE, _OPS[mod.op], _attribute(mod.attribute, mod.values)) for mod in mods)
    return Request(ber(_MODIFY, _text(dn), ber(SEQUENCE, *changes)), _controls(controls))


def replace(dn: str, attributes: Mapping[str, Sequence[str | bytes]]) -> Request:
    """Those attributes have these values and no others; none: the attribute goes."""
    changes = (ber(SEQUENCE, _OPS[Op.REPLACE], _attribute(name, given)) for name, given in attributes.items())
    return Request(ber(_MODIFY, _text(dn), ber(SEQUENCE, *changes)))


def delete(dn: str, *controls: bytes) -> Request:
    return Request(ber(_DELETE, dn.encode()), _controls(controls))


def look(dn: str, attributes: Sequence[str] = ("*", "+")) -> Request:
    """Reads that one entry."""
    return _search(dn, _BASE, ber(_PRESENT, b"objectClass"), attributes)


def find(base: str, wanted: bytes, attributes: Sequence[str]) -> Request:
    """Reads all that matches the filter, in one answer."""
    return _search(base, _SUBTREE, wanted, attributes)


def find_some(base: str, wanted: bytes, attributes: Sequence[str], most: int, seconds: int) -> Request:
    """`find` of at most so many entries (a code says when there are more), in at most that time."""
    limits = _integer(most) + _integer(seconds)
    return _search(base, _SUBTREE, wanted, attributes, limits)


def asserting(condition: bytes) -> bytes:
    """Critical, always: a server that does not know it must refuse, not ignore (field notes 4.2)."""
    return ber(SEQUENCE, _text(ASSERTION), _TRUE, ber(OCTETS, condition))


def permissive() -> bytes:
    """A value that is there already, or gone already, is no error."""
    return ber(SEQUENCE, _text(PERMISSIVE_MODIFY), _TRUE)


def equal(attribute: str, value: str) -> bytes:
    """A filter; so are the next ones. Nothing in them needs escaping."""
    return ber(_EQUAL, _text(attribute), _text(value))


def begins(attribute: str, value: str) -> bytes:
    return ber(_SUBSTRINGS, _text(attribute), ber(SEQUENCE, ber(_INITIAL, value.encode())))


def begin_with(attributes: Iterable[str], value: str) -> list[bytes]:
    """`begins` of each; what they share is made once."""
    beginning = ber(SEQUENCE, ber(_INITIAL, value.encode()))
    return [ber(_SUBSTRINGS, _text(attribute), beginning) for attribute in attributes]


def present(attribute: str) -> bytes:
    return ber(_PRESENT, attribute.encode())


def neither(*filters: bytes) -> bytes:
    return ber(_NOT, either(*filters))


def both(*filters: bytes) -> bytes:
    return ber(_AND, *filters)


def either(*filters: bytes) -> bytes:
    return ber(_OR, *filters)


def messages(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Number, operation and controls, end in `data` of each message that is there whole."""
    at = 0
    while (stop := _whole(data, at)) is not None:
        _, start, _ = tlv(data, at)
        _, number, after = tlv(data, start)
        yield int.from_bytes(data[number:after], "big"), data[after:stop], stop
        at = stop


def result(body: bytes) -> Reply:
    """Of an LDAPResult (RFC 4511 §4.1.9), whichever operation it ends."""
    _, at, stop = tlv(body, 0)
    code, _, said = list(elements(body, at, stop))[:3]
    number = int.from_bytes(body[code[1] : code[2]], "big")
    if number == SUCCESS:
        return Reply(number, "", controls=body[stop:])
    name = RESULT_CODES.get(number, f"code {number}")
    message = body[said[1] : said[2]].decode("utf-8", "replace")
    return Reply(number, f"{name}: {message}" if message else name, controls=body[stop:])


def _whole(data: bytes, at: int) -> int | None:
    """Where the message at `at` ends; None when it has not come in whole."""
    if len(data) < at + 2:
        return None
    if data[at] != SEQUENCE:
        raise ValueError("no LDAP message")
    more = data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0
    if len(data) < at + 2 + more:
        return None
    stop = tlv(data, at)[2]
    return stop if stop <= len(data) else None


def _search(
    base: str, scope: bytes, wanted: bytes, attributes: Sequence[str], limits: bytes = _UNLIMITED
) -> Request:
    names = ber(SEQUENCE, *map(_text, attributes))
    return Request(ber(_SEARCH, _text(base), scope, _NO_ALIASES, limits, _VALUES_TOO, wanted, names))


def _integer(number: int) -> bytes:
    return ber(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _text(value: str | bytes) -> bytes:
    return ber(OCTETS, value.encode() if isinstance(value, str) else value)


def _attribute(name: str, values: Iterable[str | bytes]) -> bytes:
    return ber(SEQUENCE, _text(name), ber(_SET, *map(_text, values)))


def _controls(controls: Sequence[bytes]) -> bytes:
    return ber(_CONTROLS, *controls) if controls else b""
