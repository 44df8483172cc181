"""The directory: what may become of a change, what entries show, what was done to them by others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from provisiond.domain.changes import Change
from provisiond.domain.errors import ProvisiondError
from provisiond.domain.model import Entry, Observed


@dataclass(frozen=True, slots=True)
class Done:
    """The server said yes to every change."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server (or the ownership check) said no to `change`; earlier changes of the list took effect."""

    change: Change
    code: int
    text: str

    @property
    def sentence(self) -> str:
        return f"the directory refused to {self.change.sentence}: {self.text} ({self.code})"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Whether `change` took effect could not be read back; the next cycle looks."""

    change: Change
    text: str

    @property
    def sentence(self) -> str:
        return f"it is not known whether the directory did {self.change.sentence}: {self.text}"


Outcome = Done | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One entry of the whole tree: `names` are lower-case uid values and local parts of mail addresses."""

    dn: str
    names: frozenset[str]
    person_id: str | None
    csn: str


class Kind(StrEnum):
    """What an entry with a person's ID is, by its place."""

    ACCOUNT = "account"
    LISTING = "listing"
    OTHER = "other"  # elsewhere under the base: not ours to have


@dataclass(frozen=True, slots=True)
class Sighting:
    """A marked entry as it was when it was right. `entry_id`: 16 bytes that stay the entry's whatever its name;
    `state`: 8 bytes that change with its content and memberships (None: it was not right when seen). `checked`: it
    was looked at whole; else it is right because we were the last to change it."""

    entry_id: bytes
    person_id: str
    kind: Kind
    state: bytes | None
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Marked:
    """A marked entry as it is. `ours`: we were the last to change it, as far as the server tells (in doubt: no)."""

    dn: str
    sighting: Sighting
    ours: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """What happened to entries since the last look. `watermark`: where the next one begins; `person_ids`: whose
    marked entries others changed; `seen`: marked entries changed by anybody, with a state where it was us;
    `touched`: IDs of entries that were deleted by anybody or changed by others, marked or not (whose they were
    before, the ledger knows).
    `deleted`: some may be gone and the server cannot tell which; `memberships`: others changed a managed group.
    Both call for a comparison of everything."""

    watermark: str
    person_ids: frozenset[str] = frozenset()
    seen: tuple[Sighting, ...] = ()
    touched: frozenset[bytes] = frozenset()
    deleted: bool = False
    memberships: bool = False


class Directory(Protocol):
    """The university directory. Only entries that carry a person's ID are ever changed or deleted."""

    def check(self) -> list[ProvisiondError]:
        """Faults found by connecting, binding, whoami, schema and bases; empty when all is well."""
        ...

    def observe(self, people: Mapping[str, str]) -> dict[str, Observed]:
        """`people`: person ID → account name. Entries are found by the person's ID (not by name); groups
        from `memberOf`. Every person asked for is in the answer, `clash` set where several entries carry the ID.
        Raises UnavailableError when the answer is not known to be complete."""
        ...

    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        """For each prefix the lower-case `uid` values and local parts of `mail` anywhere under the base,
        ours or not, that start with it: one indexed search per batch of prefixes."""
        ...

    def uid_numbers(self, first: int, last: int) -> frozenset[int]:
        """Those from `first` to `last` that any entry under the base has."""
        ...

    def survey(self) -> Iterator[Surveyed]:
        """Every entry under the base that has a name or our mark, a page at a time. Raises UnavailableError
        when the answer is not known to be complete."""
        ...

    def drift(self, since: str | None) -> Drift:
        """What others did to marked entries since that watermark (None: nothing is asked, only where to begin),
        at no cost per untouched entry."""
        ...

    def marked(self, *, authors: bool = False) -> Iterator[Marked]:
        """Every marked entry under the base, one by one, in no order; with their state. `ours` is asked for with
        `authors` only. Raises UnavailableError, in the end, unless these were all."""
        ...

    def candidates(self) -> Iterator[Entry]:
        """Every entry of a person under the base, whoever made it, whole and with its change number; listings left
        out. Raises UnavailableError, in the end, unless these were all."""
        ...

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        """Carry out each batch (one person's changes, in order); one outcome per batch, same order. A
        refused change ends its own batch only. Safe to repeat. An AddEntry whose DN holds an entry
        with the same person ID is turned into the missing modifications; with another or none: Refused.
        Batches are written side by side. What was not answered is read back before it is sent again; what
        cannot be read back (or was not sent any more) is Unknown. Raises UnavailableError when nothing at all
        is known to be done."""
        ...

    def close(self) -> None: ...
