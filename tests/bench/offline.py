"""A directory that takes a first load as LDIF for `slapadd`, so that a large world is there in minutes. What is
written is what the real cycle decided; only the wire is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from provisiond.adapters.directory.ldif import ldif
from provisiond.domain.changes import AddEntry, Change, Join
from provisiond.domain.errors import ProvisiondError
from provisiond.domain.model import Entry, Observed
from provisiond.ports import Done, Drift, Marked, Outcome, Surveyed


class OfflineDirectory:
    """An empty tree. The file goes to `slapadd`, which runs no overlay: memberOf is written out. `groups_file`, for
    `slapmodify`, has the memberships: the groups are in the tree already."""

    def __init__(self, file: Path) -> None:
        self.groups_file = file.with_suffix(".groups")
        self._file: TextIO = file.open("w", encoding="utf-8")
        self._groups: TextIO = self.groups_file.open("w", encoding="utf-8")

    def check(self) -> list[ProvisiondError]:
        return []

    def observe(self, people: Mapping[str, str]) -> dict[str, Observed]:
        return {person: Observed(None, None, frozenset()) for person in people}

    def names_with_prefixes(self, prefixes: Iterable[str]) -> dict[str, frozenset[str]]:
        return {prefix: frozenset() for prefix in prefixes}

    def uid_numbers(self, first: int, last: int) -> frozenset[int]:
        return frozenset()

    def survey(self) -> Iterator[Surveyed]:
        return iter(())

    def candidates(self) -> Iterator[Entry]:
        return iter(())

    def drift(self, since: str | None) -> Drift:
        return Drift(since or "")

    def marked(self, *, authors: bool = False) -> Iterator[Marked]:
        return iter(())

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        members: dict[str, list[str]] = {}
        for batch in batches:
            groups = tuple(change.group for change in batch if isinstance(change, Join))
            for change in batch:
                if isinstance(change, AddEntry):
                    self._write(change, groups)
                elif isinstance(change, Join):
                    members.setdefault(change.group, []).append(change.dn)
        for group, dns in members.items():
            self._groups.write(f"dn: {group}\nchangetype: modify\nadd: member\n")
            self._groups.writelines(f"member: {dn}\n" for dn in dns)
            self._groups.write("-\n\n")
        return [Done()] * len(batches)

    def close(self) -> None:
        self._file.close()
        self._groups.close()

    def _write(self, change: AddEntry, groups: tuple[str, ...]) -> None:
        attributes = dict(change.entry.attributes)
        if groups and change.what == "account":
            attributes["memberOf"] = groups
        record = ldif([AddEntry(change.what, Entry(change.dn, attributes))])
        self._file.write(record.removeprefix("version: 1\n").replace("changetype: add\n", ""))
