"""Whose the files of a ledger, and of the portal's memory, are: their folder's owner's, also when root makes them by
hand. Else the service, which runs as that owner, could not open what the command had made."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def opened_file(path: Path) -> int:
    """A descriptor for reading and writing; makes the file (0600; 0660 where its folder's group may write there: the
    portal is in it) where there is none. SQLite gives its files beside it the same mode. Raises OSError."""
    folder = path.parent.stat()
    mode = 0o660 if folder.st_mode & stat.S_IWGRP else 0o600
    how = os.O_RDWR | os.O_CLOEXEC
    try:
        descriptor = os.open(path, how | os.O_CREAT | os.O_EXCL, 0o600)  # never through somebody's link
    except FileExistsError:
        return os.open(path, how)
    if os.geteuid() == 0:
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    os.fchmod(descriptor, mode)
    return descriptor


def own_file(path: Path) -> int:
    """The same, but the file is whoever makes it: a backup that root writes is root's, wherever it lies."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def is_owners_alone(folder: Path) -> bool:
    """Whether nobody else may write there: a portal under a user of its own cannot use a ledger in it."""
    try:
        return not folder.stat().st_mode & stat.S_IWGRP
    except OSError:
        return False  # not there, or not to be seen: told elsewhere
