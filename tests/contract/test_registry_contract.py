"""What every registry promises, on the fake and on real files: whole or refused, records as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Protocol

import pytest

from provisiond.adapters.clock import SystemClock
from provisiond.adapters.registry.csv_drop import CsvRegistry
from provisiond.domain.errors import UnavailableError, UnsafeFetchError
from provisiond.domain.model import Fetch, Level, RegistryRecord, Status
from provisiond.ports import Registry
from tests.rigs.memory import FakeMemory
from tests.rigs.registry import DIGESTS, TODAY, FakeRegistry, a_record, a_source, records_of, write_drop


class Rig(Protocol):
    """A registry whose content a test can set."""

    registry: Registry

    def holds(self, records: Sequence[RegistryRecord]) -> None: ...
    def is_gone(self) -> None: ...
    def is_broken(self) -> None: ...


class FakeRig:
    def __init__(self, path: Path) -> None:
        self.fake = FakeRegistry(file=path.name)
        self.registry: Registry = self.fake

    def holds(self, records: Sequence[RegistryRecord]) -> None:
        self.fake.records = tuple(records)

    def is_gone(self) -> None:
        self.fake.gone = True

    def is_broken(self) -> None:
        self.fake.broken = "half-written"


class CsvRig:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.registry: Registry = CsvRegistry(a_source(path), DIGESTS, SystemClock())

    def holds(self, records: Sequence[RegistryRecord]) -> None:
        write_drop(self.path, records)

    def is_gone(self) -> None:
        self.path.unlink()

    def is_broken(self) -> None:
        self.path.write_bytes(self.path.read_bytes()[:-40])


@pytest.fixture(params=[FakeRig, CsvRig])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    made: Rig = request.param(tmp_path / "students.csv")
    return made


RECORDS = [
    a_record(line=2),
    a_record(line=3, programme="MSC-CS", level=Level.TAUGHT_POSTGRADUATE, status=Status.ON_LEAVE),
    a_record(line=4, student_id="20240002", surname="Þórðarson", given_names="", expected_end_on=None),
    a_record(line=5, student_id="20240003", chinese_name="陳大文", preferred_name="Tim", confidential=True),
    a_record(line=6, student_id="20240004", status=Status.WITHDRAWN, status_on=date(2024, 1, 31),
             personal_mail=None, supervisor_mail="prof@example.edu.hk"),
]  # fmt: skip


def test_gives_every_record_exactly_and_in_order(rig: Rig) -> None:
    rig.holds(RECORDS)
    fetch = rig.registry.fetch(TODAY, FakeMemory())
    assert records_of(fetch) == RECORDS
    assert (fetch.rows, fetch.rejections) == (len(RECORDS), ())


def test_says_which_source_and_file(rig: Rig) -> None:
    rig.holds(RECORDS)
    fetch = rig.registry.fetch(TODAY, FakeMemory())
    assert (rig.registry.name, fetch.source, fetch.file) == ("registry", "registry", "students.csv")


def test_same_content_has_the_same_digest(rig: Rig) -> None:
    rig.holds(RECORDS)
    assert rig.registry.fetch(TODAY, FakeMemory()).digest == rig.registry.fetch(TODAY, FakeMemory()).digest


def test_other_content_has_another_digest(rig: Rig) -> None:
    rig.holds(RECORDS)
    before = rig.registry.fetch(TODAY, FakeMemory()).digest
    rig.holds([replace(RECORDS[0], department="Physics"), *RECORDS[1:]])
    assert rig.registry.fetch(TODAY, FakeMemory()).digest != before


def test_an_empty_registry_is_refused_and_cannot_be_approved(rig: Rig) -> None:
    rig.holds([])
    with pytest.raises(UnsafeFetchError) as caught:
        rig.registry.fetch(TODAY, FakeMemory())
    assert caught.value.plan_hash is None


def test_a_missing_registry_is_unavailable(rig: Rig) -> None:
    rig.holds(RECORDS)
    rig.is_gone()
    with pytest.raises(UnavailableError) as caught:
        rig.registry.fetch(TODAY, FakeMemory())
    assert caught.value.system == "registry"


def test_a_broken_registry_is_refused_whole_and_names_the_file(rig: Rig) -> None:
    rig.holds(RECORDS)
    rig.is_broken()
    with pytest.raises(UnsafeFetchError, match=r"students\.csv"):
        rig.registry.fetch(TODAY, FakeMemory())


# -- what is remembered ---------------------------------------------------------------------------------
def taken_over(rig: Rig, records: Sequence[RegistryRecord], memory: FakeMemory) -> Fetch:
    rig.holds(records)
    fetch = rig.registry.fetch(TODAY, memory)
    memory.take(fetch)
    return fetch


def test_what_is_remembered_is_not_said_again(rig: Rig) -> None:
    memory = FakeMemory()
    taken_over(rig, RECORDS, memory)
    remembered = frozenset(memory.remembered)
    fetch = taken_over(rig, RECORDS, memory)
    assert (records_of(fetch), list(fetch.blocks), fetch.gone) == ([], [], ())
    assert fetch.kept == remembered
    assert (fetch.rows, fetch.complete) == (len(RECORDS), True)


def test_only_records_that_changed_are_said_and_by_student(rig: Rig) -> None:
    memory = FakeMemory()
    taken_over(rig, RECORDS, memory)
    changed = [replace(record, department="Physics") for record in RECORDS[:3]]
    fetch = taken_over(rig, [*changed, *RECORDS[3:]], memory)
    assert list(fetch.changed) == [("20240001", tuple(changed[:2])), ("20240002", (changed[2],))]
    assert list(fetch.changed) == list(fetch.changed)
    assert taken_over(rig, [*changed, *RECORDS[3:]], memory).kept == memory.settled()


def test_a_record_named_no_more_is_said_to_be_gone(rig: Rig) -> None:
    memory = FakeMemory()
    taken_over(rig, RECORDS, memory)
    assert taken_over(rig, RECORDS[1:], memory).gone == (("20240001", "BSC-CS"),)
    assert taken_over(rig, RECORDS[1:], memory).gone == ()


def test_what_was_not_finished_is_said_again(rig: Rig) -> None:
    memory = FakeMemory()
    rig.holds(RECORDS)
    memory.take(rig.registry.fetch(TODAY, memory), unfinished=["20240001"])
    assert records_of(taken_over(rig, RECORDS, memory)) == RECORDS[:2]
    assert records_of(taken_over(rig, RECORDS, memory)) == []


def test_the_blocks_name_every_record_that_was_looked_at(rig: Rig) -> None:
    rig.holds(RECORDS)
    rows = [row for block in rig.registry.fetch(TODAY, FakeMemory()).blocks for row in block.rows]
    assert {(row.student_id, row.programme) for row in rows} == {(r.student_id, r.programme) for r in RECORDS}
    assert all(row.settled and len(row.mark) == 8 for row in rows)
