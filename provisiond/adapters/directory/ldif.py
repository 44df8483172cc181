"""Changes as LDIF change records (RFC 2849), as `ldapmodify` reads them: what a dry run shows, a log keeps.

Pure: the same objects that the directory adapter carries out. Secrets are never written out."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence

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
from provisiond.domain.spelling import spelt

WIDTH = 76
REDACTED = "(redacted)"
# whatever the option or scheme; compared without options, in lower case
_SECRETS = frozenset({"userpassword", "oathsecret", "sambantpassword", "sambalmpassword", "krbprincipalkey"})


def ldif(changes: Iterable[Change]) -> str:
    """The records in order, with a blank line between; empty for no changes."""
    records = ["\n".join(_record(change)) + "\n" for change in changes]
    return "version: 1\n\n" + "\n".join(records) if records else ""


def _record(change: Change) -> Iterator[str]:
    match change:
        case AddEntry(entry=entry):
            yield from (_line("dn", entry.dn), "changetype: add")
            for name, values in entry.attributes.items():
                yield from (_line(spelt(name), value) for value in _shown(name, values))
        case ModifyEntry(dn=dn, mods=mods) | AdoptEntry(dn=dn, mods=mods):
            yield from _modify(dn, mods)
        case DeleteEntry(dn=dn):
            yield from (_line("dn", dn), "changetype: delete")
        case Join(group=group, dn=dn):
            yield from _modify(group, (Mod(Op.ADD, "member", (dn,)),))
        case Leave(group=group, dn=dn):
            yield from _modify(group, (Mod(Op.DELETE, "member", (dn,)),))


def _modify(dn: str, mods: Sequence[Mod]) -> Iterator[str]:
    yield from (_line("dn", dn), "changetype: modify")
    for mod in mods:
        name = spelt(mod.attribute)
        yield _line(mod.op.value, name)
        yield from (_line(name, value) for value in _shown(name, mod.values))
        yield "-"


def _shown(name: str, values: Sequence[str]) -> Sequence[str]:
    secret = name.partition(";")[0].lower() in _SECRETS
    return [REDACTED] * len(values) if secret else values


def _line(name: str, value: str) -> str:
    if _is_safe(value):
        return _folded(f"{name}: {value}" if value else f"{name}:")
    return _folded(f"{name}:: {base64.b64encode(value.encode()).decode('ascii')}")


def _is_safe(value: str) -> bool:
    """SAFE-STRING of RFC 2849, and no blank at the end, which is lost to the eye."""
    plain = value.isascii() and not any(c in value for c in "\0\r\n")
    return plain and not value.startswith((" ", ":", "<")) and not value.endswith(" ")


def _folded(line: str) -> str:
    """Continuation lines start with one blank, which is not part of the value."""
    rest = range(WIDTH, len(line), WIDTH - 1)
    return "\n ".join((line[:WIDTH], *(line[start : start + WIDTH - 1] for start in rest)))
