"""The file in which operators decide what is adopted: CSV, written by `adopt --out`, read by `adopt --from`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from provisiond.adoption import Choice
from provisiond.domain.errors import RejectedError
from provisiond.roster import Finding, What

COLUMNS = ("action", "student_id", "dn", "account_name", "called", "note")
ADOPT, SKIP = "adopt", "skip"


def write(findings: Iterable[Finding], path: Path | None) -> None:
    """What fits is to be adopted, everything else waits for an operator's word. `path` None: standard output."""
    if path is None:
        _write(findings, sys.stdout)
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            _write(findings, file)
    except OSError as error:
        raise RejectedError(f"cannot write {path}: {error.strerror}") from error


def read(path: Path) -> list[Choice]:
    """The lines that say adopt. Raises RejectedError with every fault."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(enumerate(csv.DictReader(file), start=2))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RejectedError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if faults := list(_faults(rows)):
        raise RejectedError(f"{path}: " + "; ".join(faults))
    return [Choice(r["student_id"].strip(), r["dn"].strip(), line) for line, r in rows if _action(r) == ADOPT]


def _write(findings: Iterable[Finding], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in findings:
        fits = one.what is What.MATCH
        note = one.note if fits else f"{one.what}: {one.note}"
        action = ADOPT if fits else SKIP
        writer.writerow((action, one.student_id, one.dn, one.account_name, one.called, note))


def _faults(rows: Iterable[tuple[int, dict[str, str]]]) -> Iterator[str]:
    for line, row in rows:
        missing = [name for name in COLUMNS[:3] if row.get(name) is None]
        if missing:
            yield f"line {line} lacks {', '.join(missing)}"
        elif _action(row) not in (ADOPT, SKIP):
            yield f"line {line}: action is {ADOPT} or {SKIP}, not {row['action']!r}"
        elif _action(row) == ADOPT and not (row["student_id"].strip() and row["dn"].strip()):
            yield f"line {line}: {ADOPT} needs student_id and dn"


def _action(row: dict[str, str]) -> str:
    return row["action"].strip().lower()
