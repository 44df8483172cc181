"""The changes that make observed entries into desired ones, and nothing more: what others added stays."""

from __future__ import annotations

from provisiond.domain.changes import AddEntry, Change, DeleteEntry, Join, Leave, Mod, ModifyEntry, Op
from provisiond.domain.entries import INITIAL, SHARED, Desired
from provisiond.domain.model import Entry, Observed


def changes(desired: Desired, observed: Observed, person_id: str, now: str) -> tuple[Change, ...]:
    """In the order in which they must be done. `now` is a GeneralizedTime in UTC: a log-in that has ended at
    whatever time before it counts as ended."""
    return (
        *_entry("account", desired.account, observed.account, desired, person_id, now),
        *_listing(desired, observed, person_id, now),
        *_memberships(desired, observed),
    )


def _listing(desired: Desired, observed: Observed, person_id: str, now: str) -> tuple[Change, ...]:
    if desired.listing is not None:
        return _entry("listing", desired.listing, observed.listing, desired, person_id, now)
    if observed.listing is not None:
        return (DeleteEntry("listing", observed.listing.dn, person_id, observed.listing.csn),)
    return ()


def _entry(
    what: str, wanted: Entry, seen: Entry | None, desired: Desired, person_id: str, now: str
) -> tuple[Change, ...]:
    if seen is None:
        return (AddEntry(what, wanted),)
    owned = desired.owned_listing if what == "listing" else desired.owned
    mods = [mod for name in sorted(wanted.attributes) for mod in _attribute(name, wanted, seen, desired, now)]
    mods += [
        mod
        for name in sorted((owned | desired.ours.keys()) - wanted.attributes.keys())
        for mod in _unwanted(name, seen, desired)
    ]
    replaced = {mod.attribute for mod in mods if mod.op is Op.REPLACE}
    before = {name: seen.attributes.get(name, ()) for name in replaced}
    return (ModifyEntry(what, seen.dn, person_id, tuple(mods), seen.csn, before),) if mods else ()


def _attribute(name: str, wanted: Entry, seen: Entry, desired: Desired, now: str) -> list[Mod]:
    want, have = wanted.attributes[name], seen.attributes.get(name, ())
    if want == have:
        return []
    # a DN is left as it is, also that of an adopted or renamed entry, and so are the values in it
    if name in SHARED or name == "uid" or seen.dn.casefold().startswith(f"{name}="):
        return _shared(name, want, have, desired)
    if set(want) == set(have):
        return []
    if (name in INITIAL and have) or (name == "pwdendtime" and have and have[0] <= now):
        return []
    return [Mod(Op.REPLACE, name, want)]


def _shared(name: str, want: tuple[str, ...], have: tuple[str, ...], desired: Desired) -> list[Mod]:
    present = {value.casefold() for value in have}
    wanted = {value.casefold() for value in want}
    missing = tuple(value for value in want if value.casefold() not in present)
    ours = {value.casefold() for value in desired.ours.get(name, ())}
    gone = tuple(v for v in have if v.casefold() in ours and v.casefold() not in wanted)
    mods = [Mod(Op.DELETE, name, gone)] if gone else []
    return [*mods, Mod(Op.ADD, name, missing)] if missing else mods


def _unwanted(name: str, seen: Entry, desired: Desired) -> list[Mod]:
    have = seen.attributes.get(name, ())
    if not have:
        return []
    return _shared(name, (), have, desired) if name in SHARED else [Mod(Op.REPLACE, name, ())]


def _memberships(desired: Desired, observed: Observed) -> tuple[Change, ...]:
    """Observed group DNs are normalised (lower case); the desired ones are compared that way."""
    dn = observed.account.dn if observed.account else desired.account.dn
    wanted = {group.casefold(): group for group in desired.groups}
    managed = {group.casefold(): group for group in desired.managed_groups}
    leaves = [Leave(managed[g], dn) for g in sorted(observed.groups & (managed.keys() - wanted.keys()))]
    joins = [Join(wanted[g], dn) for g in sorted(wanted.keys() - observed.groups)]
    return (*joins, *leaves)
