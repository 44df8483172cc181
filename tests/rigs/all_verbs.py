"""Runs commands of `provisiond` one after another in one process, which is quicker than a process for each. A line of
JSON on stdin: the words, and whether stderr is to look like systemd's journal; one on stdout: the exit code and all
that was said. `-v` throughout."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

import typer

from provisiond.cli import screen
from provisiond.cli.main import app


def verbs() -> list[str]:
    """Every command there is: "plan", "ledger init" …"""
    return sorted(_leaves(typer.main.get_command(app), ()))


def _leaves(command: Any, path: tuple[str, ...]) -> list[str]:
    below = [
        leaf for name, one in getattr(command, "commands", {}).items() for leaf in _leaves(one, (*path, name))
    ]
    alone = not below or command.invoke_without_command
    return [*([" ".join(path)] if alone else []), *below]


def run(words: list[str], as_journal: bool) -> tuple[int, str]:
    """Exit code, and all that came out on stdout and stderr."""
    with tempfile.TemporaryFile() as said:
        status = os.fstat(said.fileno())
        os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}" if as_journal else ""
        kept = os.dup(1), os.dup(2)
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        try:
            code = _exit_code(words)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, number in zip(kept, (1, 2), strict=True):
                os.dup2(descriptor, number)
                os.close(descriptor)
        said.seek(0)
        return code, said.read().decode("utf-8", "replace")


def _exit_code(words: list[str]) -> int:
    try:
        app(["-v", *words])
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 70
    return 0


if __name__ == "__main__":
    screen.out.width = 400
    for line in sys.stdin:
        print(json.dumps(run(*json.loads(line))), flush=True)  # noqa: T201
