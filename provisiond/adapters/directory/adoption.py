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
    left = (Mod(mod.op, mod.attribute, _left(mod, present.get(mod.attribute, ()))) for mod in mods)
    return tuple(mod for mod in left if mod.values or mod.op is Op.REPLACE)


def _left(mod: Mod, present: tuple[str, ...]) -> tuple[str, ...]:
    if mod.op is Op.REPLACE:
        return mod.values
    known = {value.casefold() for value in present}
    return tuple(value for value in mod.values if (value.casefold() in known) is (mod.op is Op.DELETE))


def _mod(name: str, wanted: tuple[str, ...], present: tuple[str, ...]) -> Mod | None:
    if name in SHARED:
        known = {value.casefold() for value in present}
        absent = tuple(value for value in wanted if value.casefold() not in known)
        return Mod(Op.ADD, name, absent) if absent else None
    if name in INITIAL and present:
        return None
    return Mod(Op.REPLACE, name, wanted) if set(wanted) != set(present) else None
