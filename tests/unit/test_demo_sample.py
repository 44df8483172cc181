"""The sample registry is what a real one would be: readable, repeatable, with exactly one bad row."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from provisiond.adapters.clock import SystemClock
from provisiond.adapters.registry.csv_drop import CsvRegistry, CsvSource
from provisiond.demo.sample import CODES, MAPPING, TRAILER, sample_rows, write_csv
from provisiond.domain.model import Status
from tests.rigs.memory import FakeMemory
from tests.rigs.registry import DIGESTS

TODAY = date(2024, 2, 29)


@pytest.mark.parametrize(("count", "seed"), [(60, 1), (500, 1), (500, 2)])
def test_all_rows_but_one_are_good(tmp_path: Path, count: int, seed: int) -> None:
    path = tmp_path / "students.csv"
    write_csv(path, sample_rows(count, seed, TODAY))
    source = CsvSource("sample", path, MAPPING, codes=CODES, trailer=TRAILER)
    fetch = CsvRegistry(source, DIGESTS, SystemClock()).fetch(TODAY, FakeMemory())
    assert fetch.rows == count
    (rejection,) = fetch.rejections
    assert rejection.reasons == ("the HKID number is not valid (form or check digit)",)
    assert [child.name for child in tmp_path.iterdir()] == ["students.csv"]


def test_the_same_seed_gives_the_same_rows() -> None:
    assert sample_rows(100, 7, TODAY) == sample_rows(100, 7, TODAY)
    assert sample_rows(100, 7, TODAY) != sample_rows(100, 8, TODAY)


def test_every_kind_of_case_is_there(tmp_path: Path) -> None:
    """Each status, people with two programmes, popular names, one name without a Latin letter."""
    path = tmp_path / "students.csv"
    write_csv(path, sample_rows(500, 1, TODAY))
    source = CsvSource("sample", path, MAPPING, codes=CODES, trailer=TRAILER)
    fetch = CsvRegistry(source, DIGESTS, SystemClock()).fetch(TODAY, FakeMemory())
    records = [record for _, found in fetch.changed for record in found]
    assert {record.status for record in records} == set(Status)
    assert len({record.student_id for record in records}) < len(records)
    assert sum(record.surname == "CHAN" for record in records) > 20
    assert [record.surname for record in records if record.surname == "李"] == ["李"]
    assert any(record.confidential for record in records)
