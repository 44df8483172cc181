"""What is said into a pipe that nobody reads any more."""

from __future__ import annotations

import subprocess
import sys

SAYS = """
import sys
from provisiond.cli import screen
from provisiond.cli.session import errors
with errors():
    sys.stdin.read()
    for number in range(20000):
        screen.say(f"line {number}")
"""


def test_a_reader_who_left_ends_the_command_as_sigpipe_would() -> None:
    """`provisiond outbox | head` ends with 141 also where it is a sentence, not a table, that nobody reads."""
    command = [sys.executable, "-c", SAYS]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as spoken:
        assert spoken.stdin and spoken.stdout and spoken.stderr
        spoken.stdout.close()
        spoken.stdin.close()
        said = spoken.stderr.read()
    assert (spoken.returncode, said) == (141, "")
