"""A first load through everything (parse, decide, ledger, apply) against one `ldapmodify` of the same changes to a
server made the same way."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import at_least, at_most, figure, note
from tests.bench.worlds import Site, empty_site

STUDENTS = 20_000


def figures(folder: Path, scale: float) -> None:
    students = int(STUDENTS * scale)
    with empty_site(folder / "ours", students) as ours, empty_site(folder / "theirs", 10) as theirs:
        entries = ours.measure("planned", str(folder / "load.ldif"))["entries"]
        began = time.perf_counter()
        theirs.ldapmodify(folder / "load.ldif")
        by_hand = time.perf_counter() - began
        told = ours.measure("cycle")
        figure("ldapadd", entries / by_hand, "entries/s")
        figure("first-load-rate", entries / told["seconds"], "entries/s")
        figure("first-load", by_hand / told["seconds"], "x-ldapadd", at_least(0.8))
        figure("first-load-memory", told["peak_mb"], "MB", at_most(200))
    with empty_site(folder / "profiled", students // 10) as site:
        profile(site)


def profile(site: Site) -> None:
    """Where the time of a smaller load goes: our functions by their own time."""
    note("profile of a load of a tenth:")
    command = [sys.executable, "-m", "cProfile", "-s", "tottime", "-m", "tests.bench.measured", "cycle"]
    done = subprocess.run(
        [*command, str(site.university.config)], stdout=subprocess.PIPE, text=True, check=True
    )
    for line in done.stdout.splitlines()[:25]:
        note(line[:110])
