"""A database that is asked only for what changed, through the real command, ledger and slapd: nobody is forgotten who
was held, rejected or unfinished, and the whole is known to be as large as it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from provisiond.demo.sample import CODES, MAPPING
from tests.integration.conftest import Site
from tests.integration.test_source_faults import whole_rows
from tests.rigs.faulty_sources import EXPORTED, FaultyDatabase
from tests.rigs.postgres import PostgresRig

STATUS = {word: code for code, word in CODES["status"].items()}
LOADED = datetime.now(UTC) - timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Campus:
    site: Site
    url: str

    def change(self, column: str, value: str, where: str = "true") -> None:
        """As the registry does: with the time of the change."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            changed = f'UPDATE students SET "{column}" = :value, "{EXPORTED}" = now() WHERE {where}'
            connection.execute(text(changed), {"value": value})
        engine.dispose()

    def active(self) -> list[str]:
        rows = self.site.json("accounts")
        return sorted(row["student_id"] for row in rows if row["state"] == "pending")


@pytest.fixture
def campus(site: Site, postgres: PostgresRig) -> Campus:
    source = FaultyDatabase(site.university.folder, postgres.database_url())
    config = site.university.config
    before, rest = config.read_text().split("[[registry]]\n", 1)
    more = f'name = "students"\nwatermark_column = "{EXPORTED}"\n'
    fields = rest[rest.index("[registry.fields]") :]
    config.write_text(f"{before}[[registry]]\n{source.section()}{more}{fields}")
    source.gives(whole_rows(datetime.now(UTC).date()), LOADED)
    return Campus(site, source.url)


def fetched(site: Site) -> list[Any]:
    """How many rows each good fetch that said something new had."""
    return [line for line in site.run("history").splitlines() if "fetch-accepted" in line]


def test_a_change_is_found_without_reading_the_whole(campus: Campus) -> None:
    site = campus.site
    site.run("once")
    who = campus.active()[0]
    campus.change(MAPPING["department"], "Astronomy", f"\"STUDENT_ID\" = '{who}'")
    assert "1 person changed" in site.run("once")
    assert '"rows": 61' in fetched(site)[-1], "the whole, not the increment"
    before = site.state()
    site.run("once")
    assert site.state() == before


def test_whoever_a_brake_held_is_asked_for_again_and_done_when_approved(campus: Campus) -> None:
    site = campus.site
    site.run("once")
    campus.change(MAPPING["status"], STATUS["withdrawn"])
    campus.change(MAPPING["status_on"], (datetime.now(UTC).date() - timedelta(days=1)).isoformat())
    told = site.json("once", expect=65)
    for _ in range(2):
        assert site.json("once", expect=65)["held_hash"] == told["held_hash"]
    site.run("approve", told["held_hash"])
    site.run("once")
    assert campus.active() == []


def test_a_rejected_row_stays_told_and_is_taken_when_it_is_mended(campus: Campus) -> None:
    site = campus.site
    site.run("once")
    who = campus.active()[0]
    campus.change(MAPPING["status"], "ZZ", f"\"STUDENT_ID\" = '{who}'")
    for _ in range(2):
        site.run("once")
        assert who in site.run("rejects")
    campus.change(MAPPING["status"], STATUS["registered"], f"\"STUDENT_ID\" = '{who}'")
    site.run("once")
    assert who not in site.run("rejects")
