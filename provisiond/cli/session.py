"""What every command shares: the configuration it was given, who is asking, and how errors leave."""

from __future__ import annotations

import errno
import getpass
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from provisiond.adapters.clock import SetClock, SystemClock
from provisiond.cli import screen
from provisiond.domain.errors import ConfigError, ProvisiondError, UnavailableError
from provisiond.domain.model import Account
from provisiond.ports import Clock
from provisiond.settings import Outline, Settings, load, outline

if TYPE_CHECKING:
    from provisiond.bootstrap import Parts

DEFAULT_CONFIG = Path("/etc/provisiond/provisiond.toml")


class UnknownPersonError(ProvisiondError):
    """The operator named somebody the ledger does not know."""

    exit_code = 67


@dataclass(frozen=True, slots=True)
class Session:
    """Made by the root command from global options."""

    config: Path

    def settings(self) -> Settings:
        return load(self.config)

    def outline(self) -> tuple[Settings | Outline, list[str]]:
        """Enough to find ledger and daemon, also where the file has faults elsewhere, and those."""
        try:
            return load(self.config), []
        except ConfigError as error:
            found = outline(self.config)
            if found is None:
                raise
            return found, error.faults

    def has_configuration(self) -> bool:
        """One that we may not read is there: loading it tells why not."""
        try:
            self.config.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except PermissionError:
            return True
        return True

    @contextmanager
    def parts(self, *, writes: bool, at: date | None = None, rebuilding: bool = False) -> Iterator[Parts]:
        """The parts of provisiond, for one command. `at`: look with the clock of that day, 09:00."""
        # half of what there is to import: not for `status`, `names`, `ledger init`
        from provisiond import bootstrap

        settings = self.settings()
        clock: Clock = SystemClock()
        if at is not None:
            clock = SetClock(datetime.combine(at, time(9), settings.zone))
        with bootstrap.parts(settings, clock, writes=writes, rebuilding=rebuilding) as parts:
            yield parts


def session(context: typer.Context) -> Session:
    found = context.find_object(Session)
    assert found is not None, "the root command makes the session"
    return found


def actor() -> str:
    """Who gives an order: the person behind sudo, else the user."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def account_of(parts: Parts, text: str) -> Account | None:
    """The account of a student ID, account name or mail address. An address elsewhere that merely begins like
    one of ours is somebody else's: a lock must not meet the wrong person."""
    where = parts.settings.policy.directory
    domain = text.strip().rpartition("@")[2].casefold() if "@" in text else where.domain.casefold()
    ours = domain in (where.domain.casefold(), where.mail_domain.casefold())
    return parts.ledger.find(text.strip()) if ours else None


def person(parts: Parts, text: str) -> Account:
    """The same, where there must be one."""
    account = account_of(parts, text)
    if account is None:
        raise UnknownPersonError(
            f"no account for {text!r}: give a student ID, an account name or a mail address;"
            " `provisiond accounts` lists them. Whoever had completed or withdrawn before provisiond first saw"
            " them gets none"
        )
    return account


@contextmanager
def errors() -> Iterator[None]:
    """Errors become sentences and exit codes (sysexits.h), never a traceback of expected trouble."""
    try:
        yield
    except ConfigError as error:
        many = f"{len(error.faults)} faults" if len(error.faults) > 1 else "a fault"
        screen.fail(f"provisiond: {many} in the configuration:")
        for fault in error.faults:
            screen.fail(f"  {fault}")
        sys.exit(error.exit_code)
    except ProvisiondError as error:
        screen.fail(f"provisiond: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except (OSError, sqlite3.Error) as error:  # of temporary files: nothing was written elsewhere yet
        full = isinstance(error, sqlite3.Error) or error.errno in (errno.ENOSPC, errno.EDQUOT)
        next_action = (
            f". Make room in {tempfile.gettempdir()}, or set TMPDIR to another folder" if full else ""
        )
        screen.fail(f"provisiond: {error}{next_action}")
        sys.exit(UnavailableError.exit_code)
