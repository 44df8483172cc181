"""The command as a newcomer meets it: before any configuration, with a wrong one, in a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer

from provisiond.cli.main import app
from provisiond.cli.session import Session

COMMAND = Path(sys.executable).parent / "provisiond"
VERBS = [
    "check",
    "plan",
    "rehearse",
    "once",
    "approve",
    "explain",
    "history",
    "accounts",
    "rejects",
    "hold",
    "release",
    "activate",
    "extend",
    "portal",
    "log-out",
    "re-enrol",
    "names",
    "notices",
    "outbox",
    "directory",
    "ledger",
]


def provisiond(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k != "PROVISIOND_CONFIG"} | {"NO_COLOR": "1"}
    return subprocess.run(
        [COMMAND, *words],
        capture_output=True,
        encoding="utf-8",
        env=inherited | environment,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    done = provisiond(verb, "--help")
    assert done.returncode == 0 and "Usage" in done.stdout


def test_the_version_is_told_whatever_the_configuration() -> None:
    done = provisiond("--version", PROVISIOND_CONFIG="/nonexistent.toml")
    assert (done.returncode, done.stdout) == (0, f"provisiond {version('provisiond')}\n")


def test_every_verb_is_listed_in_its_place_and_one_that_is_not_there_is_guessed() -> None:
    """They are imported only when they are asked for, so that a name in the list could lead nowhere."""
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        assert command.name == name and command.help
    assert "Did you mean 'status'?" in provisiond("statu").stderr


def test_names_need_no_configuration() -> None:
    done = provisiond("-c", "/nonexistent.toml", "names", "CHAN Tai Man", "--json")
    assert json.loads(done.stdout) == {
        "name": "CHAN Tai Man",
        "account_name": "tmchan",
        "candidates": [{"account_name": "tmchan", "reason": "free"}],
    }


def test_a_reserved_name_is_passed_over_and_says_so() -> None:
    told = json.loads(provisiond("-c", "/nonexistent.toml", "names", "OOT Ray", "--json").stdout)
    assert told["account_name"] == "rootaa"
    assert [c["reason"] for c in told["candidates"]][-1] == "free"
    assert "reserved" in told["candidates"][0]["reason"]


def test_names_are_told_whatever_the_locale_can_write() -> None:
    """JSON is UTF-8 everywhere, and well-formed also when the argument was not."""
    for name in ("Nguyễn Thị", "CHAN \udcff"):
        words = ("-c", "/nonexistent.toml", "names", name)
        told = json.loads(provisiond(*words, "--json", PYTHONIOENCODING="ascii").stdout)
        assert told["name"] == name and told["account_name"]
        assert provisiond(*words, PYTHONIOENCODING="ascii").returncode == 0


@pytest.mark.parametrize("verb", ["hold", "release", "extend"])
def test_an_order_without_a_reason_is_refused(verb: str) -> None:
    more = ("--until", "2099-01-01") if verb == "extend" else ()
    done = provisiond("-c", "/nonexistent.toml", verb, "20240001", "--reason", " ", *more)
    assert done.returncode == 2 and "say why" in done.stderr


def test_settling_nothing_is_a_mistake() -> None:
    assert provisiond("-c", "/nonexistent.toml", "outbox", "settle").returncode == 2


def test_a_name_without_latin_letters_is_an_answer_not_a_crash() -> None:
    done = provisiond("-c", "/nonexistent.toml", "names", "陳大文", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["account_name"] is None


def test_a_missing_configuration_is_a_sentence_with_the_next_action() -> None:
    done = provisiond("-c", "/nonexistent.toml", "plan")
    assert done.returncode == 78
    assert "/nonexistent.toml" in done.stderr and "Traceback" not in done.stderr


def test_all_faults_of_a_configuration_are_told_at_once(tmp_path: Path) -> None:
    config = tmp_path / "provisiond.toml"
    config.write_text("[directry]\nurls = []\n[university]\nname = 7\n")
    done = provisiond("-c", str(config), "check")
    assert done.returncode == 78
    assert "directry" in done.stderr and "directory" in done.stderr and "university.name" in done.stderr


def test_a_configuration_that_may_not_be_read_is_not_taken_for_none() -> None:
    """`names` serves without a configuration; with one, silence about it would be an untrue answer."""

    class Closed(type(Path())):  # type: ignore[misc]
        def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
            raise PermissionError

    assert Session(Closed("/etc/provisiond/provisiond.toml")).has_configuration()
    assert not Session(Path("/nonexistent.toml")).has_configuration()
