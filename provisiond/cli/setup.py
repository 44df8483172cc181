"""Commands that prepare an installation and keep it: `directory init`; `ledger init`, `backup` and `restore`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from provisiond import administration
from provisiond.bootstrap_ledger import ledger_place
from provisiond.cli import screen
from provisiond.cli.options import DryRun
from provisiond.cli.session import errors, session

directory = typer.Typer(help="The university directory.", no_args_is_help=True)
ledger = typer.Typer(help="The ledger.", no_args_is_help=True)


@directory.command("init")
def directory_init(
    context: typer.Context,
    ldif: Annotated[bool, typer.Option("--ldif", help="Only print what would be applied.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Make tree, schema, ACLs, indexes and overlays or plugins in the directory; what is there stays."""
    with errors():
        settings = session(context).settings()
        if ldif or dry_run:
            sys.stdout.write(administration.directory_setup_ldif(settings))
        else:
            administration.set_up_directory(settings, screen.say)


@ledger.command("init")
def ledger_init(context: typer.Context, dry_run: DryRun = False) -> None:
    """Make the ledger, or bring one of an older version up to date."""
    with errors():
        settings = session(context).settings()
        where = ledger_place(settings)
        if dry_run:
            screen.say(f"would make or upgrade the ledger {where}")
            return
        administration.create_ledger(settings)
        screen.say(f"the ledger {where} is ready")


BackupFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The backup: one file, readable to you alone.")
]


@ledger.command("backup")
def ledger_backup(context: typer.Context, file: BackupFile, dry_run: DryRun = False) -> None:
    """Write the ledger as it is now to FILE, which must not exist; may run while others work on it."""
    with errors():
        settings = session(context).settings()
        where = ledger_place(settings)
        if dry_run:
            screen.say(f"would back up the ledger {where} to {file}")
            return
        accounts = administration.back_up_ledger(settings, file)
        screen.say(f"the ledger {where} is in {file}: {accounts} accounts, checked")


@ledger.command("restore")
def ledger_restore(context: typer.Context, file: BackupFile, dry_run: DryRun = False) -> None:
    """Put a backup into the configured ledger, which must be missing or empty; all of it or nothing."""
    with errors():
        settings = session(context).settings()
        where = ledger_place(settings)
        if dry_run:
            accounts = administration.check_backup(file)
            screen.say(f"would restore {accounts} accounts from {file} to the ledger {where}")
            return
        accounts = administration.restore_ledger(settings, file)
        screen.say(f"the ledger {where} is restored from {file}: {accounts} accounts, checked")
