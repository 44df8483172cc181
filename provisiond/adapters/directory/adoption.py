"""What is left to do on an entry that is there already: the half-made work of an interrupted cycle, or
modifications of which a part is done. Pure; that the entry is ours is decided by writing.py."""

from __future__ import annotations

from collections.abc import Iterable

from provisiond.domain.changes import Mod, Op
from provisiond.domain.entries import INITIAL, SHARED
from provisiond.domain.model import Attributes, Entry


def missing(wanted: Entry, present: Attributes) -> tuple[Mod, ...]:
    """The modifications that make `present` say what `wanted` says; what only `present` has stays."""
    mods = (_mod(name, values, present.get(name, ())) for name, values in wanted.attributes.items())
    return tuple(mod for mod in mods if mod is not None)


def effective(mods: Iterable[Mod], present: Attributes) -> tuple[Mod, ...]:
    """`mods` without the values that are there already, or gone already."""
    left = (_left(mod, present.get(mod.attribute, ())) for mod in mods)
    return tuple(mod for mod in left if mod is not None)


def exact(mods: Iterable[Mod], present: Attributes) -> tuple[Mod, ...]:
    """`mods` so that they fail where `present` is not there any more: what is replaced is named."""
    return tuple(named for mod in mods for named in _named(mod, present.get(mod.attribute, ())))


def overwritten(mods: Iterable[Mod], present: Attributes, seen: Attributes) -> bool:
    """Whether `mods` would replace what nobody has looked at: values that came after `seen`."""
    return any(
        set(present.get(mod.attribute, ())) != set(seen[mod.attribute])
        for mod in mods
        if mod.op is Op.REPLACE and mod.attribute in seen
    )


def _left(mod: Mod, present: tuple[str, ...]) -> Mod | None:
    if mod.op is Op.REPLACE:
        return mod if set(mod.values) != set(present) else None
    known = {value.casefold() for value in present}
    values = tuple(value for value in mod.values if (value.casefold() in known) is (mod.op is Op.DELETE))
    return Mod(mod.op, mod.attribute, values) if values else None


def _named(mod: Mod, present: tuple[str, ...]) -> list[Mod]:
    if mod.op is not Op.REPLACE:
        return [mod]
    gone, new = Mod(Op.DELETE, mod.attribute, present), Mod(Op.ADD, mod.attribute, mod.values)
    return [each for each in (gone, new) if each.values]


def _mod(name: str, wanted: tuple[str, ...], present: tuple[str, ...]) -> Mod | None:
    if name in SHARED:
        known = {value.casefold() for value in present}
        absent = tuple(value for value in wanted if value.casefold() not in known)
        return Mod(Op.ADD, name, absent) if absent else None
    if name in INITIAL and present:
        return None
    return Mod(Op.REPLACE, name, wanted) if set(wanted) != set(present) else None
