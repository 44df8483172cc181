"""`make bench`: how fast the main job is, beside what is done without us in the same run. Ratios matter; seconds
are this machine's. `--only NAME` runs one part, `--scale 0.1` a tenth of everybody (goals are for 1)."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from provisiond import logs
from tests.bench import core, load, outbox, portal, quiet, rehearse
from tests.bench.figures import note

PARTS: dict[str, Callable[[Path, float], None]] = {
    "decide": core.decide_figures,
    "names": core.names_figures,
    "load": load.figures,
    "quiet": quiet.figures,
    "memory": quiet.memory_figures,
    "outbox": outbox.figures,
    "rehearse": rehearse.figures,
    "portal": portal.figures,
}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--scale", type=float, default=1.0, help="part of everybody, 1: all")
    arguments.add_argument("--only", choices=PARTS, action="append", help="one part (may be repeated)")
    chosen = arguments.parse_args()
    logs.configure(verbose=False)
    for name in chosen.only or PARTS:
        note(f"{name} …")
        with tempfile.TemporaryDirectory(prefix="provisiond-bench-") as folder:
            PARTS[name](Path(folder), chosen.scale)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
