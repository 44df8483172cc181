"""The coming 18 months of 100,000 accounts, rehearsed: as the registry stands, and with everybody completing on the
expected date, which is the most that can happen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from provisiond import administration
from provisiond.adapters.clock import SystemClock
from provisiond.demo.university import University
from provisiond.settings import load
from tests.bench.figures import at_most, figure, note
from tests.bench.worlds import NO_BRAKES

STUDENTS = 100_000


def figures(folder: Path, scale: float) -> None:
    """The ledger alone, loaded without a directory: a rehearsal asks no other."""
    university = University(folder, "ldap://127.0.0.1:9")
    university.write(int(STUDENTS * scale), SystemClock().now().date())
    university.config.write_text(university.config.read_text() + NO_BRAKES)
    administration.create_ledger(load(university.config))
    _measured("offline", university.config, str(folder / "load.ldif"))
    _measured("settled", university.config)
    as_it_is = _measured("rehearse", university.config)
    note(f"as the registry stands: {as_it_is['seconds']:.1f} s, {as_it_is['decided']:.0f} decisions")
    told = _measured("rehearse", university.config, "expected ends")
    note(f"{told['decided']:.0f} decisions, {told['notices']:.0f} notices, {told['alumni']:.0f} conversions")
    figure("rehearse", told["seconds"], "s", at_most(60))
    figure("rehearse-memory", told["peak_mb"], "MB", at_most(200))


def _measured(verb: str, config: Path, argument: str = "") -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.measured", verb, str(config), argument]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told
