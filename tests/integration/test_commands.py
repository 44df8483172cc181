"""Commands that look and check, on the real slapd."""

from __future__ import annotations

import fcntl
import json
import re
import sqlite3

import pytest

from tests.integration.conftest import Site


def test_check_is_content_with_what_directory_init_made(site: Site) -> None:
    assert "FAULT" not in site.run("check")


def test_check_lists_every_fault_of_every_system_at_once(site: Site) -> None:
    site.plant(f"dn: cn=alumni,{site.slapd.groups_base}\nchangetype: delete\n")
    try:
        site.university.registry_file.unlink()
        (site.university.folder / "ledger.db").unlink()
        told = site.run("check", expect=78)
    finally:
        site.plant(
            f"dn: cn=alumni,{site.slapd.groups_base}\nchangetype: add\nobjectClass: groupOfNames\n"
            f"member: {site.slapd.daemon_dn}\n"
        )
    assert "cn=alumni" in told and "students.csv" in told and "provisiond ledger init" in told


AWAY = "127.0.0.1:1"
SERVERS = {
    "directory": ("urls = [", f'urls = ["ldap://{AWAY}"] # ['),
    "ledger": ('path = "ledger.db"', f'url = "postgresql+psycopg://u@{AWAY}/provisiond"'),
    "mail": ("[university]", '[mail]\nhost = "127.0.0.1"\nport = 1\nsender = "a@example.edu"\n[university]'),
    "inbox": (
        "[university]",
        '[inbox]\nhost = "127.0.0.1"\nport = 1\nuser = "u"\npassword_file = "secrets/daemon"\n[university]',
    ),
    "registry": (
        "[university]",
        f'[[registry]]\nname = "service"\ntype = "http"\nurl = "http://{AWAY}/"\nretries = 0\n'
        'fields = { student_id = "id", department = "unit" }\nsupplement = true\n[university]',
    ),
}


@pytest.mark.parametrize("system", SERVERS)
def test_a_server_that_is_away_is_no_fault_of_the_configuration(site: Site, system: str) -> None:
    """75, as everywhere else; and 78 as soon as there is something to mend beside it."""
    config = site.university.config
    old, new = SERVERS[system]
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new, 1))
    told = site.run("check", expect=75)
    assert f"FAULT {system}" in told and "the configuration is well" in told
    site.university.registry_file.write_text("")
    assert "refused" in site.run("check", expect=65)
    folder = site.university.folder / "mail"
    folder.mkdir()
    (folder / "expirey.txt").write_text("misspelt")
    config.write_text(config.read_text() + '\n[mail.templates]\nfolder = "mail"\n')
    assert "expirey.txt" in site.run("check", expect=78)


def test_a_wrong_password_is_the_operators_fault_and_named(site: Site) -> None:
    site.university.keep_secret("daemon", "wrong")
    told = site.run("plan", expect=78)
    assert "password_file" in told and "wrong" not in told.replace("is wrong", "").replace(
        "wrong password", ""
    )


def test_explain_tells_why_a_rejected_student_has_no_account(site: Site) -> None:
    site.run("once")
    rejects = json.loads(site.run("rejects", "--json"))
    (rejected,) = rejects["rejects"]
    assert "HKID" in site.run("explain", rejected["student_id"])
    (parked,) = rejects["parked"]
    assert "Latin" in site.run("explain", parked["student_id"])
    site.run("explain", "nobody", expect=67)


def test_plan_as_ldif_can_be_applied_by_ldapmodify_as_it_stands(site: Site) -> None:
    site.run("once")

    def newcomers(rows: list[dict[str, str]]) -> None:
        first = next(row for row in rows if row["REG_STATUS"] == "REG")
        rows += [first | {"STUDENT_ID": f"4000000{n}", "HKID_NO": ""} for n in range(5)]

    site.university.edit(newcomers)
    before = len(site.accounts())
    site.plant(site.run("plan", "--ldif", expect=1))
    assert len(site.accounts()) == before + 5
    state = site.state()
    site.run("once")
    assert site.state() == state, "what was applied by hand is found done"
    assert "0 persons changed" in site.run("once")
    assert len(site.accounts()) == len(site.json("accounts"))


def test_explain_names_record_rule_notices_and_what_comes_next(site: Site) -> None:
    site.run("once")
    row = site.json("accounts")[0]
    told = site.json("explain", row["student_id"])
    assert told["account_name"] == row["account_name"]
    assert told["reason"] and told["records"] and told["notices"] and told["groups"]
    assert site.json("explain", row["account_name"]) == told
    assert site.json("explain", told["mail"]) == told
    site.run("explain", f"{row['account_name']}@elsewhere.example.org", expect=67)


