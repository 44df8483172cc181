"""A database as a registry, on SQLite and on a real PostgreSQL: what is taken, how it is asked, what is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from provisiond.adapters.registry.sql import SqlRegistry
from provisiond.adapters.registry.sql_source import SqlSource
from provisiond.domain.errors import UnavailableError, UnsafeFetchError
from provisiond.domain.model import Block, Fetch, RegistryRecord, RowKey
from tests.rigs.clock import NOON, StoppedClock
from tests.rigs.lives import ZONE
from tests.rigs.memory import FakeMemory
from tests.rigs.postgres import PostgresRig
from tests.rigs.registry import DIGESTS, TODAY, a_record
from tests.rigs.sql_registry import MAPPING, QUERY, Campus, changed, typed_row, typed_rows

DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def campus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Campus]:
    if request.param == "sqlite":
        yield Campus(f"sqlite:///{tmp_path / 'campus.db'}")
    else:
        rig: PostgresRig = request.getfixturevalue("postgres")
        yield Campus(rig.database_url())


def a_source(campus: Campus, **overrides: Any) -> SqlSource:
    url = make_url(campus.url)
    settings: dict[str, Any] = {
        "name": "registry",
        "url": url._replace(password=None).render_as_string(hide_password=False),
        "password": url.password,
        "query": QUERY,
        "fields": MAPPING,
    }
    return SqlSource(**(settings | overrides))


def fetched(
    campus: Campus, memory: FakeMemory | None = None, clock: StoppedClock | None = None, **overrides: Any
) -> Fetch:
    registry = SqlRegistry(a_source(campus, **overrides), DIGESTS, clock or StoppedClock(), ZONE)
    return registry.fetch(TODAY, memory or FakeMemory())


def incremental(campus: Campus, memory: FakeMemory, clock: StoppedClock | None = None, **more: Any) -> Fetch:
    return fetched(campus, memory, clock, watermark_column="changed_at", **more)


def students(fetch: Fetch) -> list[str]:
    return [student_id for student_id, _ in fetch.changed]


def the_record(fetch: Fetch) -> RegistryRecord:
    [(_, (record,))] = fetch.changed
    return record


def refusal(campus: Campus, **overrides: Any) -> str:
    with pytest.raises(UnsafeFetchError) as caught:
        fetched(campus, **overrides)
    return str(caught.value)


def trouble(campus: Campus, **overrides: Any) -> str:
    with pytest.raises(UnavailableError) as caught:
        fetched(campus, **overrides)
    assert caught.value.__cause__ is None, "the library's error holds statements and values"
    return str(caught.value)


# -- the whole ---------------------------------------------------------------------------------------------


def test_every_row_is_taken_with_its_types(campus: Campus) -> None:
    campus.fill([typed_row(0, confidential=True, chinese_name="陳大文")])
    record = the_record(fetched(campus))
    assert replace(record, file="students.csv", line=2) == a_record(confidential=True, chinese_name="陳大文")


def test_many_rows_come_in_batches(campus: Campus) -> None:
    campus.fill(typed_rows(2500))
    fetch = fetched(campus)
    assert (fetch.rows, len(students(fetch)), fetch.complete) == (2500, 2500, True)


def test_columns_are_named_by_the_query_case_not_counting(campus: Campus) -> None:
    campus.fill(typed_rows(1))
    query = "SELECT s.*, s.surname AS FAMILY_NAME FROM students s;"
    assert (
        the_record(fetched(campus, query=query, fields=MAPPING | {"surname": "Family_Name"})).surname
        == "CHAN"
    )


def test_a_column_that_is_not_there_is_refused(campus: Campus) -> None:
    campus.fill(typed_rows(1))
    assert "family" in refusal(campus, fields=MAPPING | {"surname": "family"})


def test_an_instant_is_the_day_at_the_university(campus: Campus) -> None:
    campus.fill([typed_row(0, changed_at=NOON.replace(hour=20))])
    if campus.url.startswith("postgresql"):
        record = the_record(fetched(campus, fields=MAPPING | {"status_on": "changed_at"}))
        assert record.status_on == date(2024, 9, 3)


def test_no_rows_are_refused(campus: Campus) -> None:
    campus.fill([])
    assert "gives no rows" in refusal(campus)


def test_a_table_that_is_gone_is_told_without_more(campus: Campus) -> None:
    campus.fill(typed_rows(1))
    campus.tell("DROP TABLE students")
    assert "students" in trouble(campus)


def test_nothing_is_ever_written(campus: Campus) -> None:
    campus.fill(typed_rows(2))
    trouble(campus, query="WITH x AS (DELETE FROM students RETURNING *) SELECT * FROM x")
    assert fetched(campus).rows == 2


def test_a_query_that_takes_too_long_is_given_up(campus: Campus) -> None:
    campus.fill(typed_rows(1))
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT s.* FROM students s, n"
    assert "not done within 1 seconds" in trouble(campus, query=endless, timeout=1)


def test_a_server_is_told_that_a_query_was_given_up(postgres: PostgresRig) -> None:
    """It would work on at it, and keep its locks, until it had something to send."""
    campus = Campus(postgres.database_url())
    campus.fill(typed_rows(1))
    slow = "SELECT students.* FROM students, pg_sleep(600)"
    assert "not done within 1 seconds" in trouble(campus, query=slow, timeout=1)
    campus.tell("SET lock_timeout = '20s'", "DROP TABLE students")


def test_another_term_stale_data_and_a_clock_in_the_future_are_refused(campus: Campus) -> None:
    campus.fill(typed_rows(3))
    assert "not as expected" in refusal(campus, expected={"academic_year": "2023/24"})
    assert fetched(campus, expected={"ACADEMIC_YEAR": "2024/25"}).rows == 3
    late = StoppedClock(NOON + 3 * DAY)
    aged: dict[str, Any] = {"age_column": "changed_at", "maximum_age": 2 * DAY}
    assert "stale" in refusal(campus, clock=late, **aged)
    assert "in the future" in refusal(campus, clock=StoppedClock(NOON - DAY), **aged)
    assert fetched(campus, **aged).rows == 3


def test_rows_with_garbled_letters_throughout_are_refused(campus: Campus) -> None:
    campus.fill([typed_row(n, surname="ChÃ©n") for n in range(3)] + [typed_row(n) for n in range(3, 20)])
    assert "wrongly encoded" in refusal(campus)


# -- incremental -------------------------------------------------------------------------------------------


def test_only_what_changed_is_asked_for_with_an_overlap(campus: Campus) -> None:
    campus.fill([typed_row(n, changed_at=changed(n * 30)) for n in range(10)])
    memory = FakeMemory()
    memory.take(first := incremental(campus, memory))
    assert (first.complete, first.rows) == (True, 10)
    campus.tell("UPDATE students SET department = 'Physics' WHERE student_id = '20240003'")
    later = incremental(campus, memory, overlap=timedelta(minutes=45))
    assert (later.complete, later.rows) == (False, 2), "those of the last 45 minutes"


def test_a_row_that_changed_comes_and_the_mark_goes_on(campus: Campus) -> None:
    rows = [typed_row(n, changed_at=changed(60 + 10 * n)) for n in range(10)]
    campus.fill(rows)
    memory = FakeMemory()
    memory.take(incremental(campus, memory))
    campus.fill([*rows[:9], typed_row(9, changed_at=changed(1), department="Physics")])
    memory.take(second := incremental(campus, memory, overlap=timedelta(minutes=5)))
    assert second.rows == 2 and students(second) == ["20240010"]
    third = incremental(campus, memory, overlap=timedelta(minutes=5))
    assert third.rows == 2 and students(third) == [], "known by now"


def test_a_version_number_is_a_watermark_too(campus: Campus) -> None:
    campus.fill(typed_rows(10))
    memory = FakeMemory()
    settings: dict[str, Any] = {"watermark_column": "version", "overlap": 2}
    memory.take(fetched(campus, memory, **settings))
    assert fetched(campus, memory, **settings).rows == 3, "7, 8 and 9"
    with pytest.raises(UnsafeFetchError, match="does not fit an overlap"):
        fetched(campus, memory, watermark_column="version")


def test_a_query_with_a_parameter_picks_its_rows_itself(campus: Campus) -> None:
    campus.fill(typed_rows(10))
    memory = FakeMemory()
    settings: dict[str, Any] = {
        "query": "SELECT * FROM students WHERE version >= :watermark",
        "watermark_column": "version",
        "first_watermark": 0,
        "overlap": 0,
    }
    memory.take(first := fetched(campus, memory, **settings))
    assert (first.complete, first.rows) == (True, 10)
    assert fetched(campus, memory, **settings).rows == 1


def test_the_beginning_of_time_is_understood_by_a_column_of_instants(campus: Campus) -> None:
    campus.fill([typed_row(n, changed_at=changed(n * 30)) for n in range(10)])
    memory = FakeMemory()
    query = "SELECT * FROM students WHERE changed_at >= :watermark"
    memory.take(first := incremental(campus, memory, query=query))
    assert (first.complete, first.rows) == (True, 10)
    assert incremental(campus, memory, query=query, overlap=timedelta(minutes=45)).rows == 2


def test_students_we_are_not_done_with_are_asked_for_again(campus: Campus) -> None:
    campus.fill([typed_row(n, changed_at=changed(n * 30)) for n in range(10)])
    memory = FakeMemory()
    memory.take(incremental(campus, memory))
    memory.remembered[b"x"] = Block(b"x", (RowKey(b"m", "20240009", "BSC-CS", False),))
    later = incremental(campus, memory)
    assert (later.complete, later.rows) == (False, 2)
    memory.remembered[b"y"] = Block(b"y", (RowKey(b"n", None, "", False),))
    assert incremental(campus, memory).complete, "a row without a student ID can only be found in the whole"


def test_the_whole_is_read_when_it_is_due_and_when_the_configuration_changed(campus: Campus) -> None:
    campus.fill(typed_rows(10))
    memory = FakeMemory()
    memory.take(incremental(campus, memory))
    assert not incremental(campus, memory, StoppedClock(NOON + DAY / 2)).complete
    assert incremental(campus, memory, StoppedClock(NOON + DAY)).complete
    assert incremental(campus, memory, StoppedClock(NOON - DAY / 100)).complete, "a clock that went back"
    assert incremental(campus, memory, codes={"department": {"CS": "Computer Science"}}).complete


def test_nothing_changed_is_no_reason_to_refuse_an_increment(campus: Campus) -> None:
    campus.fill(typed_rows(3))
    memory = FakeMemory()
    memory.take(first := incremental(campus, memory))
    campus.fill([])
    later = incremental(campus, memory)
    assert (later.complete, later.rows, later.watermark) == (False, 0, first.watermark)


def test_a_watermark_in_the_future_is_refused(campus: Campus) -> None:
    campus.fill([*typed_rows(3), typed_row(3, changed_at=NOON + DAY)])
    with pytest.raises(UnsafeFetchError, match="in the future"):
        incremental(campus, FakeMemory())


# -- each its own ------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert "unable to open" in trouble(Campus(f"sqlite:///{tmp_path / 'none.db'}"))
    assert not (tmp_path / "none.db").exists()


def test_half_a_file_and_text_in_another_encoding_are_told_without_content(tmp_path: Path) -> None:
    campus = Campus(f"sqlite:///{tmp_path / 'campus.db'}")
    campus.fill(typed_rows(500))
    connection = sqlite3.connect(tmp_path / "campus.db")
    connection.execute("UPDATE students SET surname = CAST(x'4368e96e' AS TEXT) WHERE version = 3")
    connection.commit()
    connection.close()
    told = refusal(campus)
    assert "encoding" in told and "Ch" not in told
    whole = (tmp_path / "campus.db").read_bytes()
    (tmp_path / "campus.db").write_bytes(whole[: len(whole) // 2])
    assert "malformed" in trouble(campus)


def test_a_wrong_password_is_told_and_not_shown(postgres: PostgresRig) -> None:
    campus = Campus(postgres.database_url())
    campus.fill(typed_rows(1))
    told = trouble(campus, password="hunter2-hunter2")
    assert "password authentication failed" in told and "hunter2" not in told
    assert told.endswith("look whether it runs, then at `url` and `password_file`")
    assert "hunter2" not in repr(a_source(campus, password="hunter2-hunter2"))


def test_a_value_that_the_query_cannot_convert_is_not_shown(postgres: PostgresRig) -> None:
    campus = Campus(postgres.database_url())
    campus.fill([typed_row(0, hkid="A123456(3)")])
    told = trouble(campus, query="SELECT s.*, CAST(hkid AS integer) AS n FROM students s")
    assert "InvalidTextRepresentation" in told and "A123456" not in told
