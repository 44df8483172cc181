"""The CSV drop: one file, read whole or refused whole, its bad records rejected one by one.

Puts the stages together: file → text → table → records → clashes. Each stage is a module beside this one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from provisiond.adapters.digests import Digests
from provisiond.adapters.registry.clashes import Key, key_of, without_clashes
from provisiond.adapters.registry.columns import Pick, columns
from provisiond.adapters.registry.decoding import decoded
from provisiond.adapters.registry.drop_file import chosen_file, whole_bytes
from provisiond.adapters.registry.mapping import RecordMapping
from provisiond.adapters.registry.refusal import refused
from provisiond.adapters.registry.source import FIELDS, CsvSource
from provisiond.adapters.registry.table import Row, table
from provisiond.adapters.registry.values import clean
from provisiond.domain.errors import ConfigError
from provisiond.domain.model import Fetch, RegistryRecord, Rejection

__all__ = ["CsvRegistry", "CsvSource"]

_PROGRAMME = FIELDS.index("programme")
_MINIMUM_ROWS = 4  # fewer say nothing about the whole file


class CsvRegistry:
    """A `ports.Registry` on a file or the newest file of a folder. Keeps nothing between fetches."""

    def __init__(self, source: CsvSource, digests: Digests) -> None:
        if faults := source.faults():
            raise ConfigError([f"registry {source.name}: {fault}" for fault in faults])
        self._source = source
        self._digests = digests

    @property
    def name(self) -> str:
        return self._source.name

    def fetch(self, today: date) -> Fetch:
        source = self._source
        path = chosen_file(source.path, source.pattern)
        raw = whole_bytes(path)
        text = decoded(raw, path.name, source.encoding, source.encodings)
        content = table(text, path.name, source.delimiter, source.trailer)
        reading = _Reading(source, path.name, RecordMapping(source, path.name, self._digests, today))
        reading.read(content.rows, len(content.header), columns(content.header, source.fields, path.name))
        _refuse_shifted(reading.rejections, len(content.rows), path.name, source.maximum_rejected_percent)
        records, clashing = without_clashes(reading.records, reading.rejected_keys)
        return Fetch(
            source=source.name,
            file=path.name,
            digest=hashlib.sha256(raw).hexdigest(),
            rows=len(content.rows),
            records=tuple(records),
            rejections=tuple(sorted((*reading.rejections, *clashing), key=lambda rejection: rejection.line)),
        )


class _Reading:
    """Collects what the rows of one file give, row by row."""

    def __init__(self, source: CsvSource, file: str, mapping: RecordMapping) -> None:
        self._source, self._file, self._mapping = source, file, mapping
        self.records: list[RegistryRecord] = []
        self.rejections: list[Rejection] = []
        self.rejected_keys: dict[Key, list[int]] = {}

    def read(self, rows: Iterable[Row], width: int, pick: Pick) -> None:
        for row in rows:
            if row.cells is None or len(row.cells) != width:
                self._reject(row, _shape_fault(row, width), None)
                continue
            cells = pick([*row.cells, ""])
            found = self._mapping.record(row.line, cells)
            if isinstance(found, RegistryRecord):
                self.records.append(found)
            else:
                self._reject(row, found, self._mapping.student_id(cells), clean(cells[_PROGRAMME]))

    def _reject(self, row: Row, reasons: Sequence[str], student_id: str | None, programme: str = "") -> None:
        self.rejections.append(Rejection(self._source.name, self._file, row.line, student_id, tuple(reasons)))
        if student_id:
            self.rejected_keys.setdefault(key_of(student_id, programme), []).append(row.line)


def _shape_fault(row: Row, width: int) -> list[str]:
    """Such a row may be shifted: which cell is the student ID is not known, so none is shown."""
    where = "" if row.last_line == row.line else f" (lines {row.line} to {row.last_line})"
    if row.cells is None:
        return [f"a quotation mark stands where none may, or is not closed{where}"]
    return [f"{len(row.cells)} columns instead of {width}{where}"]


def _refuse_shifted(rejections: Sequence[Rejection], rows: int, file: str, maximum_percent: float) -> None:
    if rows < _MINIMUM_ROWS or len(rejections) * 100 <= rows * maximum_percent:
        return
    causes = Counter(reason for rejection in rejections for reason in rejection.reasons)
    most = "; ".join(f"{reason} ({count} rows)" for reason, count in causes.most_common(5))
    raise refused(
        file,
        f"{len(rejections)} of {rows} rows are bad, so columns are shifted or the mapping is wrong: {most}",
        "compare the header, delimiter, date formats and codes with the configuration",
    )
