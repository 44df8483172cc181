"""`make demo ARGS=--once`, with which the README begins: the whole story on a private slapd, daemon and portal."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What it says, in a pipe."""
    command = [sys.executable, "-m", "provisiond.demo", "--once"]
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "\x1b" not in done.stdout
    assert [left.name for left in folder.iterdir()] == [".demo"]
    return done.stdout


def test_the_main_job_is_told(told: str) -> None:
    """A first load, activation, changes; an empty registry is held back."""
    assert re.search(r"0 persons changed, 0 refused, \d{3} held", told)
    for said in ("provisiond approve", "the HKID number is not valid", "no Latin letter in the name"):
        assert said in told


def test_it_names_students_to_try(told: str) -> None:
    """One to activate with an identity card, one without, one to log in as."""
    assert re.search(r"The portal is open: http://localhost:\d+/", told)
    assert re.search(r"student ID \d{8}, Hong Kong ID [A-Z]{1,2}\d{6}\([0-9A]\)", told)
    assert re.search(r"student ID \d{8}, date of birth \d{4}-\d\d-\d\d", told)
    assert re.search(r"account name \w+, password demo \w+", told)


def test_a_student_goes_the_whole_way(told: str) -> None:
    """Activation in the portal, a code as the phone shows it, log-in, the listing, a bind with the new password."""
    assert re.search(r"the phone would show \d{6}", told)
    name = re.search(r"proved who they are: account name (\w+)", told)
    assert name
    for said in (
        "activated; services and listing are there",
        "logged in with password and code: My account is shown",
        f"dn: uid={name[1]},ou=contacts,dc=example,dc=edu",
        f"ldapwhoami with the new password: uid={name[1]},ou=people,dc=example,dc=edu",
    ):
        assert said in told
