"""Entries of another tool are adopted on a real slapd, through the command: matched, reviewed, approved, applied."""

from __future__ import annotations

import csv
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisiond.demo.sample import MAPPING
from tests.integration.conftest import CODE, Site
from tests.rigs.other_tool import STAFF, Legacy, legacies, legacy, staff, staff_access

STUDENT, STATUS, SURNAME = MAPPING["student_id"], MAPPING["status"], MAPPING["surname"]
FOREIGN = ("userPassword", "telephoneNumber", "description", "employeeNumber", "gidNumber", "homeDirectory")
Rows = list[dict[str, str]]


@pytest.fixture(name="old")
def old_university(own_site: Site) -> Site:
    """Three hundred registered students with posix accounts; its directory is still to be filled."""
    config = own_site.university.config
    own_site.university.write(320, datetime.now(UTC).date())
    own_site.university.edit(without_surprises)
    more = f'account_bases = ["{STAFF}"]\n'
    text = re.sub(r'(?m)^(base = "dc=example,dc=edu"\n)', rf"\1{more}", config.read_text())
    config.write_text(text + "\n[directory.posix]\nenabled = true\n")
    return own_site


def without_surprises(rows: Rows) -> None:
    """One programme each, no bad record."""
    seen: set[str] = set()
    rows[:] = [row for row in rows if row[STUDENT] not in seen and not seen.add(row[STUDENT])]  # type: ignore[func-returns-value]
    for row in rows:
        row.update({STATUS: CODE["registered"], MAPPING["hkid"]: ""})
    del rows[300:]


def rows_of(site: Site) -> Rows:
    rows: Rows = []
    site.university.edit(lambda found: rows.extend(found))
    return rows


def fill(site: Site, made: list[Legacy]) -> None:
    rules = site.slapd.ldapsearch("-b", "olcDatabase={1}mdb,cn=config", "-s", "base", "olcAccess")
    site.plant(staff_access(rules, site.slapd.daemon_dn))
    done = site.slapd.client("ldapadd", given=staff() + "".join(each.ldif for each in made))
    assert done.returncode == 0, done.stderr


