"""`make demo`: the main job on a private directory, told as a story, then the portal, open to try. Cycle, daemon and
portal are those of an installation; only registry, directory and mail server are made up."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from datetime import timedelta
from itertools import islice
from pathlib import Path

from provisiond import administration, bootstrap, bootstrap_portal, logs
from provisiond.adapters.clock import SystemClock
from provisiond.adapters.directory.ldif import ldif
from provisiond.bootstrap import Parts
from provisiond.cli import report, screen
from provisiond.cli.session import errors
from provisiond.demo import portal
from provisiond.demo.sample import CODES, MAPPING
from provisiond.demo.services import running
from provisiond.demo.sink import Sink
from provisiond.demo.slapd import PrivateSlapd, free_port
from provisiond.demo.students import cast
from provisiond.demo.university import BASE, University
from provisiond.demo.walk import walk
from provisiond.domain.model import NoticeStatus
from provisiond.domain.orders import Activate
from provisiond.ports import AccountFilter
from provisiond.result import Result, Work
from provisiond.settings import load, load_portal

FOLDER = Path(".demo")
STUDENTS = 500
NEWCOMER = "29999999"
CODE = {ours: theirs for theirs, ours in CODES["status"].items()}

Rows = list[dict[str, str]]


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make demo", description=__doc__)
    arguments.add_argument("--once", action="store_true", help="end by itself instead of waiting for Ctrl-C")
    chosen = arguments.parse_args()
    logs.configure(verbose=False)
    shutil.rmtree(FOLDER, ignore_errors=True)
    folder = FOLDER.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # in order, as Ctrl-C
    with errors(), Sink(folder / "mail") as sink, PrivateSlapd(folder / "slapd") as slapd:
        university = University(folder, slapd.url, free_port(), sink.port)
        university.keep_secret("admin", slapd.config_password)
        taken = tell_story(university)
        open_portal(university, sink, taken, once=chosen.once)


def tell_story(university: University) -> list[str]:
    """Set up, load, activate, change, change again. The student IDs of those to whom something happened."""
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
        chapter("8. The mails that are due go to a mail server of the demo's own (provisiond outbox send)")
        with screen.progress() as progress:
            delivered = parts.outbox(progress).deliver()
        screen.say(f"{delivered.accepted} mails were taken; they lie in {FOLDER}/mail", "bold")
    return [*chosen, NEWCOMER]


def open_portal(university: University, sink: Sink, taken: list[str], *, once: bool) -> None:
    """Daemon and portal at work until Ctrl-C; `once`: the demo goes the student's way by itself, and ends."""
    chapter("9. Daemon and portal work side by side (provisiond run, provisiond portal)")
    settings = load_portal(university.config)
    with running(university), bootstrap_portal.opened(settings, SystemClock()) as opened:
        people = cast(university, opened, taken)
        portal.tell(university, people)
        with portal.mails_told(sink):
            if once:
                chapter("10. A student activates the account, logs in and is found")
                walk(university, opened.desk, people.by_hkid)
            else:
                tell_next(university)
                portal.wait(portal.Phones(opened, people))
    if once:
        screen.say("\nEverything ends here; `make demo` keeps it up for you to try.", "bold")


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
        MAPPING["student_id"]: NEWCOMER,
        MAPPING["surname"]: "CHAN",
        MAPPING["given_names"]: "Tai Man",
        MAPPING["hkid"]: "",
        MAPPING["birth_date"]: "2008-02-29",
        MAPPING["personal_mail"]: "tai.man@example.org",
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
        f"{config} status",
        f"{config} rejects",
        f"{config} history --verify",
        f'{config} names "CHAN Tai Man"',
        f"ldapsearch -x -H {university.url} -D {reader} -y {FOLDER}/secrets/reader -b ou=contacts,{BASE}",
    ):
        screen.say(f"  {line}", "cyan")
    registry = university.registry_file.relative_to(Path.cwd())
    screen.say(f"or edit {registry}: the daemon reads it every 20 seconds (log: {FOLDER}/run.log)")
    screen.say("Everything stays up until Ctrl-C. What happens now is told here:", "bold")


if __name__ == "__main__":
    main()
