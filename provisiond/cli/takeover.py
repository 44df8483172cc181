"""Commands for what is there already: `adopt` the entries of another tool, `rebuild` a lost ledger."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from provisiond import bootstrap
from provisiond import rebuild as rebuilding
from provisiond.adoption import Adoption
from provisiond.bootstrap import Parts
from provisiond.cli import report, review, screen
from provisiond.cli.options import DryRun, Json
from provisiond.cli.session import actor, errors, session
from provisiond.domain.errors import UnavailableError
from provisiond.domain.matching import AdoptRule
from provisiond.rebuild import Rebuilt
from provisiond.roster import Finding, Roster, What

MOST_LINES = 100  # of each kind on a terminal; the file, --csv, --json and a pipe have them all
Match = Annotated[str | None, typer.Option("--match", help="The attribute that holds the student ID.")]
Pattern = Annotated[str | None, typer.Option(help="Regular expression that finds the student ID in it.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write the file to edit.")]
From = Annotated[Path | None, typer.Option("--from", help="Adopt what this file says.")]
Csv = Annotated[bool, typer.Option("--csv", help="The file to edit on standard output.")]
Ldif = Annotated[bool, typer.Option("--ldif", help="With --from: only print what would be written.")]


def adopt(
    context: typer.Context,
    match: Match = None,
    pattern: Pattern = None,
    out: Out = None,
    reviewed: From = None,
    dry_run: DryRun = False,
    csv: Csv = False,
    ldif: Ldif = False,
    json: Json = False,
) -> None:
    """Take over entries that another tool made: match them by student ID, edit the file, adopt what it says. Exit 65:
    the plan waits for `approve`, or something was refused."""
    with errors():
        writes = reviewed is not None and not (dry_run or ldif)
        with session(context).parts(writes=writes) as parts, screen.progress() as progress:
            rule = _rule(parts.settings.adopt, match, pattern)
            adoption = Adoption(parts.cycle(progress), rule, actor())
            with _roster(parts, adoption, rule) as roster:
                if reviewed is None:
                    _show(list(roster.findings()), out, csv=csv, json=json)
                    return
                choices = review.read(reviewed)
                result = adoption.run(roster, choices) if writes else adoption.plan(roster, choices)
                if ldif:
                    sys.stdout.write(report.plan_ldif(replace(result.plan, holds=lambda step: False)))
                elif json:
                    screen.as_json(report.plan_json(result))
                else:
                    report.tell(result, done=writes)
        sys.exit(report.exit_code(result))


@contextmanager
def _roster(parts: Parts, adoption: Adoption, rule: AdoptRule) -> Iterator[Roster]:
    where, cycle = parts.settings.policy.directory, adoption.cycle
    birth = bootstrap.birth_digest(parts.settings)
    fetches = adoption.everything_read()
    with closing(Roster(cycle.directory, cycle.ledger, fetches, rule, where, birth)) as roster:
        yield roster


def _rule(configured: AdoptRule, match: str | None, pattern: str | None) -> AdoptRule:
    if pattern is not None:
        try:
            re.compile(pattern)
        except re.error as error:
            raise typer.BadParameter(f"--pattern: {error}") from error
    if match is None:
        return replace(configured, pattern=pattern) if pattern else configured
    return replace(configured, attribute=match, pattern=pattern)


def _show(findings: list[Finding], out: Path | None, *, csv: bool, json: bool) -> None:
    if out is not None or csv:
        review.write(findings, out)
    if json:
        screen.as_json({what.value: [one for one in findings if one.what is what] for what in What})
    elif not csv:
        for what in What:
            _table(what, [one for one in findings if one.what is what])
        _summary(findings, out)


def _table(what: What, findings: list[Finding]) -> None:
    most = MOST_LINES if screen.out.is_terminal else len(findings)
    rows = [(what, f.student_id, f.called, f.account_name, f.dn, f.note) for f in islice(findings, most)]
    if rows:
        screen.table(what, ("what", "student ID", "name", "account name", "entry", "note"), rows)
    if len(findings) > most:
        screen.say(f"… and {len(findings) - most} more: --out FILE has them all", "dim")


def _summary(findings: list[Finding], out: Path | None) -> None:
    count = Counter(one.what for one in findings)
    screen.say(
        f"{count[What.MATCH]} match, {count[What.CONFLICT]} conflicts, {count[What.ENTRY]} entries without a student,"
        f" {count[What.STUDENT]} students without an entry",
        "bold",
    )
    file = out or "FILE"
    begin = "edit it" if out else "write a file to edit with `provisiond adopt --out FILE`"
    screen.say(f"next: {begin}, then `provisiond adopt --from {file}`")


def rebuild(context: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Make a lost ledger again, from the directory and the registries, into the empty one of `ledger init`."""
    with errors():
        here = session(context)
        with here.parts(writes=not dry_run, rebuilding=True) as parts, screen.progress() as progress:
            cycle = parts.cycle(progress)
            found = rebuilding.rehearsed(cycle) if dry_run else rebuilding.rebuild(cycle, actor())
        if json:
            screen.as_json(_json(found))
        else:
            _tell(found, done=not dry_run)
        if found.refused:
            trouble = any(isinstance(refused.error, UnavailableError) for refused in found.refused)
            sys.exit(75 if trouble else 65)


def _json(found: Rebuilt) -> dict[str, object]:
    return {
        "accounts": {state.value: count for state, count in sorted(found.states.items())},
        "locked": found.locked,
        "troubles": found.troubles,
        "names": found.names,
        "refused": [str(refused) for refused in found.refused],
    }


def _tell(found: Rebuilt, *, done: bool) -> None:
    for trouble in found.troubles:
        screen.warn(f"not taken back: {trouble}")
    for refused in found.refused:
        screen.fail(f"refused: {refused}; mend it, then run `provisiond rebuild` again")
    screen.table("accounts", ("state", "accounts"), sorted(found.states.items()))
    if found.locked:
        screen.warn(f"found locked, and locked still: {', '.join(found.locked)}")
    did = "taken back" if done else "would be taken back"
    screen.say(f"{found.accounts} accounts {did}, {len(found.troubles)} not", "bold")
    if done and not found.refused:
        screen.say(
            f"{found.names} names are kept; run `provisiond once --dry-run` and look before the next cycle"
        )
