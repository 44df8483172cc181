"""One look at what others did to our entries since the last one: who must be looked at, and what the ledger is to
remember of it. Costs what changed; everything is compared only where the server cannot tell, or where others changed
a managed group."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from provisiond.comparison import Comparison
from provisiond.ports import Directory, Drift, Ledger


@dataclass(frozen=True, slots=True)
class Look:
    """`student_ids`: whose entries others touched; `owners`: of touched entries, as the ledger knew them (student
    IDs). Call `remember` when they were looked at, and `close`."""

    student_ids: frozenset[str]
    drift: Drift
    owners: Mapping[bytes, str]
    comparison: Comparison | None

    def remember(self, ledger: Ledger, unfinished: Collection[str]) -> None:
        """`unfinished`: students of whom something was to be done, or could not be. The next look begins where
        this one began."""
        if self.comparison:
            self.comparison.clear(unfinished)
            ledger.sight(self.comparison.news(), self.comparison.gone())
        else:
            # what was not made again is still missed by the next comparison
            gone = {entry_id for entry_id, who in self.owners.items() if who not in unfinished}
            ledger.sight(self.drift.seen, gone - {seen.entry_id for seen in self.drift.seen})
        ledger.set_watermark(self.drift.watermark)

    def close(self) -> None:
        if self.comparison:
            self.comparison.close()


def look(directory: Directory, ledger: Ledger) -> Look:
    """Asks the directory only; nothing is remembered yet."""
    drift = directory.drift(ledger.watermark())
    comparison, students = None, set[str]()
    if drift.deleted or drift.memberships:
        # to have changed an entry last says nothing of memberships, which it only shows
        comparison = Comparison(directory, ledger, trusting=not drift.memberships)
        students.update(comparison.suspects())
    owners = ledger.owners(drift.touched)
    known = ledger.load(drift.person_ids.union(owners.values()))
    students.update(account.student_id for account in known.values())
    of_entries = {entry: known[person].student_id for entry, person in owners.items() if person in known}
    return Look(frozenset(students), drift, of_entries, comparison)
