"""The `provisiond` command: global options, and the verbs in the order in which one meets them."""

from __future__ import annotations

import sys
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from provisiond import logs
from provisiond.cli.session import DEFAULT_CONFIG, Session
from provisiond.cli.verbs import VerbGroup


class Root(VerbGroup):
    """The order is the one in `--help`."""

    places: ClassVar = {
        "check": "check:check",
        "plan": "see:plan",
        "rehearse": "rehearse:rehearse",
        "run": "run:run",
        "portal": "portal:portal",
        "status": "status:status",
        "once": "act:once",
        "audit": "act:audit",
        "approve": "act:approve",
        "explain": "see:explain",
        "history": "see:history",
        "accounts": "see:accounts",
        "rejects": "see:rejects",
        "hold": "act:hold",
        "release": "act:release",
        "activate": "act:activate",
        "extend": "act:extend",
        "re-enrol": "re_enrol:re_enrol",
        "log-out": "log_out:log_out",
        "names": "see:names",
        "adopt": "takeover:adopt",
        "rebuild": "takeover:rebuild",
        "notices": "notices:app",
        "outbox": "outbox:app",
        "inbox": "inbox:app",
        "directory": "setup:directory",
        "ledger": "setup:ledger",
    }


app = typer.Typer(
    name="provisiond",
    cls=Root,
    help="Gives every registered student a network account, safely and explainably.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"provisiond {version('provisiond')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="PROVISIOND_CONFIG", help="The configuration (TOML).")
    ] = DEFAULT_CONFIG,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log each change (stderr).")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    logs.configure(verbose=verbose)
    context.obj = Session(config)


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that the locale cannot write is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    app()
