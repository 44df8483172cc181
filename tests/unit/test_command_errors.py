"""How trouble leaves a command: a sentence with cause and next action, an exit code, no traceback."""

from __future__ import annotations

import errno
import sqlite3

import pytest

from provisiond.cli.session import errors


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "or set TMPDIR"),
        (sqlite3.OperationalError("database or disk is full"), "or set TMPDIR"),
        (PermissionError(errno.EACCES, "Permission denied", "/etc/x"), "Permission denied: '/etc/x'"),
    ],
)
def test_a_full_temporary_folder_is_told_and_tried_again(
    error: Exception, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left, errors():
        raise error
    assert left.value.code == 75
    assert told in capsys.readouterr().err.replace("\n", " ")
