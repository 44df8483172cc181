"""A SQLite ledger in a folder that a group may write: daemon and portal are two users."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from provisiond.adapters.ledger.sql import SqlLedger

GROUP, OTHER = 54321, 65534
_WRITES = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE');"
    "c.execute('CREATE TABLE written (by TEXT)'); c.commit(); c.close()"
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own, which others may not enter."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_ledger_is_its_owners_alone_unless_the_folder_is_shared(folder: Path) -> None:
    SqlLedger.open(f"sqlite:///{folder}/alone.sqlite", create=True).close()
    folder.chmod(0o2775)
    SqlLedger.open(f"sqlite:///{folder}/shared.sqlite", create=True).close()
    assert [_mode(folder / name) for name in ("alone.sqlite", "shared.sqlite")] == [0o600, 0o660]


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's place")
def test_a_member_of_the_group_writes_beside_the_owner(folder: Path) -> None:
    """… also into the files that SQLite keeps beside it while the owner has it open; others may not."""
    os.chown(folder, 0, GROUP)
    folder.chmod(0o2770)
    file = folder / "ledger.sqlite"
    with closing(SqlLedger.open(f"sqlite:///{file}", create=True)) as ledger:
        assert ledger.find("nobody") is None
        assert _as_other(file, []).returncode != 0
        written = _as_other(file, [GROUP])
        assert written.returncode == 0, written.stderr
        assert {_mode(one) for one in folder.iterdir()} == {0o660}


def _as_other(file: Path, groups: list[int]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/usr/bin/python3", "-c", _WRITES, str(file)],
        user=OTHER,
        group=OTHER,
        extra_groups=groups,
        umask=0o077,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
