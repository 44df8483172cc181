"""The main job on a real slapd: registry file in, entries read back with ldapsearch; each brake; each accident."""

from __future__ import annotations

import signal
import time
from datetime import UTC, date, datetime, timedelta

from provisiond.demo.sample import MAPPING
from tests.integration.conftest import CODE, Site, same_name

STATUS, SURNAME = MAPPING["status"], MAPPING["surname"]
YESTERDAY = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()


def by_student(site: Site) -> dict[str, str]:
    """Student ID → account name."""
    return {row["student_id"]: row["account_name"] for row in site.json("accounts")}


def an_active_student(site: Site) -> tuple[str, str]:
    """(student ID, account name) of somebody who may have a listing."""
    for row in site.json("accounts"):
        if "create listing" in site.run("activate", row["student_id"]):
            return row["student_id"], row["account_name"]
    raise AssertionError("nobody may be listed")


def test_a_load_makes_entries_that_ldapsearch_finds_and_a_second_run_writes_nothing(site: Site) -> None:
    plan = site.json("plan", expect=1)
    site.run("once")
    names = {step["account_name"] for step in plan["steps"]}
    assert {dn.split(",")[0].removeprefix("uid=") for dn in site.accounts()} == names
    before = site.state()
    assert "0 persons changed" in site.run("once")
    assert site.state() == before
    assert not site.json("plan")["due"]


def test_the_plan_tells_exactly_what_the_cycle_does(site: Site) -> None:
    planned = site.json("plan", expect=1)
    done = site.json("once")
    assert [s["changes"] for s in done["steps"]] == [s["changes"] for s in planned["steps"]]
    assert done["hash"] == planned["hash"] and done["applied"] == len(planned["steps"])


def test_dry_runs_write_nothing(site: Site) -> None:
    site.run("once")
    before, history = site.state(), site.run("history")
    who = next(iter(by_student(site)))
    site.run("activate", who, "--dry-run")
    site.run("hold", who, "--reason", "theft", "--dry-run")
    site.run("extend", who, "--until", "2099-01-01", "--reason", "thesis", "--dry-run")
    site.run("once", "--all", "--dry-run")
    site.run("outbox", "settle", "--all", "--dry-run")
    assert (site.state(), site.run("history")) == (before, history)


def test_an_empty_file_is_refused_told_once_and_writes_nothing(site: Site) -> None:
    site.run("once")
    before = site.state()
    site.university.registry_file.write_bytes(b"")
    for _ in range(2):
        assert "empty" in site.run("once", expect=65)
    assert site.state() == before
    assert site.run("outbox").count("\toperator\t") == 1


def test_sixty_percent_of_the_rows_gone_is_held_until_approved(site: Site) -> None:
    site.run("once")
    before = site.state()
    site.university.edit(lambda rows: rows.__delitem__(slice(24, None)))
    assert "shrank" in site.run("once", expect=65)
    assert site.state() == before
    ticket = site.json("plan", expect=65)["refused"][0].rsplit(" ", 1)[1]
    site.run("approve", ticket)
    site.run("once")
    assert site.state() == before, "absent is not gone"


def test_every_status_flipped_to_withdrawn_is_held_approved_once_and_then_done(site: Site) -> None:
    site.run("once")
    before = site.state()
    site.edit(lambda row: row.update({STATUS: CODE["withdrawn"]}))
    told = site.json("once", expect=65)
    assert "losses" in {brake["brake"] for brake in told["brakes"]}
    site.run("once", expect=65)
    assert site.state() == before
    assert site.run("outbox").count("\toperator\t") == 1
    site.run("approve", told["held_hash"])
    site.run("once")
    assert {row["state"] for row in site.json("accounts")} == {"terminated"}
    site.run("approve", told["held_hash"], expect=65)


def test_every_surname_changed_by_an_encoding_accident_is_held(site: Site) -> None:
    site.run("once")
    before = site.state()
    site.edit(lambda row: row.update({SURNAME: row[SURNAME] + "Ã©"}))
    site.run("once", expect=65)
    assert site.state() == before


def test_harmless_changes_go_on_while_a_brake_holds(site: Site) -> None:
    site.run("once")
    site.edit(lambda row: row.update({STATUS: CODE["withdrawn"]}))

    def newcomer(rows: list[dict[str, str]]) -> None:
        same_name(1)(extra := [dict(rows[0]) | {STATUS: CODE["registered"]}])
        rows += extra

    site.university.edit(newcomer)
    told = site.json("once", expect=65)
    assert told["held"] and [step["student_id"] for step in told["steps"]] == ["30000000"]


def test_attributes_and_entries_of_others_survive(site: Site) -> None:
    site.run("once")
    student, name = an_active_student(site)
    dn = f"uid={name},{site.slapd.people_base}"
    foreign = f"uid=printer,{site.slapd.people_base}"
    site.plant(
        f"dn: {dn}\nchangetype: modify\nadd: description\ndescription: theirs\n-\nadd: ou\nou: Choir\n-\n"
        f"add: mail\nmail: other@example.edu\n\n"
        f"dn: {foreign}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Printer\nsn: Printer\n"
    )
    row_of = MAPPING["student_id"]
    site.edit(
        lambda row: (
            row.update({STATUS: CODE["withdrawn"], MAPPING["status_on"]: YESTERDAY})
            if row[row_of] == student
            else None
        )
    )
    site.run("once")
    entry = site.entry(dn)
    assert all(kept in entry for kept in ("description: theirs", "ou: Choir", "mail: other@example.edu"))
    assert "provisiondState: terminated" in entry
    assert "sn: Printer" in site.entry(foreign)