def test_explain_tells_since_when_a_record_is_absent(site: Site) -> None:
    site.run("once")
    who = site.json("accounts")[0]["student_id"]

    def leave_out(rows: list[dict[str, str]]) -> None:
        rows[:] = [row for row in rows if row["STUDENT_ID"] != who]

    site.university.edit(leave_out)
    assert "absent" in site.run("once")
    (record,) = site.json("explain", who)["records"]
    assert record["source"] == "students" and record["absent"].endswith("1 complete fetches")


def test_explain_shows_a_hold_in_words(site: Site) -> None:
    site.run("once")
    who = site.json("accounts")[0]["account_name"]
    site.run("hold", who, "--reason", "stolen laptop", "--until", "2099-12-31")
    told = site.run("explain", who)
    assert "kind lock, set at 20" in told and "until on 2099-12-31, reason stolen laptop" in told
    assert "Hold(" not in told


def test_attributes_are_shown_as_the_schema_spells_them(site: Site) -> None:
    """Every name in the LDIF is one that the server's own schema writes exactly so."""
    subschema = site.slapd.ldapsearch("-b", "cn=Subschema", "-s", "base", "+")
    spelt = {
        name
        for names in re.findall(r"NAME (?:\( )?('[^)]*?')(?: \))? ", subschema)
        for name in names.split("'")
    }
    ldif = site.run("plan", "--ldif", expect=1)
    shown = {name.partition(";")[0] for name in re.findall(r"^([\w;-]+):", ldif, re.MULTILINE)}
    words = {"version", "dn", "changetype", "add", "delete", "replace"}
    assert "givenName" in shown
    assert shown - words <= spelt


def test_history_shows_tampering(site: Site) -> None:
    site.run("once")
    assert site.json("history", "--verify") == {"whole": True, "fault": None}
    with sqlite3.connect(site.university.folder / "ledger.db") as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE history SET reason = 'nothing to see here' WHERE seq = 3")
    database.close()
    assert "3" in site.run("history", "--verify", expect=65)
    assert not site.json("history", "--verify", expect=65)["whole"]


def test_two_cycles_never_run_at_once(site: Site) -> None:
    lock = site.university.folder / "ledger.db.lock"
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "at work" in site.run("once", expect=75)
        site.run("plan", expect=1)


def test_a_dropped_group_is_left_by_everybody_after_a_look_at_all(site: Site) -> None:
    site.run("once")
    config = site.university.config
    config.write_text(config.read_text().replace('groups = ["students", "library"]', 'groups = ["students"]'))
    told = site.json("plan", "--all", expect=65)
    assert {brake["brake"] for brake in told["brakes"]} == {"losses"}
    assert "library" in str(told["held"])


def test_a_preview_is_the_very_mail(site: Site) -> None:
    """The one that is due; else as it would be today. Nothing is written."""
    site.run("once")
    name = site.json("accounts")[0]["account_name"]
    before = site.state()
    created = site.json("notices", "preview", "created", name)
    (due,) = [i["notice"] for i in site.json("outbox") if i["notice"]["to"] == created["headers"]["To"]]
    assert (created["key"], due["kind"]) == (due["key"], "created")
    assert name in created["headers"]["Subject"] and name in created["text"] and name in created["html"]
    page = site.university.folder / "expiry.html"
    told = site.run("notices", "preview", "expiry", name, "--html", str(page))
    assert "Today is the last day" in told and "no expiry notice is due" in told
    assert "今天到期" in told and "備份" in page.read_text("utf-8")
    assert "provisiond" in site.run("notices", "preview", "operator")
    site.run("notices", "preview", "expiry", expect=2)
    assert site.state() == before


def test_a_refused_extension_is_told_with_its_reason(site: Site) -> None:
    site.run("once")
    name = site.json("accounts")[0]["account_name"]
    site.run("extend", name, "--reason", "no", expect=2)
    site.run("extend", name, "--refuse", "--reason", "the thesis was handed in", "--dry-run")
    assert "extension-refused" not in site.run("outbox")
    site.run("extend", name, "--refuse", "--reason", "the thesis was handed in")
    assert site.run("outbox").count("\textension-refused\t") == 1
    letter = site.json("notices", "preview", "extension-refused", name)
    assert "the thesis was handed in" in letter["text"]
    assert "the thesis was handed in" in site.run("explain", name)
    assert site.run("outbox").count("\textension-refused\t") == 1


def test_the_kinds_of_notices_are_listed(site: Site) -> None:
    kinds = {row["kind"]: row for row in site.json("notices", "list")}
    assert kinds["expiry-reminder"]["when"] == "30, 7, 1 days before the expiry date"
    assert kinds["grace-begun"]["required"] and kinds["created"]["to"] == "private"


def test_check_finds_a_broken_template(site: Site) -> None:
    folder = site.university.folder / "templates"
    folder.mkdir()
    (folder / "created.txt").write_text("{{ nmae }}")
    site.university.config.write_text(
        site.university.config.read_text() + '\n[mail.templates]\nfolder = "templates"\n'
    )
    assert "created.txt:1: there is no variable nmae" in site.run("check", expect=78)
