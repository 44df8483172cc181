"""Whatever is edited in a file: a fetch that looks only at what changed ends in the same knowledge as one that reads
everything anew, and says exactly who is gone."""

from __future__ import annotations

import csv
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisiond.adapters.clock import SystemClock
from provisiond.adapters.registry.csv_drop import CsvRegistry
from provisiond.domain.hkid import check_digit
from provisiond.domain.model import Fetch
from tests.rigs.memory import FakeMemory
from tests.rigs.registry import COLUMNS, DIGESTS, TODAY, a_row, a_source, records_of

Rows = list[list[str]]
Edit = tuple[str, int, int]
Key = tuple[str, str]
STUDENT, PROGRAMME = list(COLUMNS).index("student_id"), list(COLUMNS).index("programme")


def hkid(number: int) -> str:
    body = f"A{number:06}"
    return body + check_digit(body)


def line(student: int, **overrides: str) -> list[str]:
    row = a_row(student_id=f"S{student:03}", hkid=hkid(student), **overrides)
    return [row[field] for field in COLUMNS]


def changed(row: list[str], field: str, value: str) -> list[str]:
    place = list(COLUMNS).index(field)
    return [*row[:place], value, *row[place + 1 :]]


EDITS: dict[str, Callable[[Rows, int, int], object]] = {
    "remove": lambda rows, place, _: rows.pop(place),
    "insert": lambda rows, place, number: rows.insert(place, line(200 + number)),
    "second programme": lambda rows, place, number: rows.insert(
        number, changed(rows[place], "programme", "MSC")
    ),
    "repeat": lambda rows, place, number: rows.insert(number, rows[place]),
    "move": lambda rows, place, number: rows.insert(number, rows.pop(place)),
    "department": lambda rows, place, number: rows.__setitem__(
        place, changed(rows[place], "department", f"D{number}")
    ),
    "surname": lambda rows, place, number: rows.__setitem__(
        place, changed(rows[place], "surname", f"N{number}")
    ),
    "twin": lambda rows, place, number: rows.insert(number, changed(rows[place], "status", "withdrawn")),
    "HKID of another": lambda rows, place, number: rows.__setitem__(
        place, changed(rows[place], "hkid", hkid(number))
    ),
    "bad level": lambda rows, place, _: rows.__setitem__(place, changed(rows[place], "level", "?")),
    "good level": lambda rows, place, _: rows.__setitem__(
        place, changed(rows[place], "level", "undergraduate")
    ),
    "unreadable": lambda rows, place, _: rows.__setitem__(place, rows[place][:3]),
    "shuffle": lambda rows, place, number: random.Random(number).shuffle(rows),
}
edits = st.lists(
    st.tuples(st.sampled_from(sorted(EDITS)), st.integers(0, 99), st.integers(0, 99)), max_size=5
)
versions = st.lists(st.tuples(edits, st.sets(st.integers(0, 99), max_size=3)), min_size=1, max_size=5)


def edited(rows: Rows, done: Sequence[Edit]) -> Rows:
    new = list(rows)
    for name, place, number in done:
        if len(new) > 50:
            EDITS[name](new, place % len(new), number % len(new))
    return new


def write(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([list(COLUMNS.values()), *rows])


def keys_in(memory: FakeMemory) -> set[Key]:
    rows = (row for block in memory.remembered.values() for row in block.rows)
    return {(row.student_id, row.programme) for row in rows if row.student_id}


def readable(rows: Rows) -> Rows:
    return [row for row in rows if len(row) == len(COLUMNS)]


class World:
    """A file that is edited, the memory of the cycles that read it, and what is checked after each fetch."""

    def __init__(self, path: Path) -> None:
        self.path, self.memory = path, FakeMemory()
        self.registry = CsvRegistry(a_source(path), DIGESTS, SystemClock())
        self.rows: Rows = [line(number) for number in range(100)]
        self.before: Rows = []
        self.open: set[str | None] = set()  # students who were rejected or not finished at last

    def cycle(self, done: Sequence[Edit], unfinished: set[str]) -> None:
        self.before, self.rows = self.rows, edited(self.rows, done)
        write(self.path, self.rows)
        whole = self.registry.fetch(TODAY, FakeMemory())
        fetch = self.registry.fetch(TODAY, self.memory)
        assert (fetch.rows, fetch.digest) == (whole.rows, whole.digest)
        self.check_gone(fetch)
        self.check_nothing_needless(fetch)
        self.memory.take(fetch, unfinished)
        self.open = {r.student_id for f in (fetch, whole) for r in f.rejections} | unfinished
        self.check_knowledge(whole)

    def check_gone(self, fetch: Fetch) -> None:
        """Remembered, named no more, and nobody of whom a row is in doubt."""
        named = {(row[STUDENT], row[PROGRAMME]) for row in readable(self.rows)}
        doubtful = {rejection.student_id for rejection in fetch.rejections}
        missing = {key for key in keys_in(self.memory) - named if key[0] not in doubtful}
        if all(row in self.before for row in self.rows if row not in readable([row])):
            assert set(fetch.gone) == missing
        else:  # a row that nobody can read came: any of them may stand in it
            assert (fetch.gone, missing - keys_of(fetch, self.memory)) == ((), set())

    def check_nothing_needless(self, fetch: Fetch) -> None:
        """A row that was there before, once, and was taken over is not looked at again."""
        for record in records_of(fetch):
            row = self.rows[record.line - 2]
            taken_over = self.before.count(row) == 1 and record.student_id not in self.open
            assert not (taken_over and self.rows.count(row) == 1 and self.memory.mark)

    def check_knowledge(self, whole: Fetch) -> None:
        """What is committed and named is what a fetch of everything says; and nothing else is named."""
        expected = {(r.student_id, r.programme): replace(r, line=0) for r in records_of(whole)}
        known = {key: replace(record, line=0) for key, record in self.memory.committed.items()}
        for key, record in expected.items():
            assert key[0] in self.open or known[key] == record
        assert keys_in(self.memory) >= {(row[STUDENT], row[PROGRAMME]) for row in readable(self.rows)}


def keys_of(fetch: Fetch, memory: FakeMemory) -> set[Key]:
    """All that will be remembered."""
    blocks = [*memory.blocks(fetch.kept), *fetch.blocks]
    return {(row.student_id, row.programme) for block in blocks for row in block.rows if row.student_id}


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(versions)
def test_looking_at_what_changed_ends_in_the_same_knowledge(found: list[tuple[list[Edit], set[int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "students.csv")
        for done, numbers in [([], set[int]()), *found, ([], set())]:
            world.cycle(done, {f"S{number:03}" for number in numbers})
        world.cycle([], set())
