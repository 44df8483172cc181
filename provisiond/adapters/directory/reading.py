"""What the directory shows, as the core's values: entries by person ID, names by prefix. Answers are whole or
an error; how the server is reached, and what is done about differences, is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from provisiond.adapters.directory.dn import is_under, normalise_dn
from provisiond.adapters.directory.messages import PERSON_ID, begins, either, equal
from provisiond.adapters.directory.session import Session
from provisiond.adapters.directory.wire import Found
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import Attributes, Entry, Observed

# what the server shows only when asked by name: who is a member where, when log-in ends, and the last change
OBSERVED = ("*", "memberOf", "pwdEndTime", "nsAccountLock", "entryCSN")


@dataclass(frozen=True, slots=True)
class Bases:
    """Where things live; normalised DNs. `adopted`: where accounts lie beside `people`."""

    base: str
    people: str
    contacts: str
    groups: str
    adopted: tuple[str, ...] = ()

    @classmethod
    def of(cls, base: str, people: str, contacts: str, groups: str, adopted: Iterable[str] = ()) -> Bases:
        where = [normalise_dn(dn) for dn in (base, people, contacts, groups)]
        return cls(where[0], where[1], where[2], where[3], tuple(map(normalise_dn, adopted)))

    def holds_account(self, dn: str) -> bool:
        return any(is_under(dn, above) for above in (self.people, *self.adopted))


def observed(session: Session, bases: Bases, person_ids: Sequence[str]) -> dict[str, Observed]:
    """One search for all of `person_ids`; persons without an entry are in the answer, empty."""
    wanted = either(*(equal(PERSON_ID, person_id) for person_id in person_ids))
    accounts: dict[str, Entry] = {}
    listings: dict[str, Entry] = {}
    groups: dict[str, frozenset[str]] = {}
    clashes: dict[str, str] = {}
    elsewhere: dict[str, str] = {}
    for found in session.find(bases.base, wanted, OBSERVED):
        entry = observed_entry(found)
        person_id = _owner(entry, person_ids)
        if bases.holds_account(entry.dn):
            _keep(accounts, person_id, entry, clashes)
            groups[person_id] = _groups(entry, bases.groups)
        elif is_under(entry.dn, bases.contacts):
            _keep(listings, person_id, entry, clashes)
        else:
            elsewhere[person_id] = moved(entry.dn)
    clashes = {person: said for person, said in elsewhere.items() if person not in accounts} | clashes
    return {
        person_id: Observed(
            accounts.get(person_id),
            listings.get(person_id),
            groups.get(person_id, frozenset()),
            clashes.get(person_id),
        )
        for person_id in person_ids
    }


def moved(dn: str) -> str:
    """What is said of an account that somebody put where none belongs: a second one would be no help."""
    return f"{dn} carries the person's ID and lies where no accounts are: move it back, or take the mark off"


def names(session: Session, bases: Bases, prefixes: Sequence[str]) -> dict[str, frozenset[str]]:
    """One search: account names and local parts of mail addresses that start with each prefix."""
    wanted = either(*(begins(name, prefix) for prefix in prefixes for name in ("uid", "mail")))
    names: set[str] = set()
    for found in session.find(bases.base, wanted, ("uid", "mail")):
        attributes = texts(found)
        names |= names_among(attributes.get("uid", ()), attributes.get("mail", ()))
    return {prefix: frozenset(name for name in names if name.startswith(prefix)) for prefix in prefixes}


def uid_numbers(session: Session, bases: Bases, first: int, last: int) -> frozenset[int]:
    """One search, by the index of uidNumber."""
    wanted = f"(&(uidNumber>={first})(uidNumber<={last}))"
    found = session.search(bases.base, wanted, ("uidNumber",))
    values = (value for raw in found for value in decoded(raw.attributes).get("uidnumber", ()))
    return frozenset(int(value) for value in values)


def decoded(raw: Mapping[str, Sequence[bytes]]) -> Attributes:
    """Text attributes under lower-case descriptions; what is not text (a photograph) is never ours."""
    attributes: dict[str, tuple[str, ...]] = {}
    for name, values in raw.items():
        try:
            attributes[name.lower()] = tuple(value.decode("utf-8") for value in values)
        except UnicodeDecodeError:
            continue
    return attributes


def chunks(items: Iterable[str], size: int) -> list[list[str]]:
    """In pieces of at most `size`, each item once, in order."""
    unique = list(dict.fromkeys(items))
    return [unique[start : start + size] for start in range(0, len(unique), size)]


def texts(found: Found) -> Attributes:
    """The same of an entry as the wire gives it."""
    return decoded({name.decode(): values for name, values in found.attributes.items()})


def observed_entry(found: Found) -> Entry:
    attributes = dict(texts(found))
    csn = attributes.pop("entrycsn", (None,))[0]
    return Entry(found.dn, attributes, csn)


def _owner(entry: Entry, person_ids: Sequence[str]) -> str:
    """The one person asked for whose ID the entry carries: the server's word, checked."""
    owners = set(entry.attributes.get(PERSON_ID.lower(), ())).intersection(person_ids)
    if len(owners) != 1:
        raise UnavailableError("directory", f"{entry.dn} came in answer to a search it does not match")
    return owners.pop()


def _keep(entries: dict[str, Entry], person_id: str, entry: Entry, clashes: dict[str, str]) -> None:
    """A mark that somebody copied concerns that person alone: all others go on."""
    if first := entries.get(person_id):
        clashes[person_id] = f"{first.dn} and {entry.dn} carry the same person ID: remove one of them"
    entries.setdefault(person_id, entry)


def _groups(entry: Entry, groups_base: str) -> frozenset[str]:
    member_of = entry.attributes.get("memberof", ())
    return frozenset(normalise_dn(group) for group in member_of if is_under(group, groups_base))


def names_among(uids: Iterable[str], mails: Iterable[str]) -> set[str]:
    """What nobody else may be called: lower-case account names and local parts."""
    return {uid.lower() for uid in uids} | {mail.lower().rpartition("@")[0] or mail.lower() for mail in mails}
