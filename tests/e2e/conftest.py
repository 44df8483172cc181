"""The package, and a machine on which it is installed as docs/operations.md says. Without containers there is no
machine: the story of tests/e2e/test_service.py is then left out, and the run says so."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LEFT_OUT, choice
from tests.rigs.machine import Machine, running_machine
from tests.rigs.nginx import NAME, certificate

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "/etc/provisiond/provisiond.toml"
CERTIFICATE = "/etc/ssl/certs/account.example.edu.pem"
DROP = "/var/lib/provisiond/drop/students.csv"
HKID, BIRTH_DATE = "A123456(3)", "2006-05-01"
COLUMNS = (
    "student_id,surname,given_names,preferred_name,chinese_name,hkid,birth_date,programme,department,level,status,"
    "status_on,expected_end_on,personal_mail,supervisor_mail,confidential"
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    story = [item for item in items if item.path.name == "test_service.py"]
    if story and not config.option.collectonly:
        kind, why = choice(config)
        if kind == "local":
            config.stash[LEFT_OUT] = why
            config.hook.pytest_deselected(items=story)
            items[:] = [item for item in items if item not in story]


@pytest.fixture(scope="session")
def packaging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """`make deb`, at work: the machine boots meanwhile."""
    file = tmp_path_factory.mktemp("package") / "provisiond.deb"
    with subprocess.Popen(
        [ROOT / ".ci" / "deb", file],
        env=os.environ | {"VENV": sys.prefix},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as work:
        yield file, work


@pytest.fixture(scope="session")
def package(packaging: tuple[Path, subprocess.Popen[str]]) -> Path:
    file, work = packaging
    said, _ = work.communicate(timeout=600)
    assert work.returncode == 0, said
    return file


@pytest.fixture(scope="session")
def machine(packaging: object) -> Iterator[Machine]:
    with running_machine() as found:
        yield found


@pytest.fixture(scope="session")
def installed(machine: Machine, package: Path) -> Machine:
    """Every command of the section, in its order; between the blocks, what it says is to be done by hand."""
    machine.take(package, "/root/provisiond_0.1.0_amd64.deb")
    first, then = documented_commands("Installation")[:2]
    for command in first:
        machine.run(command)
    machine.edit(CONFIG, ('urls = ["ldaps://directory.example.edu"]', 'urls = ["ldapi:///"]'))
    enrol(machine, "20260001,CHAN,Tai Man")
    for command in then:
        machine.run(command, expect=1 if command.startswith("provisiond plan") else 0)
    return machine


@pytest.fixture(scope="session")
def opened_portal(installed: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The first two blocks of that section; before them, the edits and the certificate that it wants."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate(folder)
    installed.take(folder / "cert.pem", CERTIFICATE)
    installed.take(folder / "key.pem", "/etc/ssl/private/account.example.edu.key")
    uncomment = [f'{key}_file = "credential:' for key in ("password", "reader_password", "factor_key")]
    text = installed.run(f"cat {CONFIG}")
    before, after = text.split("\n[portal]\n")
    for key in uncomment:
        after = after.replace(f"#   {key}", key, 1)
    installed.write(CONFIG, before.replace("#   portal_url", "portal_url") + "\n[portal]\n" + after)
    opening, web_server = documented_commands("The portal")[:2]
    for command in (*opening, *web_server):
        installed.run(command)
    for file in ("visitor.py", "new_student.py"):
        installed.take(ROOT / "tests" / "rigs" / file, f"/root/{file}")
    return installed


def activate(machine: Machine, student_id: str, hkid: str, name: str, password: str) -> dict[str, Any]:
    """Through nginx on that machine; as tests/rigs/new_student.py tells it."""
    python = "/usr/lib/provisiond/bin/python3"
    words = (CERTIFICATE, NAME, student_id, hkid, name, password)
    said = machine.run(f"{python} /root/new_student.py {' '.join(map(shlex.quote, words))}")
    told: dict[str, Any] = json.loads(said)
    return told


def documented_commands(title: str) -> list[list[str]]:
    """The blocks of the section of that title."""
    section = (ROOT / "docs" / "operations.md").read_text("utf-8").split(f"\n## {title}\n")[1]
    blocks = re.findall(r"(?:^    .*\n)+", section.split("\n## ")[0], re.MULTILINE)
    return [
        [f"cd /root; {line.strip()}" if "./" in line else line.strip() for line in block.splitlines()]
        for block in blocks
    ]


def enrol(machine: Machine, *students: str) -> None:
    """A delivery of the registry: `student ID,surname,given names` each, whole as always."""
    facts = f",,陳大文,{HKID},{BIRTH_DATE},BSCCS,Computer Science,UG,R,2026-09-01,2030-06-30"
    rows = [
        f"{who}{facts if i == 0 else facts.replace(HKID, '')},s{i}@example.com,,"
        for i, who in enumerate(students)
    ]
    machine.write(f"{DROP}.part", "\n".join([COLUMNS, *rows]) + "\n", mode="640")
    machine.run(f"chgrp provisiond {DROP}.part; mv {DROP}.part {DROP}")


def has_entry(machine: Machine, account_name: str) -> bool:
    base = "ou=people,dc=example,dc=edu"
    return "dn: " in machine.run(
        f"ldapsearch -QLLL -Y EXTERNAL -H ldapi:/// -b {base} uid={account_name} 1.1", expect=None
    )
