"""What a second fetch looks at, given what is remembered of the first: changes, doubts, absences, on real files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from provisiond.adapters.clock import SystemClock
from provisiond.adapters.registry.csv_drop import CsvRegistry
from provisiond.domain.model import Fetch
from tests.rigs.memory import FakeMemory
from tests.rigs.registry import DIGESTS, TODAY, a_row, a_source, records_of, write_rows

HKID, OTHER_HKID = "A123456(3)", "C123456(9)"
COUNT = 300
Row = dict[str, str]


def a_student(number: int, **overrides: str) -> Row:
    return a_row(student_id=f"S{number:04}") | overrides


@pytest.fixture
def rows() -> list[Row]:
    return [a_student(number) for number in range(COUNT)]


class Drop:
    """A file and the memory of the cycles that read it."""

    def __init__(self, path: Path) -> None:
        self.path, self.memory = path, FakeMemory()

    def fetch(self, rows: Sequence[Row], **settings: Any) -> Fetch:
        write_rows(self.path, rows)
        self.memory.read = 0
        return CsvRegistry(a_source(self.path, **settings), DIGESTS, SystemClock()).fetch(TODAY, self.memory)

    def cycle(self, rows: Sequence[Row], *unfinished: str) -> Fetch:
        fetch = self.fetch(rows)
        self.memory.take(fetch, unfinished)
        return fetch


@pytest.fixture
def drop(tmp_path: Path, rows: list[Row]) -> Drop:
    """Read once."""
    made = Drop(tmp_path / "students.csv")
    made.cycle(rows)
    return made


def staged(fetch: Fetch) -> list[tuple[str, str]]:
    return [(record.student_id, record.programme) for record in records_of(fetch)]


def reasons(fetch: Fetch) -> dict[int, tuple[str, ...]]:
    return {rejection.line: rejection.reasons for rejection in fetch.rejections}


# -- what is looked at -----------------------------------------------------------------------------------
def test_of_an_unchanged_file_nothing_is_looked_at(drop: Drop, rows: list[Row]) -> None:
    fetch = drop.fetch(rows)
    assert (fetch.rows, staged(fetch), list(fetch.blocks), fetch.gone) == (COUNT, [], [], ())
    assert fetch.kept == drop.memory.settled()
    assert drop.memory.read == 0


def test_of_a_changed_file_the_blocks_that_changed_are(drop: Drop, rows: list[Row]) -> None:
    rows[150]["department"] = "Physics"
    rows.insert(20, a_student(COUNT))
    fetch = drop.fetch(rows)
    assert (staged(fetch), fetch.gone) == ([("S0300", "BSC-CS"), ("S0150", "BSC-CS")], ())
    assert drop.memory.read <= 6
    assert drop.memory.settled() > fetch.kept


def test_what_changed_can_be_read_more_than_once_and_by_student(drop: Drop, rows: list[Row]) -> None:
    rows[7]["department"] = rows[3]["department"] = "Physics"
    rows.insert(0, a_student(7, programme="MSC"))
    fetch = drop.fetch(rows)
    assert [(student, len(records)) for student, records in fetch.changed] == [("S0003", 1), ("S0007", 2)]
    assert list(fetch.changed) == list(fetch.changed)
    assert list(fetch.blocks) == list(fetch.blocks)


@pytest.mark.parametrize(
    "settings", [{"date_formats": ("%Y-%m-%d",)}, {"codes": {"status": {"REG": "registered"}}}]
)
def test_another_mapping_makes_every_row_be_read_again(
    drop: Drop, rows: list[Row], settings: dict[str, Any]
) -> None:
    fetch = drop.fetch(rows, **settings)
    assert (len(staged(fetch)), fetch.kept, fetch.rejections, fetch.gone) == (COUNT, frozenset(), (), ())


def test_a_rejected_row_is_looked_at_until_it_is_mended(drop: Drop, rows: list[Row]) -> None:
    rows[9]["level"] = "?"
    for _ in range(2):
        fetch = drop.cycle(rows)
        assert (list(reasons(fetch)), staged(fetch), fetch.gone) == ([11], [], ())
    assert staged(drop.fetch([*rows[:9], a_student(9), *rows[10:]])) == []  # as it was taken over before
    rows[9]["level"] = "taught-postgraduate"
    assert staged(drop.cycle(rows)) == [("S0009", "BSC-CS")]


def test_what_a_cycle_did_not_finish_comes_again(drop: Drop, rows: list[Row]) -> None:
    """And is no twin of what was committed before it."""
    rows[9]["department"] = "Physics"
    drop.cycle(rows, "S0009")
    fetch = drop.cycle(rows)
    assert (staged(fetch), fetch.rejections) == ([("S0009", "BSC-CS")], ())
    assert staged(drop.fetch(rows)) == []


def test_records_of_a_rebuilt_ledger_contradict_nothing(drop: Drop, rows: list[Row]) -> None:
    """It knows records but not in which rows they stood."""
    drop.memory.remembered.clear()
    fetch = drop.cycle([row | {"department": "Physics"} for row in rows])
    assert (len(staged(fetch)), fetch.rejections) == (COUNT, ())
    assert staged(drop.fetch([row | {"department": "Physics"} for row in rows])) == []


# -- who is gone -----------------------------------------------------------------------------------------
def test_who_is_named_no_more_is_said_once(drop: Drop, rows: list[Row]) -> None:
    del rows[40]
    assert drop.cycle(rows).gone == (("S0040", "BSC-CS"),)
    assert drop.cycle(rows).gone == ()


def test_a_row_that_stood_twice_is_not_gone_when_it_stands_once(drop: Drop, rows: list[Row]) -> None:
    for place in (250, 10):
        drop.cycle([*rows[:place], rows[100], *rows[place:]])
        fetch = drop.cycle(rows)
        assert (fetch.gone, fetch.rejections) == ((), ())
    assert drop.cycle([*rows[:100], *rows[101:]]).gone == (("S0100", "BSC-CS"),)


def test_a_row_that_stood_twice_from_the_beginning_is_not_gone_either(drop: Drop, rows: list[Row]) -> None:
    for place in (250, 10):
        drop.memory = FakeMemory()
        drop.cycle([*rows[:place], rows[100], *rows[place:]])
        assert drop.fetch(rows).gone == ()
        assert drop.fetch([*rows[:100], *rows[101:place], rows[100], *rows[place:]]).gone == ()


def test_doubt_makes_nobody_gone(drop: Drop, rows: list[Row]) -> None:
    """A bad row of the same student, with another programme."""
    rows[40] |= {"programme": "MSC", "level": "?"}
    for _ in range(2):
        assert drop.cycle(rows).gone == ()
    rows[40]["level"] = "undergraduate"
    assert drop.cycle(rows).gone == (("S0040", "BSC-CS"),)


def test_while_a_new_row_is_unreadable_nobody_is_gone_and_nobody_is_forgotten(
    drop: Drop, rows: list[Row]
) -> None:
    """Whoever is missing may stand in it; when it stays, it is none of those who go later."""
    rows[40]["student_id"] = ""
    assert drop.cycle(rows).gone == ()
    assert drop.cycle(rows).gone == (("S0040", "BSC-CS"),)
    del rows[60]
    assert drop.cycle(rows).gone == (("S0060", "BSC-CS"),)


# -- contradictions with what was taken over -------------------------------------------------------------
def test_a_twin_of_a_row_taken_over_is_rejected_and_the_old_one_stays(drop: Drop, rows: list[Row]) -> None:
    rows.insert(0, a_student(200, status="withdrawn"))
    for _ in range(2):
        fetch = drop.cycle(rows)
        assert reasons(fetch) == {
            2: ("the same student ID and programme with other content in a row taken over before",)
        }
        assert (staged(fetch), fetch.gone) == ([], ())
    del rows[201]
    assert staged(drop.cycle(rows)) == [("S0200", "BSC-CS")]


def test_another_person_under_a_known_student_id_is_rejected(drop: Drop, rows: list[Row]) -> None:
    rows.insert(0, a_student(200, surname="WONG", programme="MSC"))
    assert reasons(drop.cycle(rows)) == {
        2: ("the same student ID with another name, birth date or HKID number in a row taken over before",)
    }
    rows[201]["surname"] = "WONG"
    assert staged(drop.cycle(rows)) == [("S0200", "MSC"), ("S0200", "BSC-CS")]


def test_a_known_student_id_in_another_case_is_rejected(drop: Drop, rows: list[Row]) -> None:
    rows.insert(0, a_student(200, programme="MSC") | {"student_id": "s0200"})
    assert list(reasons(drop.fetch(rows))) == [2]


def test_the_hkid_of_a_student_taken_over_is_no_others(drop: Drop, rows: list[Row]) -> None:
    rows[200]["hkid"] = HKID
    drop.cycle(rows)
    rows[10]["hkid"] = "a 123456 3"
    for _ in range(2):
        assert reasons(drop.cycle(rows)) == {
            12: ("the same HKID number with another student ID in a row taken over before",)
        }
    rows[200]["hkid"] = OTHER_HKID
    fetch = drop.cycle(rows)
    assert (staged(fetch), fetch.rejections) == ([("S0010", "BSC-CS"), ("S0200", "BSC-CS")], ())


def test_who_went_keeps_no_hkid_from_others(drop: Drop, rows: list[Row]) -> None:
    rows[200]["hkid"] = HKID
    drop.cycle(rows)
    del rows[200]
    rows[10]["hkid"] = HKID
    fetch = drop.cycle(rows)
    assert (fetch.rejections, fetch.gone) == ((), (("S0200", "BSC-CS"),))
    assert staged(fetch) == [("S0010", "BSC-CS")]
