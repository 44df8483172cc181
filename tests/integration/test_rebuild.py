"""A lost ledger made again on a real slapd, through the command: load, lives, ledger gone, rebuild, cycles."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

from provisiond.demo.sample import MAPPING
from tests.integration.conftest import CODE, Site, same_name

STATUS, SINCE, STUDENT = MAPPING["status"], MAPPING["status_on"], MAPPING["student_id"]
YESTERDAY = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()


def lose_the_ledger(site: Site) -> None:
    for path in site.university.folder.glob("ledger.db*"):
        path.unlink()
    site.run("ledger", "init")


def facts(site: Site) -> dict[str, tuple[str, str, str]]:
    """Student ID → account name, person ID, state: as the ledger's file has them."""
    wanted = "SELECT student_id, account_name, person_id, state FROM account"
    with closing(sqlite3.connect(site.university.folder / "ledger.db")) as ledger:
        return {student: (name, person, state) for student, name, person, state in ledger.execute(wanted)}


def registered(site: Site, count: int) -> list[str]:
    """Students without surprises: registered, in one programme."""
    rows: list[dict[str, str]] = []
    site.university.edit(lambda found: rows.extend(found))
    ids = [row[STUDENT] for row in rows]
    known = facts(site)
    fit = [r[STUDENT] for r in rows if r[STATUS] == CODE["registered"] and ids.count(r[STUDENT]) == 1]
    return [student for student in fit if student in known][:count]


def say(site: Site, students: list[str], status: str, on: str) -> None:
    def change(row: dict[str, str]) -> None:
        if row[STUDENT] in students:
            row.update({STATUS: CODE[status], SINCE: on})

    site.edit(change)


def lives(site: Site) -> list[str]:
    """Some of every state; who was locked, active, pending, unlisted, terminated, in grace."""
    site.run("once")
    someone = registered(site, 8)
    for student in someone[:6]:
        site.run("activate", student)
    site.run("activate", someone[1], "--unlisted")
    site.run("hold", someone[0], "--reason", "theft")
    say(site, someone[2:4], "completed", YESTERDAY)
    say(site, someone[4:5], "withdrawn", YESTERDAY)
    say(site, someone[5:6], "on-leave", YESTERDAY)
    site.run("once")
    site.run("outbox", "settle", "--all")
    return someone


def test_a_lost_ledger_comes_back_with_the_same_accounts_and_nothing_is_written(site: Site) -> None:
    someone = lives(site)
    name = facts(site)[someone[0]][0]
    dn = f"uid={name},{site.slapd.people_base}"
    site.set_password(dn, "correct horse battery")
    before, knew = site.state(), facts(site)
    told_before = {item["notice"]["key"] for item in site.json("outbox")}
    lose_the_ledger(site)
    assert "would be taken back" in site.run("rebuild", "--dry-run")
    assert facts(site) == {}
    told = site.json("rebuild")
    assert told["troubles"] == [] and told["locked"] == [name]
    assert site.state() == before
    for _ in range(2):
        site.run("once")
        assert site.state() == before
    assert facts(site) == knew
    assert {state for _, _, state in knew.values()} >= {
        "pending",
        "active",
        "on-leave",
        "grace",
        "terminated",
    }
    assert not site.can_bind(dn, "correct horse battery"), "nobody regains access by a rebuild"
    due = [item["notice"] for item in site.json("outbox") if item["status"] == "due"]
    assert {notice["kind"] for notice in due} == {"grace-begun"}
    assert {notice["key"] for notice in due} <= told_before
    assert "all is as it should be" in site.run("audit")
    assert "whole" in site.run("history", "--verify")
    site.run("release", someone[0], "--reason", "found")
    assert site.can_bind(dn, "correct horse battery")


def test_after_a_rebuild_no_name_that_was_seen_is_given_out(site: Site) -> None:
    """Those of terminated accounts, further addresses of ours, and entries of others that are gone by then."""
    site.university.edit(same_name(2))
    site.run("once")
    one, two = (f"uid={name},{site.slapd.people_base}" for name in ("tmchan", "tmchanaa"))
    site.plant(f"dn: {one}\nchangetype: modify\nadd: mail\nmail: tmchanab@connect.example.edu\n")
    foreign = f"uid=tmchanac,{site.slapd.base}"
    site.plant(f"dn: {foreign}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Other\nsn: Other\n")
    say(site, ["30000001"], "withdrawn", YESTERDAY)
    site.run("once")
    assert "provisiondState: terminated" in site.entry(two)
    lose_the_ledger(site)
    site.run("rebuild")
    assert site.slapd.client("ldapdelete", foreign).returncode == 0
    site.plant(f"dn: {one}\nchangetype: modify\ndelete: mail\nmail: tmchanab@connect.example.edu\n")
    assert site.slapd.client("ldapdelete", two).returncode == 0

    def a_third(rows: list[dict[str, str]]) -> None:
        rows.append(rows[0] | {STUDENT: "30000002"})
        del rows[1]

    site.university.edit(a_third)
    site.run("once")
    assert facts(site)["30000002"][0] == "tmchanad"


def test_only_an_empty_ledger_is_made_again(site: Site) -> None:
    site.run("once")
    before = facts(site)
    assert "only an empty one" in site.run("rebuild", expect=65)
    assert "only an empty one" in site.run("rebuild", "--dry-run", expect=65)
    assert facts(site) == before


def test_a_rebuild_without_a_registry_goes_on_later_and_no_cycle_runs_before(site: Site) -> None:
    someone = lives(site)
    before, knew = site.state(), facts(site)
    lose_the_ledger(site)
    away = site.university.registry_file.rename(site.university.registry_file.with_suffix(".away"))
    assert "run `provisiond rebuild` again" in site.run("rebuild", expect=75)
    assert "its rebuild was interrupted" in site.run("once", expect=75)
    assert "its rebuild was interrupted" in site.run("release", someone[0], "--reason", "found", expect=75)
    away.rename(site.university.registry_file)
    site.run("rebuild")
    site.run("once")
    assert (site.state(), facts(site)) == (before, knew)


def test_what_happened_meanwhile_is_done_and_told_by_the_next_cycle_within_the_brakes(site: Site) -> None:
    lives(site)
    lose_the_ledger(site)
    late = registered_now(site)
    say(site, late, "withdrawn", YESTERDAY)
    site.run("rebuild")
    told = site.json("once", expect=65)
    assert "losses" in {brake["brake"] for brake in told["brakes"]}
    site.run("approve", told["held_hash"])
    site.run("once")
    kinds = [i["notice"]["kind"] for i in site.json("outbox") if i["status"] == "due"]
    assert kinds.count("terminated") == len(late)


def registered_now(site: Site) -> list[str]:
    rows: list[dict[str, str]] = []
    site.university.edit(lambda found: rows.extend(found))
    ids = [row[STUDENT] for row in rows]
    good = [r[STUDENT] for r in rows if r[STATUS] == CODE["registered"] and ids.count(r[STUDENT]) == 1]
    return good[20:30]
