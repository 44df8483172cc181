"""A file and two more sources about the same people, on a real slapd: who is believed, who adds, who fails alone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisiond.demo.sample import CODES, MAPPING
from tests.integration.conftest import Site
from tests.rigs.json_service import JsonService, as_json, running_service

STUDENT, CHINESE, NAME = MAPPING["student_id"], MAPPING["chinese_name"], MAPPING["surname"]
REGISTERED = next(code for code, word in CODES["status"].items() if word == "registered")
MORE = """
[[registry]]
type = "http"
name = "names"
url = "{url}"
supplement = true
retries = 0
[registry.fields]
student_id = "id"
chinese_name = "name.zh"
preferred_name = "name.used"

[precedence]
chinese_name = ["names"]

[groups]"""


@dataclass(frozen=True, slots=True)
class Campus:
    site: Site
    service: JsonService
    student_id: str

    def names(self, **names: str | None) -> None:
        self.service.gives(as_json([{"id": self.student_id, "name": {"zh": None, "used": None} | names}]))


@pytest.fixture
def service() -> Iterator[JsonService]:
    with running_service() as running:
        yield running


@pytest.fixture
def campus(site: Site, service: JsonService) -> Campus:
    config: Path = site.university.config
    config.write_text(config.read_text().replace("\n[groups]", MORE.format(url=service.url), 1))

    def keep_one(rows: list[dict[str, str]]) -> None:
        chosen = next(row for row in rows if row[MAPPING["status"]] == REGISTERED and row[NAME].isascii())
        rows[:] = [chosen | {CHINESE: "陳大文", MAPPING["preferred_name"]: "", MAPPING["hkid"]: ""}]

    site.university.edit(keep_one)
    found: list[str] = []
    site.edit(lambda row: found.append(row[STUDENT]))
    return Campus(site, service, found[0])


def entry(campus: Campus) -> str:
    (account,) = campus.site.json("accounts")
    dn = f"uid={account['account_name']},{campus.site.slapd.people_base}"
    return campus.site.slapd.ldapsearch("-o", "ldif-wrap=no", "-b", dn, "-s", "base", "(objectClass=*)")


def zh(text: str) -> str:
    """As ldapsearch shows a Chinese name."""
    return f"cn;lang-zh:: {base64.b64encode(text.encode()).decode()}"


def test_a_supplement_adds_what_it_is_believed_for(campus: Campus) -> None:
    campus.names(zh="陳小文", used="Tim")
    campus.site.run("once")
    assert zh("陳小文") in entry(campus)
    assert "displayName: Tim" in entry(campus)
    before = campus.site.state()
    assert "0 persons changed" in campus.site.run("once")
    assert campus.site.state() == before


def test_where_it_has_nothing_the_registry_counts(campus: Campus) -> None:
    campus.names(used="Tim")
    campus.site.run("once")
    assert zh("陳大文") in entry(campus)


def test_one_source_that_fails_does_not_stop_the_others(campus: Campus) -> None:
    campus.names(zh="陳小文", used="Tim")
    campus.site.run("once")
    campus.service.gives(as_json({"error": "maintenance"}))
    campus.site.edit(lambda row: row.update({MAPPING["department"]: "Astronomy"}))
    assert "no list of records" in campus.site.run("once", expect=65)
    assert "ou: Astronomy" in entry(campus)
    assert zh("陳小文") in entry(campus), "what was said before stands"


def test_a_supplement_that_came_first_waits_for_its_person_and_makes_none(campus: Campus) -> None:
    other = {"id": "99999999", "name": {"zh": "李四", "used": "Lee"}}
    campus.service.gives(as_json([other]))
    campus.site.run("once")
    assert len(campus.site.json("accounts")) == 1

    def newcomer(rows: list[dict[str, str]]) -> None:
        rows.append(rows[0] | {STUDENT: "99999999", NAME: "LEE", CHINESE: ""})

    campus.site.university.edit(newcomer)
    campus.site.run("once")
    accounts = {row["student_id"]: row["account_name"] for row in campus.site.json("accounts")}
    dn = f"uid={accounts['99999999']},{campus.site.slapd.people_base}"
    assert "displayName: Lee" in campus.site.entry(dn)
