"""What every source must be beside well-formed: of the right term, fresh, from a clock that goes right; and sources
that only add to others. On files here; databases and services have the same in their own tests."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provisiond.adapters.registry.csv_drop import CsvRegistry
from provisiond.domain.errors import UnsafeFetchError
from provisiond.domain.model import Fetch
from tests.rigs.clock import NOON, StoppedClock
from tests.rigs.memory import FakeMemory
from tests.rigs.registry import COLUMNS, DIGESTS, TODAY, a_row, a_source, write_rows

DAY = timedelta(days=1)


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    path = tmp_path / "students.csv"
    write_rows(path, [a_row(student_id=str(number)) for number in range(4)])
    return dated(path)


def dated(path: Path, age: timedelta = timedelta()) -> Path:
    at = (NOON - age).timestamp()
    os.utime(path, (at, at))
    return path


def fetched(drop: Path, memory: FakeMemory | None = None, **settings: Any) -> Fetch:
    registry = CsvRegistry(a_source(drop, **settings), DIGESTS, StoppedClock())
    return registry.fetch(TODAY, memory or FakeMemory())


def test_a_file_that_is_older_than_allowed_is_refused(drop: Path) -> None:
    assert fetched(drop, maximum_age=DAY).rows == 4
    with pytest.raises(UnsafeFetchError, match="stale"):
        fetched(dated(drop, 2 * DAY), maximum_age=DAY)
    assert fetched(drop).rows == 4, "any age, where nothing is said"


def test_a_file_of_the_future_is_refused(drop: Path) -> None:
    with pytest.raises(UnsafeFetchError, match="in the future: a clock is wrong"):
        fetched(dated(drop, -DAY))


def test_the_sentence_about_an_old_file_is_the_same_at_each_look(drop: Path) -> None:
    """Else the operators would be told again and again."""
    told = set()
    for hours in range(2):
        registry = CsvRegistry(
            a_source(dated(drop, 2 * DAY), maximum_age=DAY), DIGESTS, StoppedClock(NOON + hours * DAY)
        )
        with pytest.raises(UnsafeFetchError) as caught:
            registry.fetch(TODAY, FakeMemory())
        told.add(str(caught.value))
    assert len(told) == 1


def test_a_column_that_is_not_as_expected_is_refused_and_not_shown(drop: Path) -> None:
    assert fetched(drop, expected={"level": "undergraduate"}).rows == 4
    with pytest.raises(UnsafeFetchError) as caught:
        fetched(drop, expected={"Level": "postgraduate"})
    assert "column Level is not as expected (postgraduate), first in line 2" in str(caught.value)
    with pytest.raises(UnsafeFetchError, match="column ACADEMIC_YEAR is missing"):
        fetched(drop, expected={"ACADEMIC_YEAR": ".*"})


def test_rows_that_were_believed_are_looked_at_again_under_another_expectation(drop: Path) -> None:
    memory = FakeMemory()
    memory.take(fetched(drop, memory))
    with pytest.raises(UnsafeFetchError):
        fetched(drop, memory, expected={"LEVEL": "postgraduate"})


def test_a_status_dated_years_ahead_is_rejected(drop: Path) -> None:
    rows = [a_row(student_id=str(number)) for number in range(4)]
    write_rows(drop, [*rows, a_row(student_id="9", status_on="2027-09-01")])
    (rejection,) = fetched(dated(drop)).rejections
    assert "years ahead" in rejection.reasons[0]


def test_a_supplement_needs_no_more_than_it_adds(drop: Path) -> None:
    fields = {"student_id": "STUDENT_ID", "chinese_name": "CHINESE_NAME", "hkid": "HKID"}
    rows = [a_row(student_id=str(number), chinese_name="陳大文") for number in range(4)]
    write_rows(drop, [*rows, a_row(student_id="9", hkid="A123456(4)"), a_row(student_id="")])
    fetch = fetched(dated(drop), supplement=True, fields=fields)
    records = [record for _, found in fetch.changed for record in found]
    assert [(r.student_id, r.chinese_name, r.is_supplement) for r in records] == [
        (str(number), "陳大文", True) for number in range(4)
    ]
    assert [r.reasons for r in fetch.rejections] == [
        ("the HKID number is not valid (form or check digit)",),
        ("the student ID is missing",),
    ]


def test_a_supplement_row_that_is_there_twice_contradicts_itself(drop: Path) -> None:
    fields = {"student_id": "STUDENT_ID", "preferred_name": "PREFERRED_NAME"}
    rows = [a_row(student_id=str(number)) for number in range(4)]
    write_rows(drop, [*rows, rows[0] | {"preferred_name": "Tim"}])
    fetch = fetched(dated(drop), supplement=True, fields=fields)
    assert {rejection.student_id for rejection in fetch.rejections} == {"0"}


def test_the_fields_of_a_supplement_may_be_all_that_others_have(drop: Path) -> None:
    fields = {name: title for name, title in COLUMNS.items() if name != "programme"}
    (first, *_) = [found[0] for _, found in fetched(drop, supplement=True, fields=fields).changed]
    assert (first.surname, first.department, first.is_supplement) == ("CHAN", "Computer Science", True)
    assert replace(first, programme="BSC-CS").is_supplement is False
