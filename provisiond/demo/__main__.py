"""`make demo`: the main job on a private directory, told as a story. It runs the same cycle as an installation
does; only the registry and the directory are made up."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from pathlib import Path

from provisiond import administration, bootstrap, logs
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.directory.ldif import ldif
from provisiond.bootstrap import Parts
from provisiond.cli import report, screen
from provisiond.cli.session import errors
from provisiond.demo.sample import CODES, MAPPING
from provisiond.demo.slapd import PrivateSlapd
from provisiond.demo.university import BASE, University
from provisiond.domain.model import NoticeStatus
from provisiond.domain.orders import Activate
from provisiond.ports import AccountFilter
from provisiond.result import Result, Work
from provisiond.settings import load

FOLDER = Path(".demo")
STUDENTS = 500
CODE = {ours: theirs for theirs, ours in CODES["status"].items()}

Rows = list[dict[str, str]]


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make demo", description=__doc__)
    arguments.add_argument("--once", action="store_true", help="end by itself instead of waiting for Ctrl-C")
    chosen = arguments.parse_args()
    logs.configure(verbose=False)
    shutil.rmtree(FOLDER, ignore_errors=True)
    with errors(), PrivateSlapd(FOLDER.resolve() / "slapd") as slapd:
        university = University(FOLDER.resolve(), slapd.url)
        university.keep_secret("admin", slapd.config_password)
        tell_story(university)
        if chosen.once:
            screen.say("\nThe directory ends here; `make demo` keeps it up for you to look at.", "bold")
        else:
            tell_next(university)
            wait()


def tell_story(university: University) -> None:
    """Set up, load, activate, change, change again."""
    today = SystemClock().now().date()
    university.write(STUDENTS, today)
    settings = load(university.config)
    chapter("1. An empty OpenLDAP gets tree, schema, ACLs, indexes and overlays (provisiond directory init)")
    administration.set_up_directory(settings, screen.say)
    administration.create_ledger(settings)
    with bootstrap.parts(settings, SystemClock(), writes=True) as parts:
        chapter(f"2. A registry of {STUDENTS} students arrives (provisiond plan, provisiond once)")
        show_load(cycle(parts))
        chapter("3. Again: nothing changed, so nothing is written")
        show(cycle(parts))
        chapter("4. Three students activate (provisiond activate): their listings appear")
        some = [a for a in parts.ledger.accounts(AccountFilter()) if a.applied][:3]
        for account in some:
            order = Activate(parts.clock.now(), "demo")
            show(parts.cycle().run(Work((account.student_id,), order)))
        chosen = [account.student_id for account in some]
        chapter("5. The registry changes: a newcomer, a new department, a completion, a withdrawal")
        university.edit(lambda rows: _change(rows, chosen, (today - timedelta(days=1)).isoformat()))
        with screen.progress() as progress:
            planned = parts.cycle(progress).plan()
        screen.say("as LDIF (provisiond plan --ldif):", "bold")
        screen.say(ldif(c for step in planned.plan.due for c in step.changes), "dim")
        show(cycle(parts))
        show_outbox(parts)
        chapter("6. An accident: the registry calls everybody withdrawn. The brake holds it")
        kept = university.registry_file.read_bytes()
        university.edit(_withdraw_everybody)
        show_held(cycle(parts))
        university.registry_file.write_bytes(kept)
        chapter("7. The registry is mended: the next cycle finds nothing to do")
        show(cycle(parts))


def cycle(parts: Parts) -> Result:
    with screen.progress() as progress:
        return parts.cycle(progress).run()


def chapter(title: str) -> None:
    screen.say("")
    screen.say(title, "bold underline")


def show(result: Result) -> None:
    report.tell(result, done=True)


def show_load(result: Result) -> None:
    """Of a large load: some names, the troubles, the sum."""
    rows = [
        (s.account_name, s.student_id, s.to_state.value, len(s.changes)) for s in islice(result.plan.due, 12)
    ]
    screen.table("the first twelve", ("account name", "student ID", "state", "changes"), rows)
    report.tell_troubles(result)
    screen.say(report.summary(result, done=True), "bold")


def show_held(result: Result) -> None:
    for step in islice(result.plan.held, 3):
        report.tell_step(step, "HELD ")
    screen.say(f"… and {max(0, result.plan.held_count - 3)} more", "dim")
    report.tell_brakes(result.plan)
    screen.say(report.summary(result, done=True), "bold")


def show_outbox(parts: Parts) -> None:
    """Notices beside the many of the first load."""
    items = [i.notice for i in parts.ledger.outbox(NoticeStatus.DUE)][-8:]
    rows = [(notice.due_on, notice.kind, notice.to, notice.about_on) for notice in items]
    screen.table("the latest notices due (provisiond outbox)", ("due", "kind", "to", "about"), rows)


def _change(rows: Rows, students: list[str], yesterday: str) -> None:
    by_id = {row[MAPPING["student_id"]]: row for row in rows}
    status, since = MAPPING["status"], MAPPING["status_on"]
    newcomer = dict(rows[0])
    newcomer |= {
        MAPPING["student_id"]: "29999999",
        MAPPING["surname"]: "CHAN",
        MAPPING["given_names"]: "Tai Man",
        MAPPING["hkid"]: "",
        MAPPING["birth_date"]: "2008-02-29",
        status: CODE["registered"],
        since: yesterday,
    }
    rows.append(newcomer)
    by_id[students[0]][MAPPING["department"]] = "Department of Fine Arts"
    by_id[students[1]] |= {status: CODE["completed"], since: yesterday}
    by_id[students[2]] |= {status: CODE["withdrawn"], since: yesterday}


def _withdraw_everybody(rows: Rows) -> None:
    for row in rows:
        row[MAPPING["status"]] = CODE["withdrawn"]


def tell_next(university: University) -> None:
    config = f".venv/bin/provisiond -c {FOLDER / 'provisiond.toml'}"
    reader = f"uid=directory-reader,ou=services,{BASE}"
    chapter("Now try, in another terminal")
    for line in (
        f"{config} accounts --state grace",
        f"{config} explain 29999999",
        f"{config} plan --at 2027-06-30",
        f"{config} rehearse --until 2027-09-30",
        f"{config} notices preview expiry 29999999",
        f"{config} run    # the daemon; {config} status",
        f"{config} rejects",
        f"{config} history --verify",
        f'{config} names "CHAN Tai Man"',
        f"ldapsearch -x -H {university.url} -D {reader} -y {FOLDER}/secrets/reader -b ou=contacts,{BASE}",
    ):
        screen.say(f"  {line}", "cyan")
    screen.say(f"or edit {university.registry_file.relative_to(Path.cwd())} and run: {config} once")


def wait() -> None:
    """Until Ctrl-C (or SIGTERM)."""
    screen.say("The directory stays up until Ctrl-C.", "bold")
    stop: Callable[..., None] = lambda *_: sys.exit(0)  # noqa: E731
    signal.signal(signal.SIGTERM, stop)
    try:
        signal.pause()
    except KeyboardInterrupt:
        screen.say("bye")


if __name__ == "__main__":
    main()