def edited(path: Path, change: Callable[[dict[str, str]], None]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        change(row)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def adopted(site: Site, file: Path) -> None:
    """Held, approved, applied."""
    before = site.state()
    ticket = re.search(r"provisiond approve (\w+)", site.run("adopt", "--from", str(file), expect=65))
    assert ticket and site.state() == before, "nothing happens before the approval"
    site.run("approve", ticket[1])
    site.run("adopt", "--from", str(file))


def numbers(site: Site) -> dict[str, tuple[str, int]]:
    with closing(sqlite3.connect(site.university.folder / "ledger.db")) as ledger:
        wanted = "SELECT student_id, account_name, uid_number FROM account"
        return {student: (name, number) for student, name, number in ledger.execute(wanted)}


def foreign(site: Site, dn: str) -> list[str]:
    return sorted(line for line in site.entry(dn, *FOREIGN).splitlines() if not line.startswith("dn: "))


def test_three_hundred_entries_are_adopted_with_names_numbers_and_passwords(
    old: Site, tmp_path: Path
) -> None:
    rows = rows_of(old)
    made = legacies(rows[:290])
    fill(old, made)
    before = {each.dn: foreign(old, each.dn) for each in made}
    told = old.json("adopt")
    assert [len(told[what]) for what in ("match", "conflict")] == [290, 0]
    assert {one["student_id"] for one in told["student without an entry"]} == {r[STUDENT] for r in rows[290:]}
    file = tmp_path / "adopt.csv"
    old.run("adopt", "--out", str(file))
    adopted(old, file)
    assert numbers(old) == {each.student_id: (each.uid, 20000 + n) for n, each in enumerate(made)}
    assert {each.dn: foreign(old, each.dn) for each in made} == before
    for each in made[:40:3]:
        assert old.can_bind(each.dn, each.password)
        assert "provisiondState: active" in old.entry(each.dn)
    before_cycles = old.state()
    old.run("once")
    changed = {dn for dn, csn in old.state().items() if before_cycles.get(dn) != csn}
    assert not changed & set(before), "the cycle finds nothing to do for who was adopted"
    assert {row["state"] for row in old.json("accounts")} == {"active", "pending"}
    names = {row["account_name"] for row in old.json("accounts")}
    assert len(names) == 300
    due = [i["notice"]["kind"] for i in old.json("outbox") if i["status"] == "due"]
    assert due == ["operator", *["created"] * 10], "only who had no entry is told of an account"
    quiet = old.state()
    old.run("once")
    assert old.state() == quiet
    assert "all is as it should be" in old.run("audit")
    assert old.json("adopt")["match"] == []
    old.run("adopt", "--from", str(file), expect=0)
    assert old.state() == quiet


def test_conflicts_are_listed_and_left_alone_until_somebody_decides(old: Site, tmp_path: Path) -> None:
    rows = rows_of(old)
    made = legacies(rows[:10])
    again = legacy(101, rows[1])
    misfit = legacy(102, rows[10], sn="Somebody", cn="Some Body")
    marked = legacy(103, rows[11])
    twin = legacy(104, rows[12], uid=made[3].uid)
    nobody = legacy(105, rows[13], employeeNumber="99999999")
    fill(old, [*made, again, misfit, marked, nobody])
    plain = legacy(107, rows[14]).ldif.replace("inetOrgPerson", "account").replace("employeeNumber", "host")
    plain = re.sub(r"(?m)^(sn|mail|telephoneNumber): .*\n", "", plain)
    mark = f"dn: {marked.dn}\nchangetype: modify\nadd: objectClass\nobjectClass: provisiondObject\n-\n"
    old.plant(mark + "add: provisiondPersonId\nprovisiondPersonId: strange\n-\n")
    done = old.slapd.client("ldapadd", given=twin.ldif + plain)
    assert done.returncode == 0, done.stderr
    before = old.state()
    conflicts = {one["dn"]: one["note"] for one in old.json("adopt")["conflict"]}
    assert f"{again.dn} names this student too" in conflicts[made[1].dn]
    assert f"{made[1].dn} names this student too" in conflicts[again.dn]
    assert "the surname Somebody does not fit" in conflicts[misfit.dn]
    assert "the mark of a person whom the ledger does not know" in conflicts[marked.dn]
    assert f"the name {twin.uid} is that of" in conflicts[twin.dn]
    assert len(conflicts) == 6
    assert "no registry names 99999999" in old.run("adopt")
    assert "it is no inetOrgPerson" in old.run("adopt", "--match", "host")
    file = tmp_path / "adopt.csv"
    old.run("adopt", "--out", str(file))
    adopted(old, file)
    assert len(numbers(old)) == 8
    assert {dn for dn, csn in old.state().items() if before.get(dn) != csn} & conflicts.keys() == set()

    def decide(row: dict[str, str]) -> None:
        row["action"] = "adopt" if row["dn"] in (misfit.dn, again.dn, marked.dn) else "skip"

    edited(file, decide)
    told = old.json("adopt", "--from", str(file), expect=65)
    assert [parked["student_id"] for parked in told["parked"]] == [marked.student_id]
    old.run("approve", told["held_hash"])
    old.run("adopt", "--from", str(file))
    assert numbers(old)[misfit.student_id] == (misfit.uid, 20102)
    assert numbers(old)[rows[1][STUDENT]] == (again.uid, 20101)
    assert "provisiondPersonId" not in old.entry(made[1].dn), (
        "the other entry of that student stays a stranger"
    )


def test_an_approval_is_for_exactly_that_plan_and_what_changed_since_is_looked_at_again(
    old: Site, tmp_path: Path
) -> None:
    made = legacies(rows_of(old)[:6])
    fill(old, made)
    file = tmp_path / "adopt.csv"
    old.run("adopt", "--out", str(file))
    first = old.json("adopt", "--from", str(file), expect=65)["held_hash"]
    old.run("approve", first)
    edited(file, lambda row: row.update(action="skip") if row["dn"] == made[0].dn else None)
    second = old.json("adopt", "--from", str(file), expect=65)["held_hash"]
    assert second != first
    assert "adopt account" in old.run("adopt", "--from", str(file), "--dry-run", expect=65)
    ldif = old.run("adopt", "--from", str(file), "--ldif", expect=65)
    assert "changetype: modify" in ldif and "userPassword" not in ldif and made[0].dn not in ldif
    old.run("approve", second)
    old.run("adopt", "--from", str(file))
    assert len(numbers(old)) == 5
    assert "provisiondPersonId" not in old.entry(made[0].dn)
    old.run("approve", second, expect=65)


def test_a_faulty_file_is_refused_with_every_fault(old: Site, tmp_path: Path) -> None:
    file = tmp_path / "adopt.csv"
    file.write_text("action,student_id,dn\nadopt,,uid=a\nperhaps,1,uid=b\n")
    said = old.run("adopt", "--from", str(file), expect=65)
    assert "line 2: adopt needs student_id and dn" in said
    assert "line 3: action is adopt or skip, not 'perhaps'" in said


def test_whose_studies_are_over_is_told_before_the_adopted_account_ends(old: Site, tmp_path: Path) -> None:
    """No notice, no expiry: also for somebody who completed long before provisiond came."""
    first, second, third = rows_of(old)[:3]
    long_ago = (datetime.now(UTC).date() - timedelta(days=500)).isoformat()

    def change(row: dict[str, str]) -> None:
        status = {first[STUDENT]: "completed", second[STUDENT]: "withdrawn"}.get(row[STUDENT])
        if status:
            row.update({STATUS: CODE[status], MAPPING["status_on"]: long_ago})

    old.edit(change)
    made = legacies([first, second, third])
    fill(old, made)
    file = tmp_path / "adopt.csv"
    old.run("adopt", "--out", str(file))
    adopted(old, file)
    states = {row["student_id"]: row["state"] for row in old.json("accounts")}
    assert list(states.values()).count("active") == 1
    assert (states[first[STUDENT]], states[second[STUDENT]]) == ("grace", "terminated")
    assert [old.can_bind(each.dn, each.password) for each in made] == [True, False, True]
    due = {i["notice"]["kind"] for i in old.json("outbox") if i["status"] == "due"}
    assert due == {"operator", "grace-begun", "expiry-reminder", "terminated"}


def test_a_name_that_stands_anywhere_in_the_tree_is_never_given_out(old: Site) -> None:
    """By uid or address, of persons or of anything else, few newcomers or many."""
    rows = rows_of(old)[:1]
    rows[0] |= {SURNAME: "CHAN", MAPPING["given_names"]: "Tai Man"}
    fill(old, [])
    old.plant(
        f"dn: cn=printer,{STAFF}\nchangetype: add\nobjectClass: device\nobjectClass: uidObject\n"
        "cn: printer\nuid: tmchan\n\n"
        f"dn: cn=office,{STAFF}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: office\nsn: office\n"
        "mail: TMChanAA@somewhere.example.org\n"
    )
    many = [rows[0] | {STUDENT: str(40000000 + n)} for n in range(2)]
    old.university.edit(lambda found: found.__setitem__(slice(None), many))
    old.run("once")
    assert {row["account_name"] for row in old.json("accounts")} == {"tmchanab", "tmchanac"}


def test_killed_in_the_middle_no_cycle_makes_second_accounts_and_the_next_adoption_finishes(
    old: Site, tmp_path: Path
) -> None:
    made = legacies(rows_of(old)[:200])
    old.university.edit(lambda rows: rows.__delitem__(slice(200, None)))
    fill(old, made)
    file = tmp_path / "adopt.csv"
    old.run("adopt", "--out", str(file))
    old.run("approve", old.json("adopt", "--from", str(file), expect=65)["held_hash"])
    running = old.start("adopt", "--from", str(file))
    give_up = time.monotonic() + 60
    while marks(old) < 20 and running.poll() is None and time.monotonic() < give_up:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert 0 < marks(old) < 200, "the kill came in the middle"
    before = settled(old)
    assert "its adoption is not finished" in old.run("once")
    assert old.state() == before
    adopted(old, file)
    assert numbers(old) == {each.student_id: (each.uid, 20000 + n) for n, each in enumerate(made)}
    assert marks(old) == 200
    quiet = old.state()
    assert "parked" not in old.run("once")
    assert old.state() == quiet
    assert "whole" in old.run("history", "--verify")


def settled(site: Site) -> dict[str, str]:
    """The server still carries out what was in flight."""
    for _ in range(60):
        before = site.state()
        time.sleep(0.5)
        if site.state() == before:
            return before
    raise AssertionError("the directory does not come to rest")


def marks(site: Site) -> int:
    return site.slapd.ldapsearch("(provisiondPersonId=*)", "1.1").count("dn: ")