def test_a_name_that_a_foreign_entry_holds_is_not_given_out(site: Site) -> None:
    foreign = f"uid=tmchan,{site.slapd.people_base}"
    site.plant(f"dn: {foreign}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Other\nsn: Other\n")
    site.university.edit(same_name(1))
    site.run("once")
    assert by_student(site) == {"30000000": "tmchanaa"}
    assert "sn: Other" in site.entry(foreign)


def test_killed_in_the_middle_of_a_load_the_next_run_finishes_it(site: Site) -> None:
    site.university.edit(same_name(700))
    for _ in range(3):
        running = site.start("once")
        target = len(site.accounts()) + 60
        give_up = time.monotonic() + 60
        while len(site.accounts()) < target and time.monotonic() < give_up and running.poll() is None:
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
        running.communicate()
    assert 0 < len(site.accounts()) < 700, "the kills came in the middle"
    site.run("once")
    names = by_student(site)
    assert len(names) == len(set(names.values())) == 700
    assert {f"uid={n},{site.slapd.people_base}" for n in names.values()} == set(site.accounts())
    members = site.entry(f"cn=students,{site.slapd.groups_base}", "member")
    assert members.count("member: uid=") >= 700
    assert len(site.json("outbox")) == 700, "each notice decided once"
    assert "whole" in site.run("history", "--verify")
    before = site.state()
    site.run("once")
    assert site.state() == before


def test_a_withdrawal_ends_log_in_at_once_and_a_lock_does_until_released(site: Site) -> None:
    site.run("once")
    student, name = an_active_student(site)
    dn = f"uid={name},{site.slapd.people_base}"
    site.set_password(dn, "correct horse battery")
    assert site.can_bind(dn, "correct horse battery")
    site.run("hold", name, "--reason", "theft")
    assert not site.can_bind(dn, "correct horse battery")
    site.run("release", name, "--reason", "found")
    assert site.can_bind(dn, "correct horse battery")
    row_of = MAPPING["student_id"]
    site.edit(
        lambda row: (
            row.update({STATUS: CODE["withdrawn"], MAPPING["status_on"]: YESTERDAY})
            if row[row_of] == student
            else None
        )
    )
    site.run("once")
    assert not site.can_bind(dn, "correct horse battery")


def completed(site: Site, student: str, on: str) -> None:
    """The registry says so of all programmes of that student."""
    row_of = MAPPING["student_id"]
    site.edit(
        lambda row: (
            row.update({STATUS: CODE["completed"], MAPPING["status_on"]: on})
            if row[row_of] == student
            else None
        )
    )


def test_studies_completed_on_31_october_end_with_february(site: Site) -> None:
    """Four calendar months from the last day of a month, on the directory and in what is told."""
    site.run("once")
    student, name = an_active_student(site)
    today = datetime.now(UTC).date()
    year = today.year if today > date(today.year, 10, 31) else today.year - 1
    end = date(year + 1, 3, 1) - timedelta(days=1)
    completed(site, student, f"{year}-10-31")
    assert f"the expiry date is {end}" in site.run("once")
    assert "provisiondState: grace" in site.entry(f"uid={name},{site.slapd.people_base}")
    told = site.json("explain", student)
    assert (told["state"], told["expiry_on"]) == ("grace", str(end))
    about = {i["notice"]["kind"]: i["notice"]["about_on"] for i in site.json("outbox")}
    assert about["grace-begun"] == f"{year}-10-31"
    site.run("outbox", "settle", "--person", student)
    site.run("once")
    planned = site.json("plan", "--all", "--at", str(end - timedelta(days=7)), expect=1)
    mine = next(step for step in planned["steps"] if step["student_id"] == student)
    assert [(n["kind"], n["about"]) for n in mine["notices"]][-1] == ("expiry-reminder", str(end))


def test_an_expiry_that_waits_for_a_refused_notice_is_told_by_every_cycle(site: Site) -> None:
    site.run("once")
    student, name = an_active_student(site)
    completed(site, student, YESTERDAY)
    assert "refused notice" not in site.run("once")
    site.run("outbox", "settle", "--person", student, "--refused", "--reply", "550 no such user")
    for words in (["once"], ["plan"]):
        told = site.run(*words)
        assert f"({student}) does not expire while no grace-begun notice is accepted" in told
        assert "550 no such user" in told
    (waiting,) = site.json("plan")["waiting_expiries"]
    assert (waiting["account_name"], waiting["kind"]) == (name, "grace-begun")


def test_neither_hkid_nor_birth_date_is_in_anything_that_is_written_or_said(site: Site) -> None:
    hkid, birth = MAPPING["hkid"], MAPPING["birth_date"]
    secrets: set[str] = set()

    def collect(row: dict[str, str]) -> None:
        secrets.update(
            value for value in (row[hkid], row[hkid].replace("(", "").replace(")", ""), row[birth]) if value
        )

    site.edit(collect)
    said = [
        site.run("-v", "plan", expect=1),
        site.run("-v", "once"),
        site.run("rejects"),
        site.run("history"),
    ]
    said += [site.run("explain", next(iter(by_student(site)))), site.slapd.ldapsearch("-b", site.slapd.base)]
    said += [path.read_bytes().decode("latin-1") for path in site.university.folder.glob("ledger.db*")]
    assert secrets and not [text for text in said if any(secret in text for secret in secrets)]
