"""The main job, backup and restore by the real command, with the ledger in a file and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.conftest import Site
from tests.rigs.postgres import PASSWORD, PostgresRig


def place_of_a_new_ledger(kind: str, request: pytest.FixtureRequest) -> str:
    if kind == "sqlite":
        return 'path = "new.db"'
    rig: PostgresRig = request.getfixturevalue("postgres")
    return f'url = "{rig.ledger_url()}"\npassword_file = "secrets/ledger"'


def move(site: Site, section: str) -> None:
    """Configure another ledger."""
    head, _, rest = site.university.config.read_text().partition("[ledger]\n")
    site.university.config.write_text(f"{head}[ledger]\n{section}\n{rest[rest.index('[[registry]]') :]}")


@pytest.fixture(params=["sqlite", "postgresql"])
def on(request: pytest.FixtureRequest, site: Site) -> Site:
    site.university.keep_secret("ledger", PASSWORD)
    move(site, place_of_a_new_ledger(request.param, request))
    assert "ledger init" in site.run("plan", expect=75), "the schema is checked at start"
    site.run("ledger", "init")
    return site


def test_a_cycle_a_backup_and_what_comes_back(
    on: Site, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Restored into a ledger of either kind: the same accounts, and nothing is left to do."""
    on.run("once")
    accounts, entries, file = on.json("accounts"), on.state(), tmp_path / "backup.db"
    assert f"{len(accounts)} accounts, checked" in on.run("ledger", "backup", str(file))
    assert "nothing is overwritten" in on.run("ledger", "backup", str(file), expect=75)
    assert "is not empty" in on.run("ledger", "restore", str(file), expect=75)
    for kind in ("sqlite", "postgresql"):
        move(on, place_of_a_new_ledger(kind, request).replace("new.db", "restored.db"))
        assert "would restore" in on.run("ledger", "restore", str(file), "--dry-run")
        on.run("ledger", "restore", str(file))
        assert on.json("accounts") == accounts
        assert on.json("history", "--verify")["whole"]
        assert "0 persons changed" in on.run("once")
    assert on.state() == entries
    assert PASSWORD not in on.run("check")


def test_a_dry_run_backs_nothing_up(on: Site, tmp_path: Path) -> None:
    assert "would back up" in on.run("ledger", "backup", str(tmp_path / "backup.db"), "--dry-run")
    assert not (tmp_path / "backup.db").exists()
