"""Cycles on a loaded university: nothing changed, a hundred changes, a whole audit; and the memory of each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.bench.figures import at_most, figure, note
from tests.bench.worlds import Site, loaded_site

SMALL, LARGE = 10_000, 100_000
FEW, MANY = 20_000, 200_000
CHANGES = 100


def figures(folder: Path, scale: float) -> None:
    with loaded_site(folder / "small", int(SMALL * scale)) as (site, _):
        small = delta(site)
    with loaded_site(folder / "large", int(LARGE * scale)) as (site, _):
        csv = site.measure("csv")["seconds"]
        quiet = min((site.measure("cycle") for _ in range(3)), key=lambda told: told["seconds"])
        # looked at in each cycle: who has no Latin letter in the name, and confidential studies that had ended
        # before (0.14 % of this sample)
        assert not quiet["applied"] and quiet["looked_at"] < LARGE * scale / 200, quiet
        figure("quiet-cycle-seconds", quiet["seconds"], "s")
        figure("quiet-cycle", quiet["seconds"] / csv, "x-csv", at_most(2.5))
        large = delta(site)
        figure("delta-seconds", large, "s")
        figure("delta", large / small, "x-10000", at_most(1.3))
        audit_figures(site)


def delta(site: Site) -> float:
    """Seconds of a cycle with a hundred changed departments, the best of three."""
    times = []
    for turn in range(3):
        site.edit_rows(lambda rows, turn=turn: _changed(rows, turn))  # type: ignore[misc]
        told = site.measure("cycle")
        assert told["applied"] >= CHANGES - 2, told  # a name without a Latin letter has no account
        times.append(told["seconds"])
    return min(times)


def _changed(rows: list[str], turn: int) -> list[str]:
    """A hundred rows, spread over the file, of registered students with one programme."""
    students = Counter(row.partition(",")[0] for row in rows)
    plain = [n for n, row in enumerate(rows) if students[row.partition(",")[0]] == 1 and _is_plain(row)]
    chosen = set(plain[turn :: len(plain) // CHANGES][:CHANGES])
    return [_moved(row, turn) if n in chosen else row for n, row in enumerate(rows)]


def _is_plain(row: str) -> bool:
    cells = row.split(",")
    return '"' not in row and len(cells) == 16 and cells[10] == "REG" and cells[1].isascii()


def _moved(row: str, turn: int) -> str:
    cells = row.split(",")
    cells[8] = f"Department {turn} of {cells[0][-3:]}"
    return ",".join(cells)


def audit_figures(site: Site) -> None:
    """The first audit after an offline load looks at everything; what is measured is one that knows its tree."""
    first = site.measure("audit")
    note(f"first audit: {first['seconds']:.1f} s")
    scan = min(site.measure("scan")["seconds"] for _ in range(2))
    audit = min((site.measure("audit") for _ in range(2)), key=lambda told: told["seconds"])
    figure("audit-seconds", audit["seconds"], "s")
    figure("audit", audit["seconds"] / scan, "x-scan", at_most(1.3))
    figure("audit-memory", audit["peak_mb"], "MB", at_most(200))


def memory_figures(folder: Path, scale: float) -> None:
    peaks: dict[str, list[float]] = {"load": [], "quiet": [], "delta": [], "audit": []}
    for name, students in (("few", FEW), ("many", MANY)):
        with loaded_site(folder / name, int(students * scale)) as (site, load):
            peaks["load"].append(load["peak_mb"])
            peaks["quiet"].append(site.measure("cycle")["peak_mb"])
            site.edit_rows(lambda rows: _changed(rows, 0))
            peaks["delta"].append(site.measure("cycle")["peak_mb"])
            site.measure("audit")
            peaks["audit"].append(site.measure("audit")["peak_mb"])
    for what, (few, many) in peaks.items():
        figure(f"memory-{what}", many, "MB", at_most(200))
        figure(f"memory-{what}-growth", many / few, "x-20000", at_most(1.3))
