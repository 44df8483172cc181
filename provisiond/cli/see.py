"""Commands that look: plan, explain, history, accounts, rejects, names."""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from provisiond import settings
from provisiond.cli import explain as explaining
from provisiond.cli import refusals, report, screen
from provisiond.cli.options import At, Json, Person
from provisiond.cli.session import account_of, errors, person, session
from provisiond.domain import names as account_names
from provisiond.domain.fullnames import split_full_name
from provisiond.domain.model import State
from provisiond.domain.policy import NamePolicy
from provisiond.ports import AccountFilter
from provisiond.result import Work


def plan(
    context: typer.Context,
    json: Json = False,
    ldif: Annotated[bool, typer.Option("--ldif", help="The directory updates as LDIF.")] = False,
    everyone: Annotated[
        bool, typer.Option("--all", help="Look at every account, not only at what changed or fell due.")
    ] = False,
    at: At = None,
) -> None:
    """Show what the next cycle would do. Exit 0: nothing is due, 1: something is, 65: a brake holds."""
    with errors():
        day = at.date() if at else None
        with session(context).parts(writes=False, at=day) as parts, screen.progress() as progress:
            result = parts.cycle(progress).plan(Work(everyone=everyone))
            waiting = refusals.waiting_expiries(parts)
        if json:
            screen.as_json(report.plan_json(result) | {"waiting_expiries": waiting})
        elif ldif:
            sys.stdout.write(report.plan_ldif(result.plan))
        else:
            refusals.tell(waiting)
            report.tell(result, done=False)
        sys.exit(report.exit_code(result) or (report.DUE if result.plan.is_due else 0))


def explain(context: typer.Context, who: Person, json: Json = False, at: At = None) -> None:
    """Why one person's account is what it is, and what comes next."""
    with errors(), session(context).parts(writes=False, at=at.date() if at else None) as parts:
        if account_of(parts, who) is None and (why := explaining.why_no_account(parts, who)):
            told: dict[str, Any] = {"account_name": None, "student_id": who, "no_account_because": why}
        else:
            told = explaining.explained(parts, person(parts, who))
        if json:
            screen.as_json(told)
        else:
            explaining.tell(told)


def history(
    context: typer.Context,
    who: Annotated[str | None, typer.Argument(help="A person; without one, everything.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the hash chain.")] = False,
    json: Json = False,
) -> None:
    """What happened, who ordered it and why."""
    with errors(), session(context).parts(writes=False) as parts:
        if verify:
            if fault := parts.ledger.verify_history():
                screen.fail(f"the history was tampered with: {fault}")
            if json:
                screen.as_json({"whole": fault is None, "fault": fault})
            elif fault is None:
                screen.say("the history is whole")
            sys.exit(65 if fault else 0)
        lines = parts.ledger.history(person(parts, who).person_id if who else None)
        if json:
            screen.as_json(lines)
            return
        rows = [(line.seq, line.at, line.actor, line.event, line.reason, line.detail) for line in lines]
        screen.table("history", ("no.", "at", "actor", "event", "reason", "detail"), rows)


def accounts(
    context: typer.Context,
    state: Annotated[State | None, typer.Option(help="Only accounts in this state.")] = None,
    text: Annotated[
        str | None, typer.Argument(help="Student ID, account name or programme begins with this.")
    ] = None,
    due_by: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Only accounts with a milestone up to that day."),
    ] = None,
    json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a header.")] = False,
) -> None:
    """List accounts."""
    with errors(), session(context).parts(writes=False) as parts:
        found = parts.ledger.accounts(AccountFilter(state, text, due_by.date() if due_by else None))
        columns = ("account_name", "student_id", "state", "activated", "next_on", "programmes", "holds")
        rows = [
            (
                account.account_name,
                account.student_id,
                account.state.value,
                "yes" if account.activated_at else "no",
                account.next_on,
                " ".join(record.programme for record in account.studies),
                " ".join(hold.kind for hold in account.holds),
            )
            for account in found
        ]
        if json:
            screen.as_json([dict(zip(columns, row, strict=True)) for row in rows])
        elif as_csv:
            csv.writer(sys.stdout).writerows([columns, *rows])
        else:
            screen.table(f"{len(rows)} accounts", columns, rows)


def rejects(context: typer.Context, json: Json = False) -> None:
    """Records the registry got wrong, and persons who wait for an operator."""
    with errors(), session(context).parts(writes=False) as parts:
        rejected, parked = parts.ledger.rejections(), parts.ledger.parked()
        if json:
            screen.as_json({"rejects": rejected, "parked": parked})
            return
        rows: list[tuple[object, ...]] = [
            ("rejected", r.student_id, f"{r.file}:{r.line}", "; ".join(r.reasons)) for r in rejected
        ]
        rows += [("parked", p.student_id, "", p.reason) for p in parked]
        screen.table("rejected records and parked persons", ("what", "student ID", "where", "why"), rows)


def names(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help='A full name, surname first: "CHAN Tai Man".')],
    json: Json = False,
) -> None:
    """Show which account name somebody would get, and why others were passed over."""
    with errors():
        surname, given = split_full_name(name)
        policy, taken = settings.names_policy(), frozenset[str]()
        if session(context).has_configuration():
            policy, taken = _taken(context, surname, given)
        allocation = account_names.allocate(surname, given, policy, taken)
        if json:
            screen.as_json(
                {"name": name, "account_name": allocation.account_name, "candidates": allocation.candidates}
            )
            return
        rows = [(c.account_name, c.reason) for c in allocation.candidates]
        screen.table(name, ("account name", "reason"), rows)
        if allocation.account_name is None:
            screen.fail(f"no account name: {allocation.problem}")


def _taken(context: typer.Context, surname: str, given: str) -> tuple[NamePolicy, frozenset[str]]:
    """The configured policy, and what the ledger and the directory know of these names."""
    with session(context).parts(writes=False) as parts:
        policy = parts.settings.policy.names
        prefixes = account_names.prefixes(surname, given, policy)
        given_out = parts.ledger.names_with_prefixes(prefixes)
        standing = parts.directory.names_with_prefixes(prefixes)
        return policy, frozenset().union(*given_out.values(), *standing.values())
