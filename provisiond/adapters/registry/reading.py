"""Looks at the rows of the blocks that are not known: unchanged, a record, or rejected with all its reasons.

Counts what speaks against the fetch as a whole: columns shifted throughout, letters garbled throughout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from provisiond.adapters.registry.blocks import RawBlock, mark_of
from provisiond.adapters.registry.mapping import RecordMapping
from provisiond.adapters.registry.recollection import Recollection
from provisiond.adapters.registry.refusal import refused
from provisiond.adapters.registry.rows import Fault, RowSource
from provisiond.adapters.registry.source import FIELDS
from provisiond.adapters.registry.staging import SeenRow, Staging
from provisiond.adapters.registry.values import clean
from provisiond.domain.model import RegistryRecord, Rejection, RowKey

_PROGRAMME = FIELDS.index("programme")
_MINIMUM_ROWS = 4  # fewer say nothing about the whole fetch


class Reading:
    """Of one fetch. `unreadable`: new rows of which nobody can say whose they are."""

    def __init__(
        self,
        rows: RowSource,
        mapping: RecordMapping,
        staging: Staging,
        recollection: Recollection,
        salt: bytes,
    ) -> None:
        self._rows, self._mapping, self._salt = rows, mapping, salt
        self._staging, self._recollection = staging, recollection
        self.rejections: list[Rejection] = []
        self.unreadable = 0

    def look(self, block: RawBlock) -> list[SeenRow]:
        marks = [mark_of(row, self._salt) for row in block.rows]
        unchanged = self._recollection.unchanged(marks)
        seen: list[SeenRow] = []
        records: list[RegistryRecord] = []
        line = block.line
        for place, (row, mark) in enumerate(zip(block.rows, marks, strict=True)):
            if row:
                seen.append((line, unchanged.get(place) or self._read(row, mark, line, records)))
            line += 1 + row.count(b"\n")
        self._staging.stage(records)
        return seen

    def _read(self, row: bytes, mark: bytes, line: int, records: list[RegistryRecord]) -> RowKey:
        cells = self._rows.cells(row, line)
        if isinstance(cells, Fault):  # it may be shifted: which cell is the student ID is not known
            return self._reject(mark, line, (cells.reason,), None, "")
        found = self._mapping.record(line, cells)
        if isinstance(found, RegistryRecord):
            records.append(found)
            return RowKey(mark, found.student_id, found.programme, settled=True)
        return self._reject(mark, line, found, self._mapping.student_id(cells), clean(cells[_PROGRAMME]))

    def _reject(
        self, mark: bytes, line: int, reasons: Sequence[str], student_id: str | None, programme: str
    ) -> RowKey:
        self.rejections.append(self._mapping.rejection(line, student_id, reasons))
        if student_id:
            self._staging.spoil(line, student_id, programme)
        elif not self._recollection.was_unreadable(mark):
            self.unreadable += 1
        return RowKey(mark, student_id, programme, settled=False)

    def refuse_accidents(self, rows: int, foreign: int, maximum_percent: float) -> None:
        """`foreign`: how many of the rows hold other than ASCII."""
        self._refuse_wrong_letters(foreign)
        self._refuse_shifted(rows, maximum_percent)

    def _refuse_wrong_letters(self, foreign: int) -> None:
        """A few garbled rows are rejected one by one; more than a fifth of those with other than ASCII is
        an accident of the whole."""
        garbled = self._mapping.garbled
        if garbled >= 2 and garbled * 5 > foreign:
            raise refused(
                self._rows.file,
                f"wrongly encoded: {garbled} of {foreign} lines with non-ASCII letters hold garbled ones",
                "compare the configured encoding with the export; it may have been converted twice",
            )

    def _refuse_shifted(self, rows: int, maximum_percent: float) -> None:
        bad = len(self.rejections)
        if rows < _MINIMUM_ROWS or bad * 100 <= rows * maximum_percent:
            return
        causes = Counter(reason for rejection in self.rejections for reason in rejection.reasons)
        most = "; ".join(f"{reason} ({count} rows)" for reason, count in causes.most_common(5))
        raise refused(
            self._rows.file,
            f"{bad} of {rows} rows are bad, so columns are shifted or the mapping is wrong: {most}",
            "compare the header, delimiter, date formats and codes with the configuration",
        )
