"""The `provisiond` command: global options, and the verbs in the order in which one meets them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from provisiond import logs
from provisiond.cli import (
    act,
    check,
    inbox,
    log_out,
    notices,
    outbox,
    portal,
    re_enrol,
    rehearse,
    run,
    see,
    setup,
    status,
    takeover,
)
from provisiond.cli.session import DEFAULT_CONFIG, Session

app = typer.Typer(
    name="provisiond",
    help="Gives every registered student a network account, safely and explainably.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="PROVISIOND_CONFIG", help="The configuration (TOML).")
    ] = DEFAULT_CONFIG,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log each change (stderr).")] = False,
) -> None:
    logs.configure(verbose=verbose)
    context.obj = Session(config)


VERBS: tuple[Callable[..., None], ...] = (
    check.check,
    see.plan,
    rehearse.rehearse,
    run.run,
    portal.portal,
    status.status,
    act.once,
    act.audit,
    act.approve,
    see.explain,
    see.history,
    see.accounts,
    see.rejects,
    act.hold,
    act.release,
    act.activate,
    act.extend,
    re_enrol.re_enrol,
    log_out.log_out,
    see.names,
    takeover.adopt,
    takeover.rebuild,
)
for verb in VERBS:
    app.command()(verb)
app.add_typer(notices.app, name="notices")
app.add_typer(outbox.app, name="outbox")
app.add_typer(inbox.app, name="inbox")
app.add_typer(setup.directory, name="directory")
app.add_typer(setup.ledger, name="ledger")


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that the locale cannot write is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    app()
