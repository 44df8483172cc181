"""Universities to measure on: a private slapd that `directory init` made (default durability, all overlays), a
ledger, a registry; empty, or with everybody loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisiond import administration
from provisiond.adapters.clock import SystemClock
from provisiond.demo.slapd import PrivateSlapd, program
from provisiond.demo.university import University
from provisiond.settings import load

# A first load is no accident here: no brake may hold it.
NO_BRAKES = """
[brakes.creations]
number = 10000000
always_allowed = 10000000
[brakes.mails]
number = 10000000
always_allowed = 10000000
"""


@dataclass(frozen=True, slots=True)
class Site:
    university: University
    slapd: PrivateSlapd

    def measure(self, verb: str, argument: str = "") -> dict[str, float]:
        """Run one verb of measured.py in a process of its own."""
        command = [sys.executable, "-m", "tests.bench.measured", verb, str(self.university.config), argument]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        told: dict[str, float] = json.loads(done.stdout)
        return told

    def edit_rows(self, change: Callable[[list[str]], list[str]]) -> None:
        """Change lines of the registry file: all but header and trailer."""
        path = self.university.registry_file
        header, *rows, _trailer = path.read_text("utf-8").splitlines()
        rows = change(rows)
        path.write_text("\n".join([header, *rows, f"TRAILER,{len(rows)}", ""]), "utf-8")

    def ldapmodify(self, file: Path) -> None:
        command = ["ldapmodify", "-x", "-H", self.slapd.url, "-D", self.slapd.config_dn]
        command += ["-w", self.slapd.config_password, "-f", str(file)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


@contextmanager
def empty_site(folder: Path, students: int, portal_port: int = 0) -> Iterator[Site]:
    """Nobody is loaded yet. `portal_port`: of a portal that is configured too."""
    with PrivateSlapd(folder / "slapd") as slapd:
        university = University(folder, slapd.url, portal_port, mail_port=25)
        university.keep_secret("admin", slapd.config_password)
        university.write(students, SystemClock().now().date())
        university.config.write_text(university.config.read_text() + NO_BRAKES)
        settings = load(university.config)
        administration.set_up_directory(settings, lambda _: None)
        administration.create_ledger(settings)
        yield Site(university, slapd)


@contextmanager
def loaded_site(folder: Path, students: int) -> Iterator[tuple[Site, dict[str, float]]]:
    """Everybody is loaded, offline; and what that took. Two cycles have run since: nothing is left to do."""
    with empty_site(folder, students) as site:
        file = folder / "load.ldif"
        told = site.measure("offline", str(file))
        site.slapd.stop()
        where = ["-F", str(site.slapd.folder / "slapd.d"), "-b", "dc=example,dc=edu"]
        # -w: the tree's own number of its last change, where the look for drift begins
        offline(["slapadd", "-q", "-w", *where, "-l", str(file)])
        offline(["slapmodify", "-w", *where, "-l", str(file.with_suffix(".groups"))])
        site.slapd.start()
        for _ in range(2):
            site.measure("cycle")
        yield site, told


def offline(command: list[str]) -> None:
    """Write to the tree of a slapd that is not running."""
    subprocess.run([program(command[0]), *command[1:]], stdout=subprocess.DEVNULL, check=True)
