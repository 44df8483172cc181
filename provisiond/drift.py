"""One look at what others did to our entries since the last one: who must be looked at, and what the ledger is to
remember of it. Costs what changed; everything is compared only where the server cannot tell, or where others changed
a managed group."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from provisiond.comparison import Comparison
from provisiond.ports import Directory, Drift, Ledger


@dataclass(frozen=True, slots=True)
class Look:
    """`student_ids`: whose entries others touched. Call `remember` when they were looked at, and `close`."""

    student_ids: frozenset[str]
    drift: Drift
    comparison: Comparison | None

    def remember(self, ledger: Ledger, unfinished: Collection[str]) -> None:
        """`unfinished`: students of whom something was to be done, or could not be. The next look begins where
        this one began."""
        if self.comparison:
            self.comparison.clear(unfinished)
            ledger.sight(self.comparison.news(), self.comparison.gone())
        else:
            kept = {seen.entry_id for seen in self.drift.seen}
            ledger.sight(self.drift.seen, self.drift.touched - kept)
        ledger.set_watermark(self.drift.watermark)

    def close(self) -> None:
        if self.comparison:
            self.comparison.close()


def look(directory: Directory, ledger: Ledger) -> Look:
    """Asks the directory only; nothing is remembered yet."""
    drift = directory.drift(ledger.watermark())
    comparison, students = None, set[str]()
    if drift.deleted or drift.memberships:
        # an entry that we were the last to change is right, but for the memberships that it only shows
        comparison = Comparison(directory, ledger, trusting=not drift.memberships)
        students.update(comparison.suspects())
    people = drift.person_ids.union(ledger.owners(drift.touched).values())
    students.update(account.student_id for account in ledger.load(people).values())
    return Look(frozenset(students), drift, comparison)
