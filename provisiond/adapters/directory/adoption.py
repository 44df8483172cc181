"""What is missing in an entry that is there already and is ours: the half-made work of an interrupted cycle.

Pure. That it is ours is decided by writing.py."""

from __future__ import annotations

from provisiond.domain.changes import Mod, Op
from provisiond.domain.entries import INITIAL, SHARED
from provisiond.domain.model import Attributes, Entry


def missing(wanted: Entry, present: Attributes) -> tuple[Mod, ...]:
    """The modifications that make `present` say what `wanted` says; what only `present` has stays."""
    mods = (_mod(name, values, present.get(name, ())) for name, values in wanted.attributes.items())
    return tuple(mod for mod in mods if mod is not None)


def _mod(name: str, wanted: tuple[str, ...], present: tuple[str, ...]) -> Mod | None:
    if name in SHARED:
        known = {value.casefold() for value in present}
        absent = tuple(value for value in wanted if value.casefold() not in known)
        return Mod(Op.ADD, name, absent) if absent else None
    if name in INITIAL and present:
        return None
    return Mod(Op.REPLACE, name, wanted) if set(wanted) != set(present) else None
