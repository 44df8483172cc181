"""What the other tests of this folder start in place of the command behaves as the command does."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.conftest import Site
from tests.rigs.daemon_process import eventually
from tests.rigs.forked import COMMAND, Forked

COMMANDS: Sequence[tuple[str, ...]] = (
    ("--version",),
    ("--help",),
    ("outbox", "--help"),
    ("status",),
    ("plan",),
    ("plan", "--ldif"),
    ("explain", "nobody"),
    ("names", "CHAN Tai Man", "--json"),
    ("hold", "47000001"),
    ("no-such-verb",),
    ("-c", "nowhere.toml", "plan"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_what_is_said_and_the_exit_code_are_those_of_the_command(site: Site, words: tuple[str, ...]) -> None:
    """Also with the environment and in the folder that it is given."""
    folder = site.university.folder
    environment = {**os.environ, "NO_COLOR": "1", "PROVISIOND_CONFIG": "provisiond.toml"}
    real = subprocess.run(
        [COMMAND, *words], capture_output=True, text=True, env=environment, cwd=folder, check=False
    )
    forked = Forked(words, environment=environment, folder=folder)
    out, err = forked.communicate(timeout=60)
    assert (forked.returncode, out, err) == (real.returncode, real.stdout, real.stderr)


def test_it_is_a_process_that_can_be_stopped_and_killed(site: Site) -> None:
    with site.start("run") as daemon:
        assert daemon.stderr and "started" in daemon.stderr.readline()
        daemon.send_signal(signal.SIGSTOP)
        eventually(lambda: _state(daemon.pid) == "T", "it stands still")
        assert daemon.poll() is None
        daemon.kill()
        assert daemon.wait(10) == -signal.SIGKILL
        assert daemon.poll() == -signal.SIGKILL


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_its_output_ends_with_it_whatever_was_started_beside_it(site: Site) -> None:
    """None holds the other's descriptors."""
    with site.start("run") as first, site.start("status") as second:
        second.send_signal(signal.SIGSTOP)
        first.kill()
        first.communicate(timeout=10)
        assert second.poll() is None
        second.send_signal(signal.SIGCONT)
        assert "daemon" in second.communicate(timeout=10)[0]
