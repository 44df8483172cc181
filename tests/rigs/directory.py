"""A directory in memory that answers like the real one (tests/contract holds the two together), and can be
told to fail: refuse a DN, vanish, or die in the middle of a write."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

from provisiond.adapters.directory.adoption import effective, missing, overwritten
from provisiond.adapters.directory.dn import is_under, normalise_dn
from provisiond.adapters.directory.reading import moved
from provisiond.domain.changes import (
    AddEntry,
    AdoptEntry,
    Change,
    DeleteEntry,
    Join,
    Leave,
    Mod,
    ModifyEntry,
    Op,
)
from provisiond.domain.errors import ProvisiondError, UnavailableError
from provisiond.domain.model import Attributes, Entry, Observed
from provisiond.ports import Done, Drift, Kind, Marked, Outcome, Refused, Sighting, Surveyed

ID = "provisiondpersonid"
OVERTAKEN = "changed by another since it was looked at; the next cycle looks again"
UNIQUE = ("uid", "mail", ID, "uidnumber")


class FakeDirectory:
    """Implements ports.Directory. `entries` by normalised DN; `written` every change that took effect."""

    def __init__(
        self, base: str = "dc=example,dc=edu", groups: Iterable[str] = ("students", "alumni")
    ) -> None:
        self.base = normalise_dn(base)
        self.people_base = f"ou=people,{self.base}"
        self.contacts_base = f"ou=contacts,{self.base}"
        self.groups_base = f"ou=groups,{self.base}"
        self.account_bases: tuple[str, ...] = ()  # where accounts lie beside people_base
        self.entries: dict[str, Entry] = {}
        self.written: list[Change] = []
        self.csns: dict[str, str] = {}  # by normalised DN: grows with every change
        self.ids: dict[str, bytes] = {}  # by normalised DN
        self.by_us: dict[str, bool] = {}  # whether the last change was ours
        self.deleted: dict[bytes, str] = {}  # ID → when
        self.remembers_since = ""  # deletions before this are forgotten
        self._ticks = itertools.count(1)
        self._us = False
        self.unavailable: str | None = None
        self.dies_after: int | None = None  # this many more changes; then the connection is lost
        self.refusals: dict[str, tuple[int, str]] = {}  # DN → code and text
        for group in groups:
            self.plant(
                f"cn={group},{self.groups_base}", {"objectclass": ("groupOfNames",), "member": (self.base,)}
            )

    # -- the port --------------------------------------------------------------------------------------
    def check(self) -> list[ProvisiondError]:
        return [UnavailableError("directory", self.unavailable)] if self.unavailable else []

    def observe(self, people: Mapping[str, str]) -> dict[str, Observed]:
        self._answer()
        return {person_id: self._observed(person_id) for person_id in people}

    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        self._answer()
        names = {name for entry in self.entries.values() for name in _names(entry.attributes)}
        return {prefix: frozenset(n for n in names if n.startswith(prefix)) for prefix in prefixes}

    def uid_numbers(self, first: int, last: int) -> frozenset[int]:
        self._answer()
        given = (int(n) for entry in self.entries.values() for n in entry.attributes.get("uidnumber", ()))
        return frozenset(number for number in given if first <= number <= last)

    def survey(self) -> Iterator[Surveyed]:
        self._answer()
        for dn, entry in tuple(self.entries.items()):
            names, marks = _names(entry.attributes), entry.attributes.get(ID, ())
            if names or marks:
                yield Surveyed(entry.dn, frozenset(names), next(iter(marks), None), self.csns[dn])

    def marked(self, *, authors: bool = False) -> Iterator[Marked]:
        self._answer()
        for dn in [dn for dn, entry in self.entries.items() if ID in entry.attributes]:
            yield Marked(self.entries[dn].dn, self._sighting(dn), authors and self.by_us[dn])

    def candidates(self) -> Iterator[Entry]:
        self._answer()
        for dn, entry in tuple(self.entries.items()):
            classes = {name.lower() for name in entry.attributes.get("objectclass", ())}
            if classes & {"person", "inetorgperson", "account", "posixaccount"} and not is_under(
                dn, self.contacts_base
            ):
                yield Entry(entry.dn, entry.attributes, self.csns[dn])

    def drift(self, since: str | None) -> Drift:
        self._answer()
        now = f"{next(self._ticks):012d}"
        if since is None or since < self.remembers_since:
            return Drift(now, deleted=since is not None)
        changed = [dn for dn, csn in self.csns.items() if csn > since]
        marked = [dn for dn in changed if ID in self.entries[dn].attributes]
        by_others = [dn for dn in changed if not self.by_us[dn]]
        return Drift(
            now,
            frozenset(self.entries[dn].attributes[ID][0] for dn in marked if dn in by_others),
            tuple(self._seen(dn) for dn in marked),
            frozenset(self.ids[dn] for dn in by_others)
            | {entry_id for entry_id, csn in self.deleted.items() if csn > since},
            memberships=any(is_under(dn, self.groups_base) for dn in by_others),
        )

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        self._answer()
        self._us = True
        try:
            return self._applied(batches)
        finally:
            self._us = False

    def _applied(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        outcomes: list[Outcome] = [Done()] * len(batches)
        memberships: list[tuple[int, Join | Leave]] = []
        for index, batch in enumerate(batches):
            for change in batch:
                if isinstance(change, Join | Leave):
                    memberships.append((index, change))
                elif refused := self._write(change):
                    outcomes[index] = refused
                    break
        for index, change in memberships:
            refused = self._member(change)
            if refused and isinstance(outcomes[index], Done):
                outcomes[index] = refused
        return outcomes

    def close(self) -> None: ...

    # -- for tests -------------------------------------------------------------------------------------
    def plant(self, dn: str, attributes: Attributes) -> None:
        """Put an entry there as somebody else would, or values into one that is there."""
        present = self.look(dn)
        merged = {name: list(values) for name, values in present.items()}
        for name, values in attributes.items():
            merged.setdefault(name, []).extend(v for v in values if v not in merged[name])
        self._put(Entry(dn, {name: tuple(values) for name, values in merged.items()}))

    def look(self, dn: str) -> Attributes:
        """What the entry holds; empty when it is not there."""
        entry = self.entries.get(normalise_dn(dn))
        return entry.attributes if entry else {}

    def uproot(self, dn: str) -> None:
        key = normalise_dn(dn)
        if self.entries.pop(key, None):
            self.deleted[self.ids.pop(key)] = f"{next(self._ticks):012d}"
            del self.csns[key], self.by_us[key]

    def strip(self, dn: str, **values: tuple[str, ...]) -> None:
        """Take those values away (none: all of that attribute)."""
        mods = (Mod(Op.DELETE if given else Op.REPLACE, name, given) for name, given in values.items())
        self._put(Entry(dn, _modified(self.look(dn), mods)))

    # -- how it works ----------------------------------------------------------------------------------
    def _answer(self) -> None:
        if self.unavailable:
            raise UnavailableError("directory", self.unavailable)

    def _take_effect(self, change: Change) -> None:
        if self.dies_after is not None:
            if self.dies_after == 0:
                raise UnavailableError("directory", "the connection was lost")
            self.dies_after -= 1
        self.written.append(change)

    def _put(self, entry: Entry) -> None:
        self.entries[normalise_dn(entry.dn)] = entry
        dn, tick = normalise_dn(entry.dn), next(self._ticks)
        self.csns[dn], self.by_us[dn] = f"{tick:012d}", self._us
        self.ids.setdefault(dn, tick.to_bytes(16, "big"))

    def _sighting(self, dn: str) -> Sighting:
        entry = self.entries[dn]
        listing = Kind.LISTING if is_under(dn, self.contacts_base) else Kind.OTHER
        kind = Kind.ACCOUNT if self._holds_account(dn) else listing
        state = f"{self.csns[dn]} {sorted(self._groups_of(entry))}".encode()
        return Sighting(self.ids[dn], entry.attributes[ID][0], kind, blake2b(state, digest_size=8).digest())

    def _seen(self, dn: str) -> Sighting:
        seen = self._sighting(dn)
        return seen if self.by_us[dn] else replace(seen, state=None)

    def _observed(self, person_id: str) -> Observed:
        accounts = [e for e in self._marked(person_id, self.base) if self._holds_account(e.dn)]
        listings = self._marked(person_id, self.contacts_base)
        account = next(iter(accounts), None)
        several = next((found for found in (accounts, listings) if len(found) > 1), None)
        clash = " and ".join(entry.dn for entry in several) + " carry the same person ID" if several else None
        elsewhere = [e for e in self._marked(person_id, self.base) if e not in (*accounts, *listings)]
        if elsewhere and account is None:
            clash = clash or moved(elsewhere[0].dn)
        return Observed(account, next(iter(listings), None), self._groups_of(account), clash)

    def _holds_account(self, dn: str) -> bool:
        return any(is_under(dn, above) for above in (self.people_base, *self.account_bases))

    def _marked(self, person_id: str, base: str) -> list[Entry]:
        return [
            Entry(e.dn, e.attributes, self.csns[dn])
            for dn, e in self.entries.items()
            if person_id in e.attributes.get(ID, ()) and is_under(e.dn, base)
        ]

    def _groups_of(self, account: Entry | None) -> frozenset[str]:
        if account is None:
            return frozenset()
        dn = normalise_dn(account.dn)
        return frozenset(
            group
            for group, entry in self.entries.items()
            if is_under(group, self.groups_base)
            and dn in {normalise_dn(member) for member in entry.attributes.get("member", ())}
        )

    def _write(self, change: AddEntry | ModifyEntry | AdoptEntry | DeleteEntry) -> Refused | None:
        if refusal := self.refusals.get(normalise_dn(change.dn)):
            return Refused(change, *refusal)
        match change:
            case AddEntry(entry=entry):
                return self._add(change, entry)
            case ModifyEntry(dn=dn, person_id=owner, mods=mods):
                return self._overtaken(change) or self._modify(change, dn, owner, mods)
            case AdoptEntry():
                return self._adopt(change)
            case DeleteEntry(dn=dn, person_id=owner):
                return self._overtaken(change) or self._delete(change, dn, owner)

    def _overtaken(self, change: ModifyEntry | DeleteEntry) -> Refused | None:
        """Decided on values that are not there any more."""
        dn = normalise_dn(change.dn)
        present = self.look(dn)
        ours = change.person_id in present.get(ID, ())
        if not ours or change.csn in (None, self.csns[dn]):
            return None
        if isinstance(change, ModifyEntry):
            left = effective(change.mods, present)
            return Refused(change, 122, OVERTAKEN) if overwritten(left, present, change.seen or {}) else None
        return Refused(change, 122, OVERTAKEN)

    def _add(self, change: AddEntry, entry: Entry) -> Refused | None:
        present = self.entries.get(normalise_dn(entry.dn))
        owner = entry.attributes[ID][0]
        if present is not None and owner not in present.attributes.get(ID, ()):
            return Refused(change, 68, f"{entry.dn} exists and is not ours")
        if present is not None:
            return self._modify(change, entry.dn, owner, missing(entry, present.attributes))
        if clash := self._clash(change, entry):
            return clash
        self._take_effect(change)
        self._put(entry)
        return None

    def _modify(self, change: Change, dn: str, owner: str, mods: Sequence[Mod]) -> Refused | None:
        entry = self.entries.get(normalise_dn(dn))
        if entry is None or not mods:
            return Refused(change, 32, "noSuchObject") if mods else None
        if owner not in entry.attributes.get(ID, ()):
            return Refused(change, 122, "the entry is not (any more) ours")
        changed = Entry(entry.dn, _modified(entry.attributes, mods))
        if clash := self._clash(change, changed):
            return clash
        self._take_effect(change)
        self._put(changed)
        return None

    def _adopt(self, change: AdoptEntry) -> Refused | None:
        dn = normalise_dn(change.dn)
        if dn not in self.entries:
            return Refused(change, 32, "noSuchObject")
        marks = self.look(dn).get(ID, ())
        if marks and change.person_id not in marks:
            return Refused(change, 122, "the entry is not (any more) ours")
        if not marks and change.csn not in (None, self.csns[dn]):
            return Refused(change, 122, OVERTAKEN)
        left = effective(change.mods, self.look(dn))
        if not left:
            return None
        if overwritten(left, self.look(dn), change.seen or {}):
            return Refused(change, 122, OVERTAKEN)
        changed = Entry(self.entries[dn].dn, _modified(self.look(dn), left))
        if clash := self._clash(change, changed):
            return clash
        self._take_effect(change)
        self._put(changed)
        return None

    def _delete(self, change: Change, dn: str, owner: str) -> Refused | None:
        entry = self.entries.get(normalise_dn(dn))
        if entry is None:
            return None
        if owner not in entry.attributes.get(ID, ()):
            return Refused(change, 122, "the entry is not (any more) ours")
        self._take_effect(change)
        self.uproot(dn)
        for group in [e for g, e in self.entries.items() if is_under(g, self.groups_base)]:
            self._put(Entry(group.dn, _modified(group.attributes, (Mod(Op.DELETE, "member", (entry.dn,)),))))
        return None

    def _clash(self, change: Change, entry: Entry) -> Refused | None:
        """The second lock of the real server, its `unique` overlay: among the accounts."""
        if not is_under(entry.dn, self.people_base):
            return None
        others = [e for dn, e in self.entries.items() if dn != normalise_dn(entry.dn)]
        taken = {(n, v) for e in others if is_under(e.dn, self.people_base) for n, v in _unique_values(e)}
        if taken.isdisjoint(_unique_values(entry)):
            return None
        return Refused(change, 19, "constraintViolation: some attributes not unique")

    def _member(self, change: Join | Leave) -> Refused | None:
        group = self.entries.get(normalise_dn(change.group))
        if refusal := self.refusals.get(normalise_dn(change.group)):
            return Refused(change, *refusal)
        if group is None:
            return Refused(change, 32, "noSuchObject")
        op = Op.ADD if isinstance(change, Join) else Op.DELETE
        changed = _modified(group.attributes, (Mod(op, "member", (change.dn,)),))
        self._take_effect(change)
        self._put(Entry(group.dn, changed))
        return None


def _modified(attributes: Attributes, mods: Iterable[Mod]) -> Attributes:
    """Adding what is there and deleting what is not is no error (permissive modify)."""
    changed = dict(attributes)
    for mod in mods:
        present = changed.pop(mod.attribute, ())
        given = {value.casefold() for value in mod.values}
        match mod.op:
            case Op.REPLACE:
                values = mod.values
            case Op.DELETE:
                values = tuple(v for v in present if v.casefold() not in given)
            case Op.ADD:
                known = {value.casefold() for value in present}
                values = (*present, *(v for v in mod.values if v.casefold() not in known))
        if values:
            changed[mod.attribute] = values
    return changed


def _unique_values(entry: Entry) -> set[tuple[str, str]]:
    return {(name, value.lower()) for name in UNIQUE for value in entry.attributes.get(name, ())}


def _names(attributes: Attributes) -> set[str]:
    uids = {uid.lower() for uid in attributes.get("uid", ())}
    return uids | {mail.lower().rpartition("@")[0] for mail in attributes.get("mail", ())}
