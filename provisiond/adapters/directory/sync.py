"""What happened in the directory since a cookie (content synchronisation, RFC 4533, refreshOnly): changed entries,
and the IDs of deleted ones while the server's log of them reaches back. A quiet look is one message each way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from provisiond.adapters.directory.ber import OCTETS, SEQUENCE, ber, elements, tlv
from provisiond.adapters.directory.capabilities import CONTENT_SYNC
from provisiond.adapters.directory.dn import normalise_dn
from provisiond.adapters.directory.reading import Bases, decoded
from provisiond.adapters.directory.scanning import (
    AUTHORS,
    MARK,
    Authors,
    Places,
    leave,
    reading,
    sighting,
)
from provisiond.adapters.directory.session import PERSON_ID, Session
from provisiond.adapters.directory.wire import SUCCESS, End, Found, Intermediate, Query
from provisiond.domain.errors import UnavailableError
from provisiond.ports import Drift, Sighting

MOST_CHANGES = 10_000  # of one look; beyond it, a comparison of everything is no dearer and needs no memory
_SYNC_DONE = b"1.3.6.1.4.1.4203.1.9.1.3"
_REFRESH_ONLY = b"\x0a\x01\x01"
_BOOLEAN, _SET, _INFO_VALUE, _PRESENT, _ID_SET = 0x01, 0x31, 0x81, 0xA2, 0xA3
# a cookie from before the server's memory, or after it: it lost its last numbers (restored, killed)
_STALE = frozenset({53, 4096})
_ATTRIBUTES = (PERSON_ID, "entryCSN", "memberOf", *AUTHORS)


@dataclass(slots=True)
class _Poll:
    """What one poll has brought so far; `told`: deletions were told one by one."""

    cookie: str
    changed: list[Found] = field(default_factory=list)
    deleted: set[bytes] = field(default_factory=set)
    told: bool = True


def watermark(session: Session, base: str) -> str | None:
    """Where a look that begins now would go on; None where the server has no content synchronisation."""
    root = session.search("", "(objectClass=*)", ("namingContexts",), subtree=False)
    contexts = decoded(root[0].attributes).get("namingcontexts", ()) if root else ()
    suffixes = [s for s in contexts if f",{base}".endswith(f",{normalise_dn(s)}")]
    if not suffixes or not session.capabilities.content_sync:
        return None
    top = session.search(max(suffixes, key=len), "(objectClass=*)", ("contextCSN",), subtree=False)
    numbers = decoded(top[0].attributes).get("contextcsn", ()) if top else ()
    return "rid=000,csn=" + ";".join(sorted(numbers, key=_server)) if numbers else None


def drift(session: Session, bases: Bases, groups: Collection[str], us: str, since: str) -> Drift | None:
    """None: the server cannot tell what happened since then. `groups`: normalised DNs of the managed ones."""
    poll = _polled(session, bases.base, since)
    if not poll.told:
        return None
    places, authors = Places(bases), Authors(us)
    marked = [entry for entry in poll.changed if MARK in entry.attributes]
    by_others = [entry for entry in poll.changed if not authors.wrote(entry)]
    return Drift(
        watermark=poll.cookie,
        person_ids=frozenset(_owner(entry) for entry in by_others if MARK in entry.attributes),
        seen=tuple(_seen(entry, places, authors) for entry in marked),
        touched=frozenset(poll.deleted.union(_entry_id(entry) for entry in by_others)),
        memberships=_touched(session, groups, poll.deleted, by_others),
    )


def _touched(
    session: Session, groups: Collection[str], deleted: Collection[bytes], others: Sequence[Found]
) -> bool:
    """Whether somebody changed a managed group, or took one away: of what is gone only the ID is told, and of what
    was renamed the new name."""
    if any(normalise_dn(entry.dn) in groups for entry in others):
        return True
    unmarked = deleted or any(MARK not in entry.attributes for entry in others)
    return bool(unmarked) and not all(session.exists(group) for group in groups)


def _polled(session: Session, base: str, cookie: str) -> _Poll:
    asked = (CONTENT_SYNC, ber(SEQUENCE, _REFRESH_ONLY, ber(OCTETS, cookie.encode())))
    poll = _Poll(cookie)
    with reading(session):
        for part in session.wire().search(Query(base, "(objectClass=*)", _ATTRIBUTES, (asked,))):
            match part:
                case Found():
                    poll.changed.append(part)
                    poll.told = len(poll.changed) <= MOST_CHANGES
                case Intermediate(value=message):
                    _note(poll, message)
                case End():
                    _finish(poll, part)
            if not poll.told:
                break  # a list of everything that is still there would follow, or ever more changes
    if not poll.told:
        leave(session)
    return poll


def _note(poll: _Poll, message: bytes) -> None:
    """A Sync Info message: what is deleted, or a list of what is still there (RFC 4533 §2.5)."""
    _, at, stop = tlv(message, 0)
    begun = next(start for tag, start, _ in elements(message, at, stop) if tag == _INFO_VALUE)
    choice, at, stop = tlv(message, begun)
    parts = {tag: (a, z) for tag, a, z in elements(message, at, stop)}
    if choice != _ID_SET:
        poll.told = poll.told and choice != _PRESENT
    elif _BOOLEAN in parts and message[parts[_BOOLEAN][0]]:
        poll.deleted |= {message[a:z] for _, a, z in elements(message, *parts[_SET])}
    else:
        poll.told = False


def _finish(poll: _Poll, end: End) -> None:
    """The Sync Done control has the next cookie, where anything happened (RFC 4533 §2.4)."""
    if end.code in _STALE:
        poll.told = False
        return
    if end.code != SUCCESS or _SYNC_DONE not in end.controls:
        raise UnavailableError("directory", f"content synchronisation: {end.sentence}")
    value = end.controls[_SYNC_DONE]
    _, at, stop = tlv(value, 0)
    parts = {tag: value[a:z] for tag, a, z in elements(value, at, stop)}
    poll.cookie = parts[OCTETS].decode() if OCTETS in parts else poll.cookie
    poll.told = any(parts.get(_BOOLEAN, b"\0"))


def _entry_id(entry: Found) -> bytes:
    """From the entry's Sync State control: the second element, after its state."""
    _, at, stop = tlv(entry.control, 0)
    _, (_, start, end) = list(elements(entry.control, at, stop))[:2]
    return entry.control[start:end]


def _seen(entry: Found, places: Places, authors: Authors) -> Sighting:
    seen = sighting(entry, places, _entry_id(entry))
    return seen if authors.wrote(entry) else replace(seen, state=None)


def _owner(entry: Found) -> str:
    return entry.attributes[MARK][0].decode()


def _server(number: str) -> str:
    """The provider's ID in a CSN: their order in a cookie."""
    return number.split("#")[2]
