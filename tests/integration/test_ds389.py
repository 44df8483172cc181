"""The main job on a real 389 Directory Server, through the real command: what differs from OpenLDAP."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisiond.adapters.directory.exchange import Exchange
from provisiond.adapters.directory.messages import Reply
from provisiond.adapters.directory.pipeline import Pipeline
from provisiond.adapters.directory.session import Session, open_session
from provisiond.adapters.directory.writing import write
from provisiond.demo.sample import MAPPING
from provisiond.demo.university import University
from provisiond.domain.changes import AddEntry, Change, Mod, ModifyEntry, Op
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import Entry
from provisiond.ports import Done, Outcome, Refused
from provisiond.ports.portal_directory import BindAnswer
from tests.integration.conftest import CODE, Site
from tests.rigs.ds389 import ROOT_DN, empty_ds389
from tests.rigs.listings import PEOPLE, plant, real_listings
from tests.rigs.portal_site import account_dn, change, make_account, portal_directory
from tests.rigs.slapd import Kind, SlapdRig, layout

PASSWORD = "correct horse battery"
INACTIVATED = 53
TODAY = datetime.now(UTC).date()


def site_of(rig: SlapdRig, folder: Path) -> Site:
    """Twenty students, nothing loaded yet. Services close on the date itself: no mail is sent here."""
    university = University(folder, rig.url)
    university.keep_secret("daemon", rig.daemon_password)
    university.keep_secret("admin", rig.config_password)
    university.write(20, TODAY)
    text = university.config.read_text().replace("[directory]\n", '[directory]\nkind = "389ds"\n')
    text = text.replace('"cn=admin,cn=config"', f'"{ROOT_DN}"')
    university.config.write_text(text + "\n[lifecycle]\nrequired_notices = []\n")
    site = Site(university, rig)
    site.run("ledger", "init")
    return site


@pytest.fixture
def site(ds389: SlapdRig, tmp_path: Path) -> Iterator[Site]:
    yield site_of(ds389, tmp_path)


def set_password(site: Site, dn: str) -> None:
    """As the portal would: this server refuses the Password Modify operation in clear."""
    site.plant(f"dn: {dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: {PASSWORD}\n")


def bound(site: Site, dn: str) -> int:
    """The result code of a bind."""
    return site.slapd.client("ldapwhoami", who=(dn, PASSWORD)).returncode


def becomes(site: Site, student: str, status: str, on: date) -> None:
    def change(row: dict[str, str]) -> None:
        if row[MAPPING["student_id"]] == student:
            row |= {MAPPING["status"]: CODE[status], MAPPING["status_on"]: on.isoformat()}

    site.edit(change)


def writes(site: Site) -> dict[str, str]:
    """The server's own count of what changed entries."""
    text = site.slapd.ldapsearch("-b", "cn=snmp,cn=monitor", "-s", "base", "(objectClass=*)")
    return dict(re.findall(r"^((?:add|modify|remove)entryops): (\d+)$", text, re.MULTILINE))


def test_accounts_are_made_completed_and_expired_and_a_second_run_writes_nothing(site: Site) -> None:
    site.run("once")
    people = {
        row["student_id"]: f"uid={row['account_name']},{site.slapd.people_base}" for row in active(site)
    }
    completed, expired, withdrawn, locked = list(people)[:4]
    for student in (completed, expired, withdrawn, locked):
        set_password(site, people[student])
        assert bound(site, people[student]) == 0
    becomes(site, completed, "completed", TODAY - timedelta(days=1))
    becomes(site, expired, "completed", TODAY - timedelta(days=300))
    becomes(site, withdrawn, "withdrawn", TODAY)
    site.run("once")
    site.run("hold", locked, "--reason", "theft")
    found = [told(site, people[student]) for student in (completed, expired, withdrawn, locked)]
    assert found == [
        {"provisiondState": {"grace"}, "groups": {"students", "library"}},
        {"provisiondState": {"alumni"}, "nsAccountLock": {"true"}, "groups": {"alumni"}},
        {"provisiondState": {"terminated"}, "nsAccountLock": {"true"}, "groups": set()},
        {"provisiondState": {"pending"}, "nsAccountLock": {"true"}, "groups": {"students", "library"}},
    ]
    ended = [bound(site, people[student]) for student in (completed, expired, withdrawn, locked)]
    assert ended == [0, INACTIVATED, INACTIVATED, INACTIVATED]
    before = writes(site)
    assert len(before) == 3
    assert "0 persons changed" in site.run("once", "--all")
    assert writes(site) == before
    site.run("release", locked, "--reason", "found")
    assert bound(site, people[locked]) == 0


