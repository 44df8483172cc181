"""Searches for very many entries: LDAP messages (RFC 4511, BER) written to and read from the connection's socket
one by one, because ldap3 builds a dozen objects for each value and holds a page whole. Decides nothing about
what is found; a scan is whole or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ldap3.core.results import RESULT_CODES
from ldap3.operation.search import compile_filter, parse_filter
from ldap3.utils.asn1 import encode

from provisiond.adapters.directory.ber import INTEGER, OCTETS, SEQUENCE, ber, elements, tlv
from provisiond.domain.errors import UnavailableError

_LIMITS = (3, 4, 11)  # of time, size, and what an administrator allows
PAGED_RESULTS = "1.2.840.113556.1.4.319"  # RFC 2696
PAGE = 1000
_BARREN_PAGES = 100  # in a row without an entry, and still a cookie: it will always be one
SUCCESS = 0
_RECEIVED_AT_ONCE = 262144
_SEARCH, _CONTROLS = 0x63, 0xA0
_TRUE, _FALSE = b"\x01\x01\xff", b"\x01\x01\x00"
_WHOLE_SUBTREE = b"\x0a\x01\x02\x0a\x01\x00"  # and aliases are not followed
_NO_LIMITS = b"\x02\x01\x00\x02\x01\x00"


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of everything under `base`; `controls`: OID → value, all of them critical."""

    base: str
    wanted: str
    attributes: Sequence[str]
    controls: Sequence[tuple[str, bytes]] = ()


@dataclass(slots=True)
class Found:
    """One entry: attribute descriptions in lower case; `control`: the value of its first control."""

    dn: str
    attributes: dict[bytes, list[bytes]]
    control: bytes


@dataclass(frozen=True, slots=True)
class Intermediate:
    """A message between entries (RFC 4511 §4.13), as the server sent it."""

    value: bytes


@dataclass(frozen=True, slots=True)
class End:
    """How a search ended; `controls`: OID → value."""

    code: int
    text: str
    controls: dict[bytes, bytes]

    @property
    def sentence(self) -> str:
        """Why it is no success, and what to do where that is a limit on us."""
        name = RESULT_CODES.get(self.code, "an unknown code")
        told = f"{name} ({self.code}){': ' if self.text else ''}{self.text}"
        hint = "; have the service account read without limits (provisiond directory init)"
        return told + (hint if self.code in _LIMITS else "")


class Wire:
    """The socket of an ldap3 connection, for searches. After a search that was not read to its end the
    connection can serve no more."""

    def __init__(self, connection: Any) -> None:
        self._socket = connection.socket
        self._next_id: Callable[[], int] = connection.server.next_message_id
        self._data = b""
        self._at = 0

    def scan(self, query: Query, page: int = PAGE) -> Iterator[Found]:
        """Every entry, page by page. UnavailableError unless the server says that this was all."""
        cookie, size, barren = b"", ber(INTEGER, page.to_bytes(2, "big")), 0
        while barren < _BARREN_PAGES:
            barren += 1
            paging = (PAGED_RESULTS, ber(SEQUENCE, size, ber(OCTETS, cookie)))
            asked = Query(query.base, query.wanted, query.attributes, (*query.controls, paging))
            for part in self.search(asked):
                if isinstance(part, Found):
                    barren = 0
                    yield part
                elif isinstance(part, End):
                    cookie = _next_page(part, query.base)
            if not cookie:
                return
        raise UnavailableError("directory", f"scan of {query.base}: the server never comes to an end")

    def search(self, query: Query) -> Iterator[Found | Intermediate | End]:
        """What the server sends in answer; the last part is the End, whatever it says."""
        message_id = self._next_id()
        self._socket.sendall(_request(message_id, query))
        while True:
            body = self._message(message_id)
            match body[0]:
                case 0x64:
                    yield found(body)
                case 0x79:
                    yield Intermediate(body)
                case 0x65:
                    yield _end(body)
                    return
                case _:
                    raise UnavailableError("directory", "a referral instead of the whole answer")

    def _message(self, message_id: int) -> bytes:
        """The next message without its envelope's head: protocol operation and controls."""
        self._need(2)
        head = self._data[self._at + 1]
        self._need(2 + (head & 0x7F if head & 0x80 else 0))
        _, start, stop = tlv(self._data, self._at)
        self._need(stop - self._at)
        _, start, stop = tlv(self._data, self._at)
        _, number, after = tlv(self._data, start)
        body = self._data[after:stop]
        if int.from_bytes(self._data[number:after], "big") != message_id:
            raise UnavailableError("directory", "the server ended the session")  # RFC 4511 §4.4
        self._at = stop
        return body

    def _need(self, size: int) -> None:
        """Have that many bytes from the current place on."""
        while len(self._data) - self._at < size:
            more = self._socket.recv(max(_RECEIVED_AT_ONCE, size))
            if not more:
                raise UnavailableError("directory", "the server closed the connection")
            self._data = self._data[self._at :] + more
            self._at = 0


