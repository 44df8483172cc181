"""What is in the Debian package, without installing it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from provisiond.cli.main import app
from tests.e2e.conftest import ROOT


@pytest.fixture(scope="module")
def contents(package: Path) -> dict[str, str]:
    """Path → mode and owner."""
    listing = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, encoding="utf-8", check=True)
    lines = (line.split(maxsplit=5) for line in listing.stdout.splitlines())
    return {
        path.split(" -> ")[0].removeprefix("."): f"{mode} {owner}" for mode, owner, _, _, _, path in lines
    }


def test_a_package_brings_no_secret(contents: dict[str, str]) -> None:
    assert [path for path in contents if path.startswith("/etc/") and not path.endswith("/")] == [
        "/etc/provisiond/provisiond.toml"
    ]
    assert {owner for owner in contents.values() if owner.split()[1] != "root/root"} == set()


def test_a_package_brings_what_is_needed_to_run_and_no_more(contents: dict[str, str]) -> None:
    packages = {found[1] for path in contents if (found := re.search(r"/site-packages/([^/]+)/", path))}
    assert {"provisiond", "ldap3", "sqlalchemy", "psycopg"} <= packages
    assert not {"pytest", "mypy", "hypothesis", "testcontainers", "pip"} & packages


def test_the_manual_the_completion_and_the_units_are_in_their_places(contents: dict[str, str]) -> None:
    assert {
        "/lib/systemd/system/provisiond.service",
        "/lib/systemd/system/provisiond-portal.service",
        "/usr/lib/sysusers.d/provisiond.conf",
        "/usr/lib/tmpfiles.d/provisiond.conf",
        "/usr/share/man/man1/provisiond.1.gz",
        "/usr/share/man/man5/provisiond.toml.5.gz",
        "/usr/share/bash-completion/completions/provisiond",
        "/usr/share/zsh/vendor-completions/_provisiond",
        "/usr/share/fish/vendor_completions.d/provisiond.fish",
    } <= set(contents)


@pytest.mark.parametrize("unit", sorted((ROOT / "systemd").glob("*.service")), ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_there_is(unit: Path) -> None:
    verbs: Any = typer.main.get_command(app)
    started = re.findall(r"^ExecStart=/usr/bin/provisiond (\w+)", unit.read_text("utf-8"), re.MULTILINE)
    assert started and set(started) <= set(verbs.commands)


def _given(unit: str) -> set[str]:
    text = (ROOT / "systemd" / unit).read_text("utf-8")
    return set(re.findall(r"^LoadCredential=([\w-]+):", text, re.MULTILINE))


def _named(part: str) -> set[str]:
    return set(re.findall(r'(?:password|token|key)_file = "(?:secrets/|credential:)([\w-]+)"', part))


def test_every_secret_that_the_configuration_names_is_given_to_its_service() -> None:
    """But those of `directory init`, which root runs; the portal gets its own, and of the daemon's only the key of
    digests and the ledger's password."""
    text = (ROOT / "config" / "provisiond.toml").read_text("utf-8")
    before, _, after = text.partition("\n[portal]\n")
    portal, _, rest = after.partition("\n# -- ")
    only_for_root = {"directory-admin-password", "portal-password", "listing-reader-password"}
    assert _named(before + rest) - only_for_root <= _given("provisiond.service")
    assert _named(portal) | {"digest-key", "ledger-password"} == _given("provisiond-portal.service")
    assert "factor-key" not in _given("provisiond.service")