def active(site: Site) -> list[dict[str, str]]:
    return [row for row in site.json("accounts") if row["state"] == "pending"]


def told(site: Site, dn: str) -> dict[str, set[str]]:
    """State, log-in and groups of an account, as ldapsearch shows them."""
    text = site.entry(dn, "provisiondState", "nsAccountLock", "memberOf")
    found: dict[str, set[str]] = {"groups": set()}
    for name, value in re.findall(r"^(\w+): (.+)$", text, re.MULTILINE):
        if name == "memberOf":
            found["groups"].add(value.split(",")[0].removeprefix("cn="))
        elif name != "dn":
            found.setdefault(name, set()).add(value)
    return found


def test_what_others_put_on_an_entry_survives(site: Site) -> None:
    """Without an assertion control too, and an entry that is not ours is neither taken over nor its name given."""
    site.run("once")
    student, dn = next(
        (r["student_id"], f"uid={r['account_name']},{site.slapd.people_base}") for r in active(site)
    )
    site.plant(
        f"dn: {dn}\nchangetype: modify\nadd: mail\nmail: old@example.edu\n-\nadd: roomNumber\nroomNumber: 7\n"
    )
    becomes(site, student, "completed", TODAY - timedelta(days=300))
    site.run("once")
    text = site.entry(dn, "mail", "roomNumber", "provisiondState")
    assert {"mail: old@example.edu", "roomNumber: 7", "provisiondState: alumni"} <= set(text.splitlines())


def test_an_audit_finds_and_repairs_what_others_changed(site: Site) -> None:
    site.run("once")
    site.run("audit", "--fix")
    name = active(site)[0]["account_name"]
    dn = f"uid={name},{site.slapd.people_base}"
    surname, before = site.entry(dn, "sn"), site.entry(dn, "modifyTimestamp")
    for _ in range(100):  # its clock knows whole seconds only
        site.plant(f"dn: {dn}\nchangetype: modify\nreplace: sn\nsn: Stolen\n")
        if site.entry(dn, "modifyTimestamp") != before:
            break
        time.sleep(0.05)
    assert name in site.run("audit", expect=1)
    site.run("audit", "--fix")
    assert site.entry(dn, "sn") == surname
    site.run("audit")


@pytest.fixture
def fresh(slapd_kind: Kind, tmp_path: Path) -> Iterator[Site]:
    """A server that `directory init` has not seen."""
    with empty_ds389(slapd_kind, tmp_path / "server") as server:
        rig = SlapdRig(server, slapd_kind, layout(""))
        yield site_of(rig, tmp_path / "university")


def test_init_is_repeatable_and_check_tells_what_is_done_with_less(fresh: Site) -> None:
    said = fresh.run("directory", "init")
    assert "done: keep memberOf" in said and "done: index what was there before" in said
    again = fresh.run("directory", "init")
    assert "done:" not in again and "already there: keep memberOf" in again
    checked = fresh.run("check")
    assert "FAULT" not in checked
    assert "note directory: no assertion control" in checked and "nsAccountLock" in checked


def test_check_names_plugins_that_are_off_and_a_wrong_kind(fresh: Site) -> None:
    fresh.run("directory", "init")
    switch_off(fresh, "MemberOf Plugin")
    switch_off(fresh, "provisiond unique mail")
    found = fresh.run("check", expect=78)
    assert "the MemberOf plugin is off" in found and "nothing keeps mail unique" in found
    assert "nothing keeps uid unique" not in found
    config = fresh.university.config
    config.write_text(config.read_text().replace('kind = "389ds"\n', ""))
    assert "directory.kind: the server is 389 Directory Server" in fresh.run("check", expect=78)


