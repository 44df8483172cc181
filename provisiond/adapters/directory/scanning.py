"""Every entry of the tree, one by one, with few attributes: what large loads, the look at drift and the audit
go by. What they make of it is decided elsewhere."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from provisiond.adapters.directory.reading import Bases, names_among
from provisiond.adapters.directory.session import PERSON_ID, Session
from provisiond.adapters.directory.wire import PAGE, Found, Query
from provisiond.domain.errors import UnavailableError
from provisiond.ports import Surveyed

MARK = PERSON_ID.lower().encode()
_NAMED_OR_OURS = f"(|(uid=*)(mail=*)({PERSON_ID}=*))"


def stream(session: Session, query: Query, page: int = PAGE) -> Generator[Found, None, None]:
    """Everything that matches, or UnavailableError in the end. The session can ask nothing else meanwhile, and
    nothing at all after a scan that was left early."""
    whole = False
    try:
        yield from session.wire().scan(query, page)
        whole = True
    except UnavailableError:
        raise
    except Exception as error:  # the socket's, or of an answer that is no LDAP
        raise UnavailableError("directory", f"{session.url}: {error}") from error
    finally:
        if not whole:
            session.lost = True
            session.close()


def survey(session: Session, bases: Bases) -> Iterator[Surveyed]:
    """Names, marks and change numbers under the base."""
    wanted = ("uid", "mail", PERSON_ID, "entryCSN")
    for entry in stream(session, Query(bases.base, _NAMED_OR_OURS, wanted)):
        names = names_among(_texts(entry, b"uid"), _texts(entry, b"mail"))
        yield Surveyed(entry.dn, frozenset(names), first(entry, MARK) or None, first(entry, b"entrycsn"))


def first(entry: Found, name: bytes) -> str:
    """The first value of an attribute; empty when it has none."""
    values = entry.attributes.get(name)
    return values[0].decode() if values else ""


def _texts(entry: Found, name: bytes) -> list[str]:
    return [value.decode("utf-8", "replace") for value in entry.attributes.get(name, ())]
