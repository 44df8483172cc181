"""Commands that prepare an installation: `directory init` and `ledger init`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from provisiond import bootstrap
from provisiond.cli import screen
from provisiond.cli.act import DryRun
from provisiond.cli.session import errors, session

directory = typer.Typer(help="The university directory.", no_args_is_help=True)
ledger = typer.Typer(help="The ledger.", no_args_is_help=True)


@directory.command("init")
def directory_init(
    context: typer.Context,
    ldif: Annotated[bool, typer.Option("--ldif", help="Only print what would be applied.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Make tree, schema, ACLs, indexes and overlays in an OpenLDAP; what is there already stays."""
    with errors():
        settings = session(context).settings()
        if ldif or dry_run:
            sys.stdout.write(bootstrap.directory_setup_ldif(settings))
        else:
            bootstrap.set_up_directory(settings, screen.say)


@ledger.command("init")
def ledger_init(context: typer.Context, dry_run: DryRun = False) -> None:
    """Make the ledger, or bring one of an older version up to date."""
    with errors():
        settings = session(context).settings()
        where = bootstrap.ledger_place(settings)
        if dry_run:
            screen.say(f"would make or upgrade the ledger {where}")
            return
        bootstrap.create_ledger(settings)
        screen.say(f"the ledger {where} is ready")
