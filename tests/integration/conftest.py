"""A university on the real slapd, worked by the real command in processes of its own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from provisiond.demo.sample import CODES, MAPPING
from provisiond.demo.university import University
from tests.rigs.forked import Forked
from tests.rigs.slapd import SlapdRig, running_rig

Rows = list[dict[str, str]]
CODE = {ours: theirs for theirs, ours in CODES["status"].items()}


@dataclass(frozen=True, slots=True)
class Site:
    """A university in a folder and the directory it works on."""

    university: University
    slapd: SlapdRig

    def run(self, *words: str, expect: int = 0) -> str:
        """The command's standard output; any other exit code than expected shows everything it said."""
        done = self.start(*words)
        out, err = done.communicate(timeout=300)
        assert done.returncode == expect, f"exit {done.returncode}, expected {expect}\n{out}\n{err}"
        return out + err

    def start(self, *words: str) -> Forked:
        words = ("-c", str(self.university.config), *words)
        return Forked(words, environment={**os.environ, "NO_COLOR": "1"})

    def json(self, *words: str, expect: int = 0) -> Any:
        out = self.start(*words, "--json")
        text, err = out.communicate(timeout=300)
        assert out.returncode == expect, f"exit {out.returncode}, expected {expect}\n{text}\n{err}"
        return json.loads(text)

    def edit(self, change: Callable[[dict[str, str]], None]) -> None:
        """Change every row of the registry."""

        def each(rows: Rows) -> None:
            for row in rows:
                change(row)

        self.university.edit(each)

    def state(self) -> dict[str, str]:
        """DN → entryCSN of every entry below the base: equal states mean that nothing was written."""
        text = self.slapd.ldapsearch("-b", self.slapd.base, "(objectClass=*)", "entryCSN")
        return dict(re.findall(r"^dn: (.+)\nentryCSN: (.+)$", text, re.MULTILINE))

    def entry(self, dn: str, *attributes: str) -> str:
        return self.slapd.ldapsearch("-b", dn, "-s", "base", "(objectClass=*)", *attributes)

    def plant(self, ldif: str) -> None:
        """Write as somebody else would: the operators' own tools."""
        done = self.slapd.client("ldapmodify", given=ldif)
        assert done.returncode == 0, done.stderr

    def set_password(self, dn: str, password: str) -> None:
        done = self.slapd.client("ldappasswd", "-s", password, dn)
        assert done.returncode == 0, done.stderr

    def can_bind(self, dn: str, password: str) -> bool:
        return self.slapd.client("ldapwhoami", who=(dn, password)).returncode == 0

    def accounts(self) -> list[str]:
        return [dn for dn in self.state() if dn.startswith("uid=") and dn.endswith(self.slapd.people_base)]


def same_name(count: int) -> Callable[[Rows], None]:
    """Makes a registry of that many CHAN Tai Man."""

    def change(rows: Rows) -> None:
        first = next(r for r in rows if r[MAPPING["status"]] == CODE["registered"])
        rows[:] = [
            first
            | {
                MAPPING["student_id"]: str(30000000 + i),
                MAPPING["surname"]: "CHAN",
                MAPPING["given_names"]: "Tai Man",
                MAPPING["hkid"]: "",
            }
            for i in range(count)
        ]

    return change


def new_site(slapd: SlapdRig, folder: Path) -> Site:
    """Sixty students, nothing loaded yet."""
    university = University(folder, slapd.url)
    university.keep_secret("daemon", slapd.daemon_password)
    university.keep_secret("admin", slapd.config_password)
    university.write(60, datetime.now(UTC).date())
    found = Site(university, slapd)
    found.run("ledger", "init")
    return found


@pytest.fixture
def site(slapd: SlapdRig, tmp_path: Path) -> Site:
    slapd.reset()
    return new_site(slapd, tmp_path)


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """On a slapd of its own beside us, for what is done to the server's process and configuration."""
    with running_rig("local", tmp_path / "own") as rig:
        yield new_site(rig, tmp_path)
