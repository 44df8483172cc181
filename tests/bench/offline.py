"""A directory that takes a first load as LDIF for `slapadd`, so that a large world is there in minutes. What is
written is what the real cycle decided; only the wire is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from provisiond.adapters.directory.ldif import ldif
from provisiond.domain.changes import AddEntry, Change, Join
from provisiond.domain.model import Entry, Observed
from provisiond.ports import Done, Drift, Marked, Outcome, Surveyed


class OfflineDirectory:
    """An empty tree. `finish` writes the groups; the file then goes to `slapadd`, which runs no overlay: memberOf
    is written out."""

    def __init__(self, file: Path) -> None:
        self._file: TextIO = file.open("w", encoding="utf-8")
        self._members: dict[str, list[str]] = {}

    def check(self) -> list[str]:
        return []

    def observe(self, people: Mapping[str, str]) -> dict[str, Observed]:
        return {person: Observed(None, None, frozenset()) for person in people}

    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        return {prefix: frozenset() for prefix in prefixes}

    def survey(self) -> Iterator[Surveyed]:
        return iter(())

    def candidates(self) -> Iterator[Entry]:
        return iter(())

    def drift(self, since: str | None) -> Drift:
        return Drift(since or "")

    def marked(self, *, authors: bool = False) -> Iterator[Marked]:
        return iter(())

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        for batch in batches:
            groups = tuple(change.group for change in batch if isinstance(change, Join))
            for change in batch:
                if isinstance(change, AddEntry):
                    self._write(change, groups)
                elif isinstance(change, Join):
                    self._members.setdefault(change.group, []).append(change.dn)
        return [Done()] * len(batches)

    def close(self) -> None:
        self._file.close()

    def write_groups(self, file: Path) -> None:
        """The memberships, for `slapmodify`: the groups are in the tree already."""
        with file.open("w", encoding="utf-8") as out:
            for group, members in self._members.items():
                out.write(f"dn: {group}\nchangetype: modify\nadd: member\n")
                out.writelines(f"member: {member}\n" for member in members)
                out.write("-\n\n")

    def _write(self, change: AddEntry, groups: tuple[str, ...]) -> None:
        attributes = dict(change.entry.attributes)
        if groups and change.what == "account":
            attributes["memberOf"] = groups
        record = ldif([AddEntry(change.what, Entry(change.dn, attributes))])
        self._file.write(record.removeprefix("version: 1\n").replace("changetype: add\n", ""))
