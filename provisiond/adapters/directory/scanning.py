"""Every entry of the tree, one by one, with few attributes: what large loads, the look at drift and the audit
go by. What they make of it is decided elsewhere."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import blake2b

from provisiond.adapters.directory.dn import is_under, normalise_dn
from provisiond.adapters.directory.reading import OBSERVED, Bases, names_among, observed_entry
from provisiond.adapters.directory.session import PERSON_ID, Session
from provisiond.adapters.directory.wire import PAGE, Found, Query
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import Entry
from provisiond.ports import Kind, Marked, Sighting, Surveyed

_NONE = [b""]
_REMEMBERED = 1000
_NUMBERS = (b"entrycsn", b"entryusn", b"modifytimestamp")
MARK = PERSON_ID.lower().encode()
# the `memberof` overlay's changes of members bear this name (config/openldap/overlays.ldif): it hides who was the
# last to change the entry itself, whose number they leave as it is
MEMBEROF_DN = b"cn=memberof overlay"
_NEEDED = (PERSON_ID, "entryUUID", "entryCSN", "memberOf")
# what other servers than OpenLDAP have in their place; the finest that an entry has counts
_ELSEWHERE = ("nsUniqueId", "entryUSN", "modifyTimestamp")
AUTHORS = ("modifiersName", "creatorsName", "createTimestamp", "modifyTimestamp")
_PERSONS = "(|(objectClass=person)(objectClass=account)(objectClass=posixAccount))"
_NAMED_OR_OURS = f"(|(uid=*)(mail=*)({PERSON_ID}=*))"


def stream(session: Session, query: Query, page: int = PAGE) -> Generator[Found, None, None]:
    """Everything that matches, or UnavailableError in the end. The session can ask nothing else meanwhile, and
    nothing at all after a scan that was left early."""
    with reading(session):
        yield from session.wire().scan(query, page)


@contextmanager
def reading(session: Session) -> Iterator[None]:
    """A session of which not everything was read can serve no more."""
    whole = False
    try:
        yield
        whole = True
    except UnavailableError:
        raise
    except Exception as error:  # the socket's, or of an answer that is no LDAP
        raise UnavailableError("directory", f"{session.url}: {error}") from error
    finally:
        if not whole:
            leave(session)


def leave(session: Session) -> None:
    """What is still to come is not wanted."""
    session.lost = True
    session.close()


def survey(session: Session, bases: Bases) -> Iterator[Surveyed]:
    """Names, marks and change numbers under the base."""
    wanted = ("uid", "mail", PERSON_ID, "entryCSN")
    for entry in stream(session, Query(bases.base, _NAMED_OR_OURS, wanted)):
        names = names_among(_texts(entry, b"uid"), _texts(entry, b"mail"))
        yield Surveyed(entry.dn, frozenset(names), first(entry, MARK) or None, first(entry, b"entrycsn"))


def people(session: Session, bases: Bases) -> Iterator[Entry]:
    """Persons' entries, whoever made them, whole; without listings."""
    for entry in stream(session, Query(bases.base, _PERSONS, OBSERVED)):
        if not is_under(entry.dn, bases.contacts):
            yield observed_entry(entry)


def marked(session: Session, bases: Bases, us: str, *, authors: bool) -> Iterator[Marked]:
    """Every entry with a person's ID; see ports.Directory."""
    attributes: tuple[str, ...] = _NEEDED if session.capabilities.content_sync else _NEEDED + _ELSEWHERE
    attributes += AUTHORS if authors else ()
    place, ours = Places(bases), Authors(us)
    for entry in stream(session, Query(bases.base, f"({PERSON_ID}=*)", attributes)):
        yield Marked(entry.dn, sighting(entry, place, entry_id(entry)), authors and ours.wrote(entry))


def sighting(entry: Found, place: Places, identity: bytes) -> Sighting:
    groups = b"\0".join(sorted(group.lower() for group in entry.attributes.get(b"memberof", ())))
    numbers = (entry.attributes.get(name, _NONE)[0] for name in _NUMBERS)
    number = next(filter(None, numbers), b"")
    state = blake2b(number + b"\0" + groups, digest_size=8).digest()
    return Sighting(identity, entry.attributes[MARK][0].decode(), place.kind(entry.dn), state)


def entry_id(entry: Found) -> bytes:
    """Of a server that gives none, the name stands for it."""
    given = entry.attributes.get(b"entryuuid") or entry.attributes.get(b"nsuniqueid")
    if given:
        return bytes.fromhex(given[0].replace(b"-", b"").decode())
    return blake2b(normalise_dn(entry.dn).encode(), digest_size=16).digest()


class Places:
    """What an entry is by the DN above it; remembered, since there are few of those."""

    def __init__(self, bases: Bases) -> None:
        self._bases = bases
        self._known: dict[str, Kind] = {}

    def kind(self, dn: str) -> Kind:
        # cut at an escaped comma the rest is no DN, but ends as one
        above = dn[dn.find(",") :]
        kind = self._known.get(above)
        if kind is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            kind = self._known[above] = self._look(dn)
        return kind

    def _look(self, dn: str) -> Kind:
        if self._bases.holds_account(dn):
            return Kind.ACCOUNT
        return Kind.LISTING if is_under(dn, self._bases.contacts) else Kind.OTHER


class Authors:
    """Whether we were the last to write an entry, as far as its operational attributes tell."""

    def __init__(self, us: str) -> None:
        self._us = normalise_dn(us)
        self._known: dict[bytes, bool] = {}

    def are_us(self, name: bytes) -> bool:
        known = self._known.get(name)
        if known is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            known = self._known[name] = normalise_dn(name.decode()) == self._us
        return known

    def wrote(self, entry: Found) -> bool:
        modifier, creator, created, modified = (
            entry.attributes.get(name.lower().encode(), _NONE)[0] for name in AUTHORS
        )
        if modifier.lower() == MEMBEROF_DN:
            return created == modified and self.are_us(creator)
        return self.are_us(modifier)


def first(entry: Found, name: bytes) -> str:
    """The first value of an attribute; empty when it has none."""
    values = entry.attributes.get(name)
    return values[0].decode() if values else ""


def _texts(entry: Found, name: bytes) -> list[str]:
    return [value.decode("utf-8", "replace") for value in entry.attributes.get(name, ())]
