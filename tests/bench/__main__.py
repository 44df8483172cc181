"""`make bench`: how fast the main job is, beside what is done without us in the same run. Each figure is a line
`bench NAME VALUE UNIT`, so that a script can read it. Ratios matter; seconds are this machine's."""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from provisiond import bootstrap, logs
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.directory.ldif import ldif
from provisiond.cycle import Result
from provisiond.demo.slapd import PrivateSlapd
from provisiond.demo.university import University
from provisiond.settings import Settings, load


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--students", type=int, default=2000, help="rows of the registry")
    students = arguments.parse_args().students
    logs.configure(verbose=False)
    with tempfile.TemporaryDirectory(prefix="provisiond-bench-") as folder:
        first_load_and_quiet_cycle(Path(folder), students)


def first_load_and_quiet_cycle(folder: Path, students: int) -> None:
    """The whole path (parse, decide, ledger, apply) against `ldapadd` of the same changes to a like server."""
    with directory(folder / "ours", students) as ours, directory(folder / "theirs", 1) as theirs:
        with bootstrap.parts(ours, SystemClock(), writes=True) as parts:
            plan = parts.cycle().plan().plan
            steps = [*plan.steps, *plan.held]
            entries = len(steps)
            by_hand = seconds(lambda: ldapadd(theirs, ldif(c for step in steps for c in step.changes)))
            if plan.held_hash:  # a large first load is held: that is what an operator approves
                parts.cycle().run()
                parts.ledger.approve(plan.held_hash, "bench", parts.clock.now())
            load_took = seconds(lambda: run(parts.cycle().run))
            quiet_took = seconds(lambda: run(parts.cycle().run))
        csv_took = seconds(lambda: read_csv(ours))
    print_line("ldapadd", entries / by_hand, "entries/s")
    print_line("first-load", entries / load_took, "entries/s")
    print_line("first-load-ratio", by_hand / load_took, "x ldapadd")
    print_line("quiet-cycle", quiet_took, "s")
    print_line("quiet-cycle-ratio", quiet_took / csv_took, "x csv module")


@contextmanager
def directory(folder: Path, students: int) -> Iterator[Settings]:
    """A university with a directory that `directory init` made."""
    with PrivateSlapd(folder / "slapd") as slapd:
        university = University(folder, slapd.url)
        university.keep_secret("admin", slapd.config_password)
        university.write(students, SystemClock().now().date())
        settings = load(university.config)
        bootstrap.set_up_directory(settings, lambda _: None)
        bootstrap.create_ledger(settings)
        yield settings


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def run(cycle: Callable[[], Result]) -> None:
    result = cycle()
    assert not result.failed and not result.plan.held, result.failed[:3]


def ldapadd(settings: Settings, changes: str) -> None:
    admin = settings.directory.admin
    assert admin.password_file and admin.bind_dn
    command = [
        "ldapmodify",
        "-x",
        "-c",
        "-H",
        admin.url,
        "-D",
        admin.bind_dn,
        "-w",
        admin.password_file.read(),
    ]
    subprocess.run(command, input=changes, text=True, check=True, capture_output=True)


def read_csv(settings: Settings) -> None:
    with settings.registries[0].path.open(encoding="utf-8-sig", newline="") as file:
        for _ in csv.reader(file):
            pass


def print_line(name: str, value: float, unit: str) -> None:
    print(f"bench {name} {value:.3g} {unit}")  # noqa: T201 - what a script reads


if __name__ == "__main__":
    main()
