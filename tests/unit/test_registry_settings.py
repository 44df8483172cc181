"""Databases and HTTP services in the configuration, supplements and precedence: what they become, every fault."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from provisiond.bootstrap import registries
from provisiond.settings import HttpSettings, SqlSettings, load
from tests.unit.settings_file import SMALLEST, faults_of, write_secret, write_settings

CSV = 'type = "csv"\nname = "students"\npath = "drop"\n'
SQL = """type = "sql"
name = "campus"
url = "postgresql://registry@db.example.edu/students"
password_file = "db-password"
query = "SELECT * FROM students WHERE changed >= :watermark"
watermark_column = "changed"
overlap = "30 minutes"
maximum_age = "26 hours"
age_column = "exported_at"
"""
SQL_URL = "postgresql://registry@db.example.edu/students"
HTTP = """type = "http"
name = "service"
url = "https://registry.example.edu/students"
token_file = "token"
records = "data.items"
next = "links.next"
maximum_page_size = "2 MiB"
ca_file = "ca.pem"
"""
NAMES = """[[registry]]
type = "csv"
name = "names"
path = "names.csv"
supplement = true
[registry.fields]
student_id = "ID"
chinese_name = "Name"
[names]
"""


def written(folder: Path, *changes: tuple[str, str], kind: str = CSV) -> Path:
    write_secret(folder / "db-password", "hunter2-hunter2")
    write_secret(folder / "token", "tok-3n")
    return write_settings(folder, (CSV, kind), *changes)


def test_a_database(tmp_path: Path) -> None:
    (found,) = load(written(tmp_path, kind=SQL)).registries
    assert isinstance(found, SqlSettings)
    assert (found.password, found.overlap) == ("hunter2-hunter2", timedelta(minutes=30))
    assert (found.maximum_age, found.complete_every) == (timedelta(hours=26), timedelta(days=1))
    assert "hunter2" not in repr(found)


def test_an_http_service(tmp_path: Path) -> None:
    (found,) = load(written(tmp_path, kind=HTTP)).registries
    assert isinstance(found, HttpSettings)
    assert (found.token, found.maximum_page_size, found.ca_file) == ("tok-3n", 2 * 2**20, tmp_path / "ca.pem")
    assert "tok-3n" not in repr(found)


@pytest.mark.parametrize("kind", [CSV, SQL, HTTP.replace('ca_file = "ca.pem"\n', "")])
def test_every_type_becomes_a_registry(tmp_path: Path, kind: str) -> None:
    settings = load(written(tmp_path, kind=kind))
    assert [registry.name for registry in registries(settings)] == [settings.registries[0].name]


def test_the_order_of_sources_and_of_single_attributes_is_policy(tmp_path: Path) -> None:
    precedence = '[precedence]\nchinese_name = ["names"]\nhkid = ["students"]\n'
    policy = load(
        written(tmp_path, ("[names]\n", NAMES), ("[groups]", precedence + "[groups]"))
    ).policy.sources
    assert policy.order == ("students", "names")
    assert [policy.rank("chinese_name", source) for source in policy.order] == [1, 0]
    assert policy.precedence["hkid_digest"] == ("students",)


@pytest.mark.parametrize(
    ("kind", "old", "new", "fault"),
    [
        (CSV, "path", "url", 'registry[students].url: is for type = "sql" or "http" only'),
        (CSV, 'path = "drop"\n', "", 'registry[students].path: missing: type = "csv" needs it'),
        (SQL, "registry@", "registry:pw@", "registry[campus].url: must not hold a password"),
        (SQL, SQL_URL, "db.example.edu", "registry[campus].url: must be a"),
        (SQL, SQL_URL, "sqlite:///c.db", "registry[campus].url: must name the"),
        (SQL, "SELECT *", "DELETE", "registry[campus].query: must be a SELECT"),
        (SQL, 'watermark_column = "changed"\n', "", "registry[campus].watermark_column: missing: the query has"),
        (SQL, 'age_column = "exported_at"\n', "", "registry[campus].age_column: missing: maximum_age needs"),
        (SQL, "30 minutes", "a while", "registry[campus].overlap: must be a time such as"),
        (SQL, "db-password", "none", "registry[campus].password_file: secret file"),
        (SQL, "overlap", "trailer", 'registry[campus].trailer: is for type = "csv" only'),
        (HTTP, "https:", "http:", "registry[service].url: must be https"),
        (HTTP, "https://", "https://me:pw@", "registry[service].url: must not hold a user"),
        (HTTP, "records =", 'cursor = "c"\nrecords =', "registry[service].cursor: pages follow by"),
        (HTTP, "2 MiB", "unlimited", "registry[service].maximum_page_size: must be a size"),
    ],
)  # fmt: skip
def test_what_a_type_cannot_be_or_lacks_is_a_fault(
    tmp_path: Path, kind: str, old: str, new: str, fault: str
) -> None:
    found = faults_of(written(tmp_path, kind=kind.replace(old, new)))
    assert [text for text in found if text.startswith(fault)], found
    assert "pw" not in " ".join(found)


@pytest.mark.parametrize(
    ("precedence", "fault"),
    [
        ('surname = ["studnets"]', "precedence.surname: unknown 'studnets'; did you mean 'students'?"),
        ('given_names = ["students"]', "precedence.given_names: a name is taken whole; surname decides"),
        ('confidential = ["students"]', "precedence.confidential: one source that says so is enough"),
        ('chinesename = ["students"]', "precedence.chinesename: unknown 'chinesename'; did you mean 'chinese_name'?"),
    ],
)  # fmt: skip
def test_a_precedence_that_cannot_be_is_a_fault(tmp_path: Path, precedence: str, fault: str) -> None:
    found = faults_of(written(tmp_path, ("[groups]", f"[precedence]\n{precedence}\n[groups]")))
    assert [text for text in found if text.startswith(fault)], found


def test_a_supplement_needs_a_student_and_tells_of_no_programme(tmp_path: Path) -> None:
    assert faults_of(written(tmp_path, ("[names]\n", NAMES))) == []
    bare = NAMES.replace('chinese_name = "Name"\n', "")
    assert (
        "registry[names].fields: must map student_id" in faults_of(written(tmp_path, ("[names]\n", bare)))[0]
    )
    full = NAMES.replace('chinese_name = "Name"', 'programme = "P"')
    assert "a supplement tells of persons" in faults_of(written(tmp_path, ("[names]\n", full)))[0]


def test_an_expectation_must_be_a_regular_expression(tmp_path: Path) -> None:
    expected = ("[registry.fields]", '[registry.expected]\nYEAR = "("\n[registry.fields]')
    assert "is not a regular expression" in faults_of(written(tmp_path, expected))[0]
    assert SMALLEST.count("[[registry]]") == 1