def test_the_printed_ldif_does_the_same(fresh: Site) -> None:
    dynamic = (
        "dn: cn=config\nchangetype: modify\nreplace: nsslapd-dynamic-plugins\nnsslapd-dynamic-plugins: on\n"
    )
    fresh.plant(dynamic)
    done = fresh.slapd.client("ldapmodify", "-c", given=fresh.run("directory", "init", "--ldif"))
    told = [line for line in done.stderr.splitlines() if line.startswith("ldap_")]
    assert not [line for line in told if "(68)" not in line and "(20)" not in line], "but for what is there"
    assert "done:" not in fresh.run("directory", "init")


class Meddled(Session):
    """Somebody else acts once, after our first question was answered: between our reading and our writing."""

    def __init__(self, session: Session, meddle: Callable[[], None]) -> None:
        super().__init__(session._connection, session.url)
        self._meddle = meddle

    @contextmanager
    def exchange(self) -> Iterator[Exchange]:
        with super().exchange():
            yield MeddledExchange(self._connection, self._meddle)


class MeddledExchange(Exchange):
    def __init__(self, connection: Any, meddle: Callable[[], None]) -> None:
        super().__init__(connection)
        self._todo = [meddle]

    def receive(self) -> list[tuple[int, Reply]]:
        replies = super().receive()
        while self._todo:
            self._todo.pop()()
        return replies


@pytest.mark.parametrize(
    ("theirs", "code"),
    [
        ("delete: ou\nou: Law\n", None),
        ("replace: description\ndescription: theirs\n", None),
        ("replace: sn\nsn: Lovelace\n", 122),
        ("replace: provisiondPersonId\nprovisiondPersonId: another\n", 122),
    ],
)
def test_what_others_do_between_reading_and_writing_is_not_overwritten(
    ds389: SlapdRig, theirs: str, code: int | None
) -> None:
    """A value that is gone meanwhile is no error; a value that came, or an entry that is no more ours, stays."""
    dn = f"uid=ada,{ds389.people_base}"
    ours = {"objectclass": ("inetOrgPerson", "provisiondObject"), "provisiondpersonid": ("ada",)}
    entry = Entry(dn, ours | {"uid": ("ada",), "cn": ("Ada",), "sn": ("Ada",), "ou": ("Law", "Art")})
    mods = (Mod(Op.DELETE, "ou", ("Law",)), Mod(Op.REPLACE, "sn", ("Byron",)))
    change = ModifyEntry("account", dn, "ada", mods, seen={"sn": ("Ada",)})

    def meddle() -> None:
        done = ds389.client("ldapmodify", given=f"dn: {dn}\nchangetype: modify\n{theirs}")
        assert done.returncode == 0, done.stderr

    with closing(open_session(ds389.daemon)) as session:
        written(session, AddEntry("account", entry))
        outcome = written(Meddled(session, meddle), change)
    assert (outcome.code if isinstance(outcome, Refused) else None) == code
    assert isinstance(outcome, Done) is (code is None)
    text = ds389.ldapsearch("-b", dn, "sn", "ou", "description", "provisiondPersonId")
    assert ("sn: Byron" in text, "ou: Law" in text) == (code is None, code is not None)
    assert theirs.startswith("delete") or theirs.splitlines()[1] in text


def written(session: Session, change: Change) -> Outcome:
    def no_other(error: UnavailableError) -> Session:
        raise error

    return write(Pipeline(session, no_other), [[change]], session.capabilities)[0]


def switch_off(site: Site, plugin: str) -> None:
    change = "changetype: modify\nreplace: nsslapd-pluginEnabled\nnsslapd-pluginEnabled: off\n"
    site.plant(f"dn: cn={plugin},cn=plugins,cn=config\n{change}")


