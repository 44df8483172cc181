"""A database as a registry: a whole query, or what changed since the last time and now and then the whole.

How the database is reached is database.py's, how far it was read watermark.py's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import cast

from provisiond.adapters.digests import Digests
from provisiond.adapters.registry.columns import column_place, columns
from provisiond.adapters.registry.database import Database, Reading
from provisiond.adapters.registry.intake import taken_in
from provisiond.adapters.registry.plausibility import refuse_wrong_age
from provisiond.adapters.registry.records import RecordRows
from provisiond.adapters.registry.refusal import refused
from provisiond.adapters.registry.rows import Ending
from provisiond.adapters.registry.source import configured
from provisiond.adapters.registry.sql_source import SqlSource
from provisiond.adapters.registry.watermark import Value, Watermark, instant
from provisiond.domain.model import Fetch
from provisiond.ports import Clock, FetchMemory

MOST_STUDENTS = 500  # that are unsettled and asked for one by one; with more the whole is read

Batch = Sequence[Sequence[object]]


class SqlRegistry:
    """A `ports.Registry` on a query. Keeps nothing between fetches."""

    def __init__(self, source: SqlSource, digests: Digests, clock: Clock, zone: tzinfo) -> None:
        self._source, self._digests, self._clock, self._zone = source, digests, clock, zone

    @property
    def name(self) -> str:
        return self._source.name

    def fetch(self, today: date, memory: FetchMemory) -> Fetch:
        rows = SqlRows(self._source, memory, self._clock.now(), self._zone)
        return taken_in(rows, self._source, self._digests, today, memory)


class SqlRows(RecordRows):
    """A `rows.RowSource`: one reading of the query."""

    def __init__(self, source: SqlSource, memory: FetchMemory, now: datetime, zone: tzinfo) -> None:
        self._source, self._now, self._zone = source, now, zone
        self._database = Database(source)
        self._last = Watermark.of(last.watermark) if (last := memory.last()) else None
        self._unsettled = _unsettled(memory)
        self._complete = self._unsettled is None or not self._is_incremental()
        self._greatest: Value | None = None
        self._newest: datetime | None = None
        super().__init__(self._database.label, source.expected, zone)

    def chunks(self) -> Iterator[list[bytes]]:
        with self._database.reading() as reading:
            names = reading.columns()
            pick = columns(names, self._source.fields, self.file)
            expected = [column_place(names, name, self.file) for name in self._source.expected]
            notes = [
                self._noted(names, name) for name in (self._source.watermark_column, self._source.age_column)
            ]
            for batch in self._batches(reading, names):
                for row in batch:
                    self._note([None if at is None else row[at] for at in notes])
                yield [
                    self.raw(pick(cast("list[str]", [*row, ""])), [row[at] for at in expected])
                    for row in batch
                ]
        self._refuse()

    def ending(self) -> Ending:
        return Ending(self.digest, self._complete, None, self._watermark())

    # -- which rows ------------------------------------------------------------------------------------

    def _is_incremental(self) -> bool:
        """Whether it is known from where to read on, under this very configuration, and the whole is not due."""
        last = self._last
        return (
            self._source.watermark_column is not None
            and last is not None
            and last.value is not None
            and last.configured == self._configured()
            and last.complete_at <= self._now < last.complete_at + self._source.complete_every
        )

    def _batches(self, reading: Reading, names: Sequence[str]) -> Iterator[Batch]:
        column = self._source.watermark_column
        if self._complete or self._last is None or column is None:
            yield from reading.everything()
            return
        start = self._start(self._last)
        yield from reading.since(start, names[column_place(names, column, self.file)])
        if self._unsettled:  # their rows need not have changed: it is we who are not done with them
            student_id = names[column_place(names, self._source.fields["student_id"], self.file)]
            yield from reading.of_students(self._unsettled, student_id)

    def _start(self, last: Watermark) -> Value:
        try:
            start = last.start(self._source.overlap)
        except ValueError as error:
            cause = f"the watermark column {self._source.watermark_column} {error}"
            raise refused(self.file, cause, "mend `overlap` or `watermark_column`") from None
        assert start is not None  # `_is_incremental`
        return start

    def _configured(self) -> str:
        source = self._source
        return configured(source, source.query, source.url, source.watermark_column, source.expected)

    # -- what is noted on the way ------------------------------------------------------------------------

    def _noted(self, names: Sequence[str], column: str | None) -> int | None:
        return None if column is None else column_place(names, column, self.file)

    def _note(self, values: Sequence[object]) -> None:
        mark, age = values
        if mark is not None:
            self._greatest = self._greater(mark)
        if age is not None and (found := instant(age, self._zone)):
            self._newest = max(self._newest or found, found)

    def _greater(self, mark: object) -> Value:
        value = int(mark) if isinstance(mark, Decimal) and mark == mark.to_integral_value() else mark
        try:
            if not isinstance(value, date | int | str):
                raise TypeError
            return value if self._greatest is None else max(self._greatest, value)
        except TypeError:
            cause = f"the watermark column {self._source.watermark_column} does not hold times, whole numbers or text"
            raise refused(self.file, cause, "choose another one") from None

    def _watermark(self) -> str | None:
        if self._source.watermark_column is None:
            return None
        value, since = self._greatest, self._now
        if not self._complete and self._last:
            since = self._last.complete_at
            value = self._last.value if value is None else self._greater(self._last.value)
        return Watermark(value, since, self._configured()).text()

    def _refuse(self) -> None:
        if self._complete:
            self.refuse_empty()
            if self._source.age_column:
                refuse_wrong_age(self.file, self._newest, self._now, self._source.maximum_age)
        refuse_wrong_age(self.file, instant(self._greatest, self._zone), self._now, None)


def _unsettled(memory: FetchMemory) -> tuple[str, ...] | None:
    """Students whose rows must be seen again; None: too many, or one that cannot be asked for."""
    found: set[str] = set()
    for block in memory.blocks(memory.unsettled()):
        for key in block.rows:
            if not key.settled and key.student_id is None:
                return None
            if not key.settled and key.student_id:
                found.add(key.student_id)
        if len(found) > MOST_STUDENTS:
            return None
    return tuple(sorted(found))
