"""kill -9 at every named point and at random moments of loads, with the access log of slapd as the referee: no
account is lost or doubled, no identifier given twice, no set left half, each notice decided once."""

from __future__ import annotations

import random
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisiond.demo.sample import MAPPING
from provisiond.demo.university import University
from tests.integration.conftest import CODE, Rows, Site, new_site
from tests.rigs.audited import audited_slapd, effects
from tests.rigs.killing import POINTS, cycle_process

RANDOM_KILLS = 100
STUDENTS = 80


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """On a slapd with an access log, brakes wide open: losses are meant here."""
    with audited_slapd(tmp_path / "audited") as rig:
        found = new_site(rig, tmp_path)
        config = found.university.config
        config.write_text(config.read_text() + _WIDE)
        yield found


_WIDE = "".join(
    f"\n[brakes.{name}]\nnumber = 100000\nalways_allowed = 100000\n"
    for name in ("creations", "completions", "losses", "renames", "mails")
)


def test_a_kill_at_each_named_point_leaves_work_that_the_next_run_finishes(site: Site) -> None:
    reached = set()
    for turn, point in enumerate(POINTS):
        change(site.university, random.Random(turn))
        process = cycle_process(site.university.config, point)
        process.join(60)
        if process.exitcode == -signal.SIGKILL:
            reached.add(point)
        if turn % 2:  # the other half is finished by a run that is killed itself
            again = cycle_process(site.university.config)
            again.join(60)
            assert again.exitcode == 0, point
    # what only a brake or an approval comes to is tried in the scenarios
    assert set(POINTS) - reached <= {
        f"{when} {call}" for when in ("before", "after") for call in ("hold_plan", "spend")
    }
    finished(site)


def test_kills_at_random_moments_of_loads(site: Site) -> None:
    """A new seed each time would be no test that replays: the moments are random enough by themselves."""
    chance, kills = random.Random(42), 0
    for _ in range(10 * RANDOM_KILLS):
        process = cycle_process(site.university.config)
        process.join(chance.uniform(0.02, 0.45))
        if process.is_alive():
            process.kill()
            kills += 1
        process.join(60)
        if process.exitcode == 0:
            change(site.university, chance)
        if kills == RANDOM_KILLS:
            break
    assert kills == RANDOM_KILLS
    finished(site)


def change(university: University, chance: random.Random) -> None:
    """Newcomers, some with names that others have; completions, withdrawals, new departments."""
    yesterday = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()

    def edit(rows: Rows) -> None:
        for row in chance.sample(rows, 6):
            row[MAPPING["status"]] = CODE[chance.choice(("completed", "withdrawn", "registered"))]
            row[MAPPING["status_on"]] = yesterday
        for row in chance.sample(rows, 6):
            row[MAPPING["department"]] = f"Department {chance.randrange(9)}"
        first = len(rows)
        for number in range(first, first + 15):
            rows.append(
                rows[0]
                | {
                    MAPPING["student_id"]: str(40000000 + number),
                    MAPPING["surname"]: "CHAN",
                    MAPPING["given_names"]: "Tai Man",
                    MAPPING["hkid"]: "",
                    MAPPING["status"]: CODE["registered"],
                }
            )

    university.edit(edit)


def finished(site: Site) -> None:
    """A last run, and what must hold then; a further one writes nothing."""
    site.run("once")
    before = site.state()
    site.run("once")
    assert site.state() == before, "a second run writes nothing"
    done = effects(site.slapd)
    people = Counter(dn for kind, dn in done if kind == "add" and "ou=people" in dn)
    doubled = [dn for (kind, dn), count in done.items() if kind == "add" and count > 1]
    assert not doubled, "an entry was added twice"
    assert not [dn for kind, dn in done if kind == "delete" and "ou=people" in dn], "an account was deleted"
    shown = marks(site)
    assert len(set(shown.values())) == len(shown) == len(people), "one account a person"
    with closing(sqlite3.connect(site.university.folder / "ledger.db")) as ledger:
        accounts = dict(ledger.execute("SELECT account_name, person_id FROM account WHERE applied"))
        told = Counter(
            person for (person,) in ledger.execute("SELECT person_id FROM outbox WHERE kind = 'created'")
        )
        waiting = ledger.execute("SELECT count(*) FROM account WHERE unfinished OR NOT applied").fetchone()
    assert accounts == shown, "ledger and directory name the same persons the same"
    assert set(told.values()) == {1} and set(told) == set(accounts.values()), "each told once"
    assert waiting == (0,)
    assert site.run("history", "--verify").strip() == "the history is whole"
    site.run("audit")  # ends with 0 when every entry is as it should be


def marks(site: Site) -> dict[str, str]:
    """Account name → person ID, as the directory shows them."""
    text = site.slapd.ldapsearch(
        "-b", site.slapd.people_base, "(provisiondPersonId=*)", "uid", "provisiondPersonId"
    )
    found = {}
    for record in text.split("\n\n"):
        values = dict(re.findall(r"^(uid|provisiondPersonId): (.+)$", record, re.MULTILINE))
        if values:
            found[values["uid"]] = values["provisiondPersonId"]
    return found