def found(body: bytes) -> Found:
    """A SearchResultEntry and its control (RFC 4511 §4.5.2). Flat on purpose: this runs for every entry."""
    _, at, stop = tlv(body, 0)
    _, start, at_list = tlv(body, at)
    dn = body[start:at_list].decode()
    _, at, stop_list = tlv(body, at_list)
    attributes: dict[bytes, list[bytes]] = {}
    while at < stop_list:
        _, start, end = tlv(body, at)
        _, name_at, name_end = tlv(body, start)
        _, at, end_values = tlv(body, name_end)
        values = []
        while at < end_values:
            _, start, at = tlv(body, at)
            values.append(body[start:at])
        attributes[body[name_at:name_end].lower()] = values
        at = end
    return Found(dn, attributes, next(iter(controls(body, stop).values()), b"") if stop < len(body) else b"")


def _end(body: bytes) -> End:
    _, at, stop = tlv(body, 0)
    code, _, text = list(elements(body, at, stop))[:3]
    number = int.from_bytes(body[code[1] : code[2]], "big")
    said = body[text[1] : text[2]].decode("utf-8", "replace")
    return End(number, said, controls(body, stop))


def controls(body: bytes, at: int) -> dict[bytes, bytes]:
    """OID → value of those that begin there."""
    if at >= len(body):
        return {}
    _, start, stop = tlv(body, at)
    answer = {}
    for _, begin, end in elements(body, start, stop):
        parts = list(elements(body, begin, end))  # OID, perhaps the criticality, perhaps a value
        oid = body[parts[0][1] : parts[0][2]]
        last = parts[-1]
        answer[oid] = body[last[1] : last[2]] if len(parts) > 1 and last[0] == OCTETS else b""
    return answer


def _next_page(end: End, base: str) -> bytes:
    """The cookie to go on with; empty when that was all."""
    if end.code != SUCCESS:
        raise UnavailableError("directory", f"scan of {base}: not the whole answer: {end.sentence}")
    value = end.controls.get(PAGED_RESULTS.encode())
    if value is None:
        return b""
    _, start, stop = tlv(value, 0)
    _, (_, at, last) = elements(value, start, stop)
    return value[at:last]


def _request(message_id: int, query: Query) -> bytes:
    parsed = parse_filter(query.wanted, None, False, False, None, False)
    names = (ber(OCTETS, name.encode()) for name in query.attributes)
    search = ber(
        _SEARCH,
        ber(OCTETS, query.base.encode()),
        _WHOLE_SUBTREE,
        _NO_LIMITS,
        _FALSE,
        encode(compile_filter(parsed.elements[0])),
        ber(SEQUENCE, *names),
    )
    controls = (
        ber(SEQUENCE, ber(OCTETS, oid.encode()), _TRUE, ber(OCTETS, value)) for oid, value in query.controls
    )
    number = message_id.to_bytes(5, "big").lstrip(b"\0")
    number = b"\0" + number if number[0] & 0x80 else number
    return ber(SEQUENCE, ber(INTEGER, number), search, ber(_CONTROLS, *controls))
