"""What is the same for every source, on one in memory: incremental fetches, and a source that says "unchanged"."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from provisiond.adapters.registry.blocks import RawBlock, raw_blocks
from provisiond.adapters.registry.intake import taken_in, unchanged
from provisiond.adapters.registry.outline import Outline
from provisiond.adapters.registry.rows import Cells, Ending, Fault
from provisiond.adapters.registry.source import FIELDS
from provisiond.domain.errors import UnsafeFetchError
from provisiond.domain.model import Fetch
from tests.rigs.memory import FakeMemory
from tests.rigs.registry import DIGESTS, TODAY, a_row, a_source, records_of

Row = dict[str, str]


class ListRows:
    """A `RowSource`. `complete` False: changes only."""

    def __init__(self, rows: Sequence[Row], *, complete: bool) -> None:
        self.raw = [json.dumps([row.get(f, "") for f in FIELDS], ensure_ascii=False).encode() for row in rows]
        self.complete = complete
        self.file, self.first_line, self.salt = "students", 1, ("list",)

    def pieces(self, salt: bytes, outline: Outline) -> Iterator[RawBlock]:
        return raw_blocks([self.raw], self.first_line, salt)

    def cells(self, row: bytes, line: int) -> Cells | Fault:
        found = json.loads(row)
        return tuple(found) if len(found) == len(FIELDS) else Fault("not all columns")

    def ending(self) -> Ending:
        digest = hashlib.sha256(b"\n".join(self.raw)).hexdigest()
        return Ending(digest, self.complete, etag="e1", watermark=f"w{len(self.raw)}")


SOURCE = a_source(Path("unused"))


def a_student(number: int, **overrides: str) -> Row:
    return a_row(student_id=f"S{number:04}") | overrides


def fetched(memory: FakeMemory, rows: Sequence[Row], *, complete: bool = True) -> Fetch:
    fetch = taken_in(ListRows(rows, complete=complete), SOURCE, DIGESTS, TODAY, memory)
    memory.take(fetch)
    return fetch


def staged(fetch: Fetch) -> list[str]:
    return [record.student_id for record in records_of(fetch)]


@pytest.fixture
def rows() -> list[Row]:
    return [a_student(number) for number in range(200)]


@pytest.fixture
def memory(rows: list[Row]) -> FakeMemory:
    """Of a complete fetch."""
    made = FakeMemory()
    fetched(made, rows)
    return made


def test_how_a_source_ended_is_in_the_fetch(memory: FakeMemory, rows: list[Row]) -> None:
    fetch = fetched(memory, rows[:3], complete=False)
    assert (fetch.complete, fetch.etag, fetch.watermark, fetch.rows) == (False, "e1", "w3", 3)


def test_an_incremental_fetch_gives_what_is_new_and_makes_nobody_gone(memory: FakeMemory) -> None:
    """Its overlap with what is known is no change."""
    given = [a_student(5), a_student(6, department="Physics"), a_student(300)]
    fetch = fetched(memory, given, complete=False)
    assert (staged(fetch), fetch.gone, fetch.rejections) == (["S0006", "S0300"], (), ())
    assert staged(fetched(memory, given, complete=False)) == []


def test_a_complete_fetch_knows_the_rows_of_incremental_ones(memory: FakeMemory, rows: list[Row]) -> None:
    new = [a_student(6, department="Physics"), a_student(300)]
    fetched(memory, new, complete=False)
    rows[6] = new[0]
    assert staged(fetched(memory, [*rows, new[1]])) == []
    assert fetched(memory, rows).gone == (("S0300", "BSC-CS"),)


def test_who_came_and_went_between_two_complete_fetches_is_gone(memory: FakeMemory, rows: list[Row]) -> None:
    fetched(memory, [a_student(300)], complete=False)
    assert fetched(memory, rows).gone == (("S0300", "BSC-CS"),)


def test_a_row_put_back_as_it_was_is_read_again(memory: FakeMemory, rows: list[Row]) -> None:
    """Though its block was remembered: an incremental fetch had replaced it meanwhile."""
    fetched(memory, [a_student(6, department="Physics")], complete=False)
    assert memory.unsettled()
    assert staged(fetched(memory, rows)) == ["S0006"]
    assert memory.unsettled() == frozenset()


def test_an_incremental_row_that_contradicts_others_is_rejected(memory: FakeMemory) -> None:
    other_name = a_student(6, programme="MSC", surname="WONG")
    fetch = fetched(memory, [other_name, a_student(7, surname="WONG")], complete=False)
    assert [rejection.line for rejection in fetch.rejections] == [1]
    assert staged(fetch) == ["S0007"]


def test_a_source_that_says_unchanged_keeps_everything(memory: FakeMemory) -> None:
    fetch = unchanged(SOURCE, "students", memory)
    assert (fetch.rows, fetch.digest) == (200, memory.mark and memory.mark.digest)
    assert (fetch.kept, list(fetch.blocks), list(fetch.changed)) == (memory.settled(), [], [])
    assert (fetch.etag, fetch.watermark, fetch.complete) == ("e1", "w200", True)


def test_most_rows_bad_is_judged_over_all_rows(memory: FakeMemory, rows: list[Row]) -> None:
    """Also those that were not looked at; garbled letters likewise, over the rows that hold other than ASCII."""
    bad = [a_student(number, level="?") for number in range(90)]
    assert len(fetched(memory, [*bad, *rows[90:]]).rejections) == 90
    with pytest.raises(UnsafeFetchError, match="101 of 200 rows"):
        fetched(memory, [*(row | {"level": "?"} for row in rows[:101]), *rows[101:]])
    garbled = [a_student(number, surname="MÃ¼ller") for number in range(3)]
    chinese = [row | {"chinese_name": "陳大文"} for row in rows[3:]]
    fetched(memory, [*rows[:3], *chinese])
    assert len(fetched(memory, [*garbled, *chinese]).rejections) == 3
    with pytest.raises(UnsafeFetchError, match="3 of 3 lines"):
        fetched(memory, [*garbled, *rows[3:]])
