"""Twenty accidents of a registry, each on a file, a database and a service, through the real command on a real slapd:
no entry is written, no student gets a mail, the operators hear of it once, and when all is well again it is well."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from provisiond.cli.main import app
from provisiond.demo.sample import MAPPING, sample_rows
from tests.integration.conftest import Site, new_site
from tests.rigs.faulty_sources import FaultyDatabase, FaultyFile, FaultyService, FaultySource, Row, now
from tests.rigs.json_service import running_service
from tests.rigs.postgres import PostgresRig
from tests.rigs.slapd import SlapdRig

YEAR = "ACADEMIC_YEAR"
CHECKS = f"""name = "students"
maximum_age = "26 hours"
[registry.expected]
{YEAR} = "2026/27"
"""
BRAKES = "[brakes.registry]\ngrow_always_allowed = 100\n[groups]"


@dataclass(frozen=True, slots=True)
class Campus:
    """A loaded university, its source whole."""

    site: Site
    source: FaultySource
    rows: Sequence[Row]

    def command(self, *words: str) -> tuple[int, str]:
        """Exit code and all that was said; in this process, a hundred starts of Python would take minutes."""
        done = CliRunner().invoke(app, ["-c", str(self.site.university.config), *words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return done.exit_code, done.output

    def mails(self) -> tuple[int, int]:
        """To the operators, and to others."""
        kinds = [item["notice"]["kind"] for item in json.loads(self.command("outbox", "--json")[1])]
        return kinds.count("operator"), len(kinds) - kinds.count("operator")


@pytest.fixture(scope="module", params=["csv", "sql", "http"])
def campus(
    request: pytest.FixtureRequest, slapd_server: SlapdRig, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Campus]:
    slapd_server.reset()
    folder = tmp_path_factory.mktemp("campus")
    site = new_site(slapd_server, folder)
    with running_service() as service:
        source: FaultySource
        match request.param:
            case "csv":
                source = FaultyFile(folder)
            case "sql":
                rig: PostgresRig = request.getfixturevalue("postgres")
                source = FaultyDatabase(folder, rig.database_url())
            case _:
                source = FaultyService(service)
        configure(site.university.config, source)
        rows = whole_rows(now().date())
        source.gives(rows)
        site.run("once")
        yield Campus(site, source, rows)


def configure(path: Path, source: FaultySource) -> None:
    before, rest = path.read_text().split("[[registry]]\n", 1)
    fields = rest[rest.index("[registry.fields]") :].replace("[groups]", BRAKES)
    path.write_text(f"{before}[[registry]]\n{source.section()}{CHECKS}{fields}")


def whole_rows(today: date) -> list[Row]:
    """Without the one bad record of the sample."""
    rows = [row | {YEAR: "2026/27"} for row in sample_rows(61, seed=1, today=today)]
    return [row | {MAPPING["hkid"]: ""} for row in rows]


def shifted(row: Row) -> Row:
    """Every value one column on."""
    titles = list(row)
    return dict(zip(titles, [row[title] for title in [titles[-2], *titles[:-2]]], strict=False)) | {
        YEAR: row[YEAR]
    }


def with_each(**changes: str) -> Callable[[Campus], None]:
    titles = {MAPPING.get(name, name): value for name, value in changes.items()}
    return lambda campus: campus.source.gives([{**row, **titles} for row in campus.rows])


def exported(days: float) -> Callable[[Campus], None]:
    return lambda campus: campus.source.gives(campus.rows, now() + timedelta(days=days))


def duplicated(campus: Campus) -> None:
    others = [{**row, MAPPING["department"]: "Another one"} for row in campus.rows]
    campus.source.gives([*campus.rows, *others])


def ten_times(campus: Campus) -> None:
    ids = MAPPING["student_id"]
    campus.source.gives([{**row, ids: row[ids] + str(n)} for n in range(10) for row in campus.rows])


def every_second_gone(campus: Campus) -> None:
    campus.source.gives(campus.rows[::2])


def garbled(campus: Campus) -> None:
    """Each letter that is not ASCII read as two others."""
    name = MAPPING["chinese_name"]
    twice = [{**row, name: row[name].encode().decode("cp1252", "replace")} for row in campus.rows]
    campus.source.gives(twice)


FAULTS: dict[str, Callable[[Campus], None]] = {
    "nothing at all": lambda c: c.source.gives_nothing_at_all(c.rows),
    "columns and no rows": lambda c: c.source.gives_no_rows(c.rows),
    "cut in half": lambda c: c.source.is_cut_in_half(c.rows),
    "half written": lambda c: c.source.is_half_written(c.rows),
    "every second row gone": every_second_gone,
    "shifted columns": lambda c: c.source.gives([shifted(row) for row in c.rows]),
    "a column gone": lambda c: c.source.lacks_a_column(c.rows, MAPPING["confidential"]),
    "another charset": lambda c: c.source.is_in_another_charset(c.rows),
    "letters converted twice": garbled,
    "NUL or bytes": lambda c: c.source.holds_nul(c.rows),
    "HTML instead of data": lambda c: c.source.is_html(c.rows),
    "broken in the middle": lambda c: c.source.breaks_in_the_middle(c.rows),
    "gone": lambda c: c.source.is_gone(c.rows),
    "hanging": lambda c: c.source.hangs(c.rows),
    "access denied": lambda c: c.source.denies_access(c.rows),
    "stale": exported(-3),
    "exported in the future": exported(2),
    "status dates of a clock in the future": with_each(status_on="2046-09-01"),
    "each student twice": duplicated,
    "of another term": with_each(ACADEMIC_YEAR="2025/26"),
    "ten times the rows": ten_times,
    "unknown codes": with_each(status="ZZ"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_writes_nothing_mails_no_student_and_is_told_once(campus: Campus, fault: str) -> None:
    site = campus.site
    before, (told, others) = site.state(), campus.mails()
    FAULTS[fault](campus)
    for _ in range(2):
        code, words = campus.command("once")
        assert code in (65, 75) and "registry" in words, words
        assert campus.mails() == (told + 1, others), words
    assert site.state() == before
    campus.source.gives(campus.rows)
    assert campus.command("once")[0] == 0
    assert site.state() == before
