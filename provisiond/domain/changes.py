"""A change is data: one directory update with its own sentence. Planned here, carried out by the directory
adapter, printed as LDIF by the CLI: one object for all three, so that a dry run cannot lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from provisiond.domain.model import Attributes, Entry
from provisiond.domain.spelling import spelt


class Op(StrEnum):
    """RFC 4511 §4.6. `REPLACE` with no values removes the attribute; ADD and DELETE name values."""

    ADD = "add"
    DELETE = "delete"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Mod:
    """One modification of one attribute (with options, as `cn;lang-zh`). DELETE always names values."""

    op: Op
    attribute: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddEntry:
    """A new entry; `what` is the word for it in sentences: account, listing."""

    kind: ClassVar = "create"
    what: str
    entry: Entry

    @property
    def dn(self) -> str:
        return self.entry.dn

    @property
    def sentence(self) -> str:
        return f"create {self.what} {self.dn}"


@dataclass(frozen=True, slots=True)
class ModifyEntry:
    """A change of an entry that carries `person_id`; the adapter refuses one that does not (any more).

    `csn` and `seen` are what it was decided on: the change number of the entry, the values of the attributes to
    be replaced. Not part of what it does (a plan's hash leaves them out); None: whatever is there."""

    kind: ClassVar = "change"
    what: str
    dn: str
    person_id: str
    mods: tuple[Mod, ...]
    csn: str | None = field(default=None, compare=False, repr=False)
    seen: Attributes | None = field(default=None, compare=False, repr=False)

    @property
    def sentence(self) -> str:
        attributes = dict.fromkeys(spelt(mod.attribute) for mod in self.mods)
        return f"change {self.what} {self.dn}: {', '.join(attributes)}"


@dataclass(frozen=True, slots=True)
class AdoptEntry:
    """Make an entry that another tool made ours: `mods` add the mark of `person_id`, among others. Refused where the
    entry carries the mark of another, or changed since `csn` or in what was `seen` (as in ModifyEntry)."""

    kind: ClassVar = "adopt"
    what: str
    dn: str
    person_id: str
    mods: tuple[Mod, ...]
    csn: str | None = field(default=None, compare=False, repr=False)
    seen: Attributes | None = field(default=None, compare=False, repr=False)

    @property
    def sentence(self) -> str:
        attributes = dict.fromkeys(spelt(mod.attribute) for mod in self.mods)
        return f"adopt {self.what} {self.dn}: {', '.join(attributes)}"


@dataclass(frozen=True, slots=True)
class DeleteEntry:
    """Removal of an entry that carries `person_id`; `csn` as in ModifyEntry."""

    kind: ClassVar = "remove"
    what: str
    dn: str
    person_id: str
    csn: str | None = field(default=None, compare=False, repr=False)

    @property
    def sentence(self) -> str:
        return f"remove {self.what} {self.dn}"


@dataclass(frozen=True, slots=True)
class Join:
    """Membership by value of the account `dn` in `group`. Already a member: no error."""

    kind: ClassVar = "join"
    what: ClassVar = "membership"
    group: str
    dn: str

    @property
    def sentence(self) -> str:
        return f"add {self.dn} to {self.group}"


@dataclass(frozen=True, slots=True)
class Leave:
    """Removal of the member value `dn` from `group`. Not a member: no error."""

    kind: ClassVar = "leave"
    what: ClassVar = "membership"
    group: str
    dn: str

    @property
    def sentence(self) -> str:
        return f"take {self.dn} out of {self.group}"


Change = AddEntry | ModifyEntry | AdoptEntry | DeleteEntry | Join | Leave