def test_who_may_do_what(ds389: SlapdRig) -> None:
    """Nobody sees the tree without binding; the portal writes passwords and nothing else, the daemon all but them."""
    daemon, layout = (ds389.daemon_dn, ds389.daemon_password), ds389.layout
    portal = (layout.portal_dn, layout.portal_password or "")
    reader = (layout.listing_reader_dn, layout.listing_reader_password or "")
    for base in (ds389.people_base, ds389.contacts_base):
        entry = f"dn: uid=ada,{base}\nobjectClass: inetOrgPerson\nobjectClass: provisiondObject\n"
        more = "uid: ada\ncn: Ada\nsn: Ada\nprovisiondPersonId: ada\n"
        assert changed(ds389, daemon, entry + more, "ldapadd") == 0
    ada = f"uid=ada,{ds389.people_base}"
    password = f"dn: {ada}\nchangetype: modify\nreplace: userPassword\nuserPassword: {PASSWORD}\n"
    surname = f"dn: {ada}\nchangetype: modify\nreplace: sn\nsn: Byron\n"
    assert (changed(ds389, daemon, password), changed(ds389, portal, password)) == (50, 0)
    assert [changed(ds389, who, surname) for who in (portal, reader, ("", ""))] == [50, 50, 50]
    assert changed(ds389, (ada, PASSWORD), surname) == 50
    seen = {name: visible(ds389, who) for name, who in (("reader", reader), ("nobody", ("", "")))}
    assert seen["nobody"] == set()
    assert ada not in seen["reader"] and f"uid=ada,{ds389.contacts_base}" in seen["reader"]
    whole = ds389.client("ldapsearch", "-LLL", "-b", ada, "userPassword", who=daemon).stdout
    assert "userPassword" not in whole


def changed(rig: SlapdRig, who: tuple[str, str], ldif: str, program: str = "ldapmodify") -> int:
    return rig.client(program, given=ldif, who=who).returncode


def visible(rig: SlapdRig, who: tuple[str, str]) -> set[str]:
    text = rig.client("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", rig.base, "uid", who=who).stdout
    return set(re.findall(r"^dn: (.+)$", text, re.MULTILINE))


def test_the_portal_on_this_server_writes_no_token(ds389: SlapdRig) -> None:
    """It asks for no code at bind, and takes no password over a plain connection, be it on loopback; who is
    inactivated is told so, whatever the password."""
    make_account(ds389, "tmchan", "p1")
    with closing(portal_directory(ds389)) as directory:
        with pytest.raises(UnavailableError, match="secure connection"):
            directory.set_password("p1", PASSWORD)
        portal = (ds389.layout.portal_dn, ds389.layout.portal_password or "")
        change_ = f"dn: {account_dn(ds389, 'tmchan')}\nchangetype: modify\nreplace: userPassword\n"
        done = ds389.client("ldapmodify", given=f"{change_}userPassword: {PASSWORD}\n", who=portal)
        assert done.returncode == 0, done.stderr
        assert directory.bind("tmchan", PASSWORD) is BindAnswer.RIGHT
        assert directory.bind("tmchan", PASSWORD, "123456") is BindAnswer.RIGHT
        assert directory.bind("tmchan", PASSWORD + "x") is BindAnswer.WRONG
        assert directory.bind("nobody.at.all", PASSWORD) is BindAnswer.WRONG
        assert directory.bind("tmchan", "") is BindAnswer.WRONG
        directory.put_token("p1", b"12345678901234567890")
        assert not directory.is_enforced("p1")
        shown = directory.shown("p1")
        assert shown is not None and (set(shown.groups), shown.state) == ({"students"}, "active")

        change(ds389, account_dn(ds389, "tmchan"), Mod(Op.REPLACE, "nsAccountLock", ("true",)))
        assert directory.bind("tmchan", PASSWORD) is BindAnswer.BLOCKED


def test_listings_are_found_on_this_server(ds389: SlapdRig) -> None:
    plant(ds389, *PEOPLE)
    with closing(real_listings(ds389)) as listings:
        found = listings.find("陳大文 chan", None, None, 20)
        assert [listing.name for listing in found.listings] == ["tmchan"]
        assert [it.name for it in listings.find("tai man chan", "Physics", None, 20).listings] == ["tmchan"]
        assert listings.departments() == ("Chemistry", "Physics", "School of Law, Society & *Arts*")
