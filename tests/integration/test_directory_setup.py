"""`directory init` on a real, empty OpenLDAP: what it makes, that it can be repeated, who may do what."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisiond.adapters.directory.session import LdapTarget, open_session
from provisiond.adapters.directory.setup import run_setup, setup_ldif
from provisiond.domain.errors import ConfigError
from tests.rigs.slapd import BASE, Kind, Server, SlapdRig, empty_server, layout

PASSWORD = "correct horse battery staple"
TAI_MAN = f"uid=tmchan,ou=people,{BASE}"
ACCOUNT = f"""\
dn: {TAI_MAN}
objectClass: inetOrgPerson
objectClass: eduPerson
objectClass: schacLinkageIdentifiers
objectClass: provisiondObject
uid: tmchan
cn: CHAN Tai Man
sn: CHAN
mail: tmchan@connect.example.edu
employeeNumber: 12345678
schacPersonalUniqueCode: urn:schac:personalUniqueCode:hk:studentID:example.edu:12345678
eduPersonUniqueId: p1@example.edu
provisiondPersonId: p1
provisiondState: active
provisiondMailQuota: 5368709120
"""
LISTING = f"""\
dn: uid=tmchan,ou=contacts,{BASE}
objectClass: inetOrgPerson
objectClass: provisiondObject
uid: tmchan
cn: CHAN Tai Man
sn: CHAN
mail: tmchan@connect.example.edu
provisiondPersonId: p1
"""


@pytest.fixture
def empty(slapd_kind: Kind, tmp_path: Path) -> Iterator[Server]:
    with empty_server(slapd_kind, tmp_path / "slapd") as server:
        yield server


def admin(server: Server) -> LdapTarget:
    return LdapTarget((server.url,), "simple", server.config_dn, server.config_password)


def as_daemon(rig: SlapdRig) -> tuple[str, str]:
    return rig.daemon_dn, rig.daemon_password


def as_portal(rig: SlapdRig) -> tuple[str, str]:
    return rig.layout.portal_dn, rig.layout.portal_password or ""


def as_reader(rig: SlapdRig) -> tuple[str, str]:
    return rig.layout.listing_reader_dn, rig.layout.listing_reader_password or ""


@pytest.fixture
def peopled(slapd: SlapdRig) -> SlapdRig:
    """One account, made by the daemon, with a password that the portal set."""
    made = slapd.client("ldapadd", given=f"{ACCOUNT}\n{LISTING}", who=as_daemon(slapd))
    assert made.returncode == 0, made.stderr
    set_ = slapd.client("ldappasswd", "-s", PASSWORD, TAI_MAN, who=as_portal(slapd))
    assert set_.returncode == 0, set_.stderr
    return slapd


def found(rig: SlapdRig, who: tuple[str, str], *arguments: str) -> str:
    return rig.client("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", rig.base, *arguments, who=who).stdout


def can_bind(rig: SlapdRig, dn: str = TAI_MAN, password: str = PASSWORD) -> bool:
    return rig.client("ldapwhoami", who=(dn, password)).returncode == 0


def changed(rig: SlapdRig, who: tuple[str, str], dn: str, change: str) -> bool:
    return (
        rig.client("ldapmodify", given=f"dn: {dn}\nchangetype: modify\n{change}\n", who=who).returncode == 0
    )


def test_an_empty_server_becomes_the_directory_and_a_second_run_does_nothing(empty: Server) -> None:
    """Twice the same command: all done the first time, nothing the second."""
    wanted = layout(str(empty.database_directory))
    first: list[str] = []
    second: list[str] = []

    run_setup(admin(empty), wanted, first.append)
    run_setup(admin(empty), wanted, second.append)

    assert all(line.startswith("done: ") for line in first)
    assert [line.removeprefix("already there: ") for line in second] == [
        x.removeprefix("done: ") for x in first
    ]


def test_an_interrupted_setup_is_finished_by_the_next_one(empty: Server) -> None:
    """What was done before the interruption is recognised, the rest is made."""
    wanted = layout(str(empty.database_directory))

    class InterruptedError(Exception):
        pass

    def stop_at_the_overlays(line: str) -> None:
        if "memberof" in line:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run_setup(admin(empty), wanted, stop_at_the_overlays)
    said: list[str] = []
    run_setup(admin(empty), wanted, said.append)

    assert any(line.startswith("already there: keep memberOf") for line in said)
    assert said[-1] == "done: make the group mail"


def test_the_printed_ldif_makes_the_same_directory(empty: Server, slapd: SlapdRig) -> None:
    """An administrator who applies `--ldif` by hand gets what `directory init` makes."""
    wanted = layout(str(empty.database_directory))
    other = SlapdRig(empty, slapd.kind, wanted)

    applied = other.client("ldapmodify", given=setup_ldif(wanted))

    assert applied.returncode == 0, applied.stderr
    shown = ("-s", "sub", "*", "pwdPolicySubentry")
    assert _without_passwords(other.ldapsearch(*shown)) == _without_passwords(slapd.ldapsearch(*shown))
    settings = (
        "-b",
        "cn=config",
        "(|(olcSuffix=*)(objectClass=olcOverlayConfig)(&(objectClass=olcSchemaConfig)(!(cn=schema))))",
    )
    hidden = str(empty.database_directory), str(slapd.server.database_directory)
    # by lines: an attribute that another test changed and changed back moves within its entry
    ours, theirs = other.ldapsearch(*settings), slapd.ldapsearch(*settings)
    assert sorted(ours.replace(hidden[0], "").splitlines()) == sorted(
        theirs.replace(hidden[1], "").splitlines()
    )


def test_the_printed_ldif_holds_no_password_and_lets_nobody_in(empty: Server) -> None:
    """Neither a real password nor a placeholder that would work as one."""
    wanted = layout(str(empty.database_directory))
    text = setup_ldif(wanted)

    assert wanted.daemon_password is not None and wanted.daemon_password not in text
    assert text.count("userPassword: {CRYPT}*\n") == 3


def _without_passwords(ldif: str) -> list[str]:
    return sorted(line for line in ldif.splitlines() if not line.startswith("userPassword"))


def test_a_name_that_would_break_out_of_an_access_rule_is_refused(empty: Server) -> None:
    """Names become part of access rules: quotes are refused before any change."""
    bad = layout(str(empty.database_directory), base='dc=example" by * write,dc=edu')

    with pytest.raises(ConfigError, match="quote"):
        run_setup(admin(empty), bad, lambda _: None)


def test_older_access_rules_lose_their_effect(empty: Server) -> None:
    """A database that somebody made before, readable by all, is closed; its rules stay after ours."""
    wanted = layout(str(empty.database_directory))
    rig = SlapdRig(empty, "local", wanted)
    loaded = rig.client("ldapadd", given="dn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\n"
                        "olcModulePath: /usr/lib/ldap\nolcModuleLoad: back_mdb\n")  # fmt: skip
    made = rig.client(
        "ldapadd",
        given="dn: olcDatabase=mdb,cn=config\nobjectClass: olcMdbConfig\nolcDatabase: mdb\n"
        f"olcSuffix: {BASE}\nolcDbDirectory: {empty.database_directory}\nolcRootDN: cn=admin,{BASE}\n"
        "olcRootPW: throw-away\nolcDbIndex: objectClass,uid eq\nolcAccess: to * by * read\n",
    )
    assert (loaded.returncode, made.returncode) == (0, 0), loaded.stderr + made.stderr

    with pytest.raises(ConfigError, match="make the top of the tree"):
        run_setup(admin(empty), wanted, lambda _: None)  # only its own rootdn may make the first entry
    top = f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Old\n"
    assert rig.client("ldapadd", given=top, who=(f"cn=admin,{BASE}", "throw-away")).returncode == 0
    run_setup(admin(empty), wanted, lambda _: None)

    assert rig.client("ldapsearch", "-b", BASE, who=("", "")).stdout.count("dn: ") == 0
    assert "ou=people" in rig.ldapsearch("dn")
    assert "to * by * read" in rig.ldapsearch("-b", "cn=config", f"(olcSuffix={BASE})", "olcAccess")


def test_anonymous_sees_nothing_of_the_tree(peopled: SlapdRig) -> None:
    """Not the base, not an account, not a listing."""
    assert found(peopled, ("", "")) == ""


def test_the_listing_reader_sees_listings_only(peopled: SlapdRig) -> None:
    """No account and no group, for it needs none."""
    seen = found(peopled, as_reader(peopled), "dn")

    assert f"dn: uid=tmchan,ou=contacts,{BASE}" in seen
    assert "ou=people" not in seen
    assert "ou=groups" not in seen


def test_passwords_are_argon2_and_the_daemon_cannot_read_them(peopled: SlapdRig) -> None:
    """Only the rootdn sees the hash; daemon, portal and the student see none."""
    line = peopled.ldapsearch("-b", TAI_MAN, "userPassword").split("userPassword:: ")[1].split()[0]
    assert base64.b64decode(line).startswith(b"{ARGON2}$argon2")
    student = (TAI_MAN, PASSWORD)
    for who in (as_daemon(peopled), as_portal(peopled), as_reader(peopled), student):
        assert "\nuserPassword:" not in found(peopled, who, "*", "+")
    assert "provisiondPersonId: p1" in found(peopled, as_daemon(peopled))


def test_the_daemon_writes_entries_and_members_but_no_password(peopled: SlapdRig) -> None:
    """Its rights are what a cycle needs: no password, no new group, no policy, no service account."""
    who = as_daemon(peopled)
    students = f"cn=students,ou=groups,{BASE}"

    assert changed(peopled, who, TAI_MAN, "replace: displayName\ndisplayName: Tai Man")
    assert changed(peopled, who, students, f"add: member\nmember: {TAI_MAN}")
    assert "memberOf: cn=students" in found(peopled, who, "(uid=tmchan)", "memberOf")
    assert not changed(peopled, who, TAI_MAN, "replace: userPassword\nuserPassword: chosen by the daemon")
    assert not changed(peopled, who, students, "replace: description\ndescription: mine")
    assert not changed(
        peopled, who, f"cn=default,ou=policies,{BASE}", "replace: pwdMinLength\npwdMinLength: 1"
    )
    assert not changed(peopled, who, f"uid=portal,ou=services,{BASE}", "replace: description\ndescription: x")
    assert peopled.client("ldapdelete", TAI_MAN, who=who).returncode == 0


def test_the_portal_makes_tokens_that_cannot_log_in_and_takes_none_away(peopled: SlapdRig) -> None:
    """Under ou=tokens: nothing that is no token, nothing with a password, no change but of the secret, no end."""
    who = as_portal(peopled)
    token = f"cn=t1,ou=tokens,{BASE}"
    entry = f"dn: {token}\nobjectClass: device\nobjectClass: oathTOTPToken\ncn: t1\noathSecret: 1234567890\n"
    other = f"dn: cn=t2,ou=tokens,{BASE}\nobjectClass: device\ncn: t2\n"
    barred = entry.replace(
        "cn: t1", "cn: t1\nobjectClass: simpleSecurityObject\nuserPassword: let me in, please"
    )

    for refused in (other, barred, entry.replace(",ou=tokens", ",cn=students,ou=groups")):
        assert peopled.client("ldapadd", given=refused, who=who).returncode == 50
    made = peopled.client("ldapadd", given=entry, who=who)
    assert made.returncode == 0, made.stderr
    assert changed(peopled, who, token, "replace: oathSecret\noathSecret: 09876543210987654321")
    assert not changed(peopled, who, token, "replace: description\ndescription: x")
    assert not changed(peopled, who, token, f"replace: oathTOTPParams\noathTOTPParams: {token}")
    assert peopled.client("ldapdelete", token, who=who).returncode == 50
    for reader in (who, as_daemon(peopled), as_reader(peopled), (TAI_MAN, PASSWORD)):
        assert "\noathSecret:" not in found(peopled, reader, "*", "+")


@pytest.mark.parametrize(
    "change",
    [
        "replace: cn\ncn: Somebody Else",
        "replace: mail\nmail: somebody.else@connect.example.edu",
        "replace: provisiondPersonId\nprovisiondPersonId: p2",
        "replace: pwdStartTime\npwdStartTime: 20200101000000Z",
        "replace: pwdEndTime\npwdEndTime: 20990101000000Z",
        "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z",
        f"add: objectClass\nobjectClass: oathTOTPUser\n-\nadd: oathTOTPToken\noathTOTPToken: cn=t1,ou=tokens,{BASE}",
        "add: objectClass\nobjectClass: extensibleObject",
    ],
)
def test_the_portal_changes_nothing_of_an_account(peopled: SlapdRig, change: str) -> None:
    """No name, no expiry, and not whether the server asks for a code: that is the daemon's."""
    assert not changed(peopled, as_portal(peopled), TAI_MAN, change)
    assert changed(peopled, as_daemon(peopled), TAI_MAN, change)


def test_the_portal_touches_nothing_beside_the_accounts(peopled: SlapdRig) -> None:
    """No membership, no listing, no policy, no password of a service, no entry."""
    who = as_portal(peopled)
    stranger = (
        f"dn: uid=other,ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: other\ncn: other\nsn: other\n"
    )
    services = (peopled.daemon_dn, peopled.layout.listing_reader_dn, f"uid=nobody,ou=services,{BASE}")

    assert not changed(peopled, who, f"cn=students,ou=groups,{BASE}", f"add: member\nmember: {TAI_MAN}")
    assert not changed(peopled, who, f"uid=tmchan,ou=contacts,{BASE}", "replace: cn\ncn: Somebody Else")
    assert not changed(
        peopled, who, f"cn=default,ou=policies,{BASE}", "replace: pwdMinLength\npwdMinLength: 1"
    )
    for dn in (*services, f"uid=tmchan,ou=contacts,{BASE}"):
        assert peopled.client("ldappasswd", "-s", "a password of sixteen", dn, who=who).returncode != 0
    assert peopled.client("ldapdelete", TAI_MAN, who=who).returncode == 50
    assert peopled.client("ldapmodrdn", TAI_MAN, "uid=other", who=who).returncode == 50
    assert peopled.client("ldapadd", given=stranger, who=who).returncode == 50


def test_the_portal_sets_no_password_of_an_entry_without_our_mark(peopled: SlapdRig) -> None:
    """A member of staff whom others keep below ou=people: rule 6 holds for passwords, too."""
    staff = f"uid=staff,ou=people,{BASE}"
    entry = f"dn: {staff}\nobjectClass: inetOrgPerson\nuid: staff\ncn: staff\nsn: staff\n"
    assert peopled.client("ldapadd", given=entry).returncode == 0
    set_by_portal = ("ldappasswd", "-s", "a password of sixteen")
    assert peopled.client(*set_by_portal, staff, who=as_portal(peopled)).returncode != 0
    assert peopled.client(*set_by_portal, TAI_MAN, who=as_portal(peopled)).returncode == 0


def test_the_portal_reads_what_it_shows(peopled: SlapdRig) -> None:
    """Of an account no more than that; of groups, services and policies nothing. It finds by the person's ID without
    reading it."""
    assert changed(peopled, as_daemon(peopled), TAI_MAN, "replace: telephoneNumber\ntelephoneNumber: 1234")
    who = as_portal(peopled)
    account = found(peopled, who, "-b", f"ou=people,{BASE}", "(provisiondPersonId=p1)", "*", "+")
    everything = found(peopled, who, "dn")

    seen = {line.partition(":")[0] for line in account.splitlines() if line and not line.startswith(" ")}
    assert seen == {"dn", "objectClass", "uid", "mail", "provisiondState", "provisiondMailQuota"}
    assert "ou=groups" not in everything
    assert "ou=policies" not in everything
    assert "uid=provisiond," not in everything


@pytest.mark.parametrize(
    "attribute, value", [("pwdEndTime", "20200101000000Z"), ("pwdAccountLockedTime", "000001010000Z")]
)
def test_the_daemon_ends_and_reopens_log_in(peopled: SlapdRig, attribute: str, value: str) -> None:
    """An end time in the past, or the lock, stops a bind with the right password; taking it away opens it."""
    who = as_daemon(peopled)
    assert can_bind(peopled)

    assert changed(peopled, who, TAI_MAN, f"replace: {attribute}\n{attribute}: {value}")
    assert not can_bind(peopled)
    assert changed(peopled, who, TAI_MAN, f"delete: {attribute}")
    assert can_bind(peopled)


def test_short_passwords_are_refused_also_to_the_portal(peopled: SlapdRig) -> None:
    """The portal is not the rootdn, so that the policy judges."""
    assert peopled.client("ldappasswd", "-s", "short", TAI_MAN, who=as_portal(peopled)).returncode != 0
    assert can_bind(peopled)


@pytest.mark.parametrize(
    "line", ["uid: tmchan", "mail: tmchan@connect.example.edu", "provisiondPersonId: p1"]
)
def test_a_second_account_with_the_same_identifier_is_refused(peopled: SlapdRig, line: str) -> None:
    """The server's second lock: name, address and person are unique among accounts."""
    attribute = line.split(":")[0]
    kept = [
        x for x in ACCOUNT.splitlines() if x.startswith("objectClass") or not x.startswith(("dn", attribute))
    ]
    twin = "\n".join([f"dn: cn=CHAN Tai Man,ou=people,{BASE}", *kept, line, ""])
    twin = twin.replace("uid: tmchan", "uid: other") if attribute != "uid" else twin
    twin = twin.replace("mail: tmchan@", "mail: other@") if attribute != "mail" else twin
    twin = twin.replace("PersonId: p1", "PersonId: p2") if attribute != "provisiondPersonId" else twin

    refused = peopled.client("ldapadd", given=twin, who=as_daemon(peopled))

    assert refused.returncode == 19, refused.stderr


def test_a_removed_account_leaves_its_groups(peopled: SlapdRig) -> None:
    """refint takes the value away, the placeholder stays, nobody else is touched."""
    students = f"cn=students,ou=groups,{BASE}"
    assert changed(peopled, as_daemon(peopled), students, f"add: member\nmember: {TAI_MAN}")

    assert peopled.client("ldapdelete", TAI_MAN, who=as_daemon(peopled)).returncode == 0

    left = [
        line
        for line in peopled.ldapsearch("-b", students, "member").splitlines()
        if line.startswith("member")
    ]
    assert left == [f"member: {peopled.daemon_dn}"]


def test_the_daemon_reads_past_the_size_limit(slapd: SlapdRig) -> None:
    """The limit of 500 that stops others does not stop the daemon: a part would look like the whole."""
    entries = "\n".join(
        f"dn: uid=u{n},ou=people,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: provisiondObject\n"
        f"uid: u{n}\ncn: u\nsn: u\nprovisiondPersonId: x{n}\n"
        for n in range(510)
    )
    assert slapd.client("ldapadd", given=entries).returncode == 0

    assert found(slapd, as_daemon(slapd), "(provisiondPersonId=*)", "1.1").count("dn: ") == 510
    others = slapd.client("ldapsearch", "-b", f"ou=people,{BASE}", "(uid=*)", "1.1", who=as_portal(slapd))
    assert others.returncode == 4


def test_external_over_the_local_socket_may_set_up_too(empty: Server) -> None:
    """On the server itself root needs no password: SASL EXTERNAL over ldapi."""
    target = LdapTarget((empty.ldapi_url,), "external", empty.external_dn, None)
    said: list[str] = []

    run_setup(target, layout(str(empty.database_directory)), said.append)

    assert said[-1] == "done: make the group mail"
    open_session(target).close()


def test_the_folder_of_another_database_is_refused_before_anything_is_done(empty: Server) -> None:
    """As on a fresh Debian, whose slapd comes with a database dc=nodomain: two in one folder spoil each other."""
    wanted = layout(str(empty.database_directory))
    rig = SlapdRig(empty, "local", wanted)
    other = (
        "dn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\n"
        "olcModulePath: /usr/lib/ldap\nolcModuleLoad: back_mdb\n\n"
        "dn: olcDatabase=mdb,cn=config\nobjectClass: olcMdbConfig\nolcDatabase: mdb\n"
        f"olcSuffix: dc=nodomain\nolcDbDirectory: {empty.database_directory}/\n"
    )
    made = rig.client("ldapadd", given=other)
    assert made.returncode == 0, made.stderr
    said: list[str] = []

    with pytest.raises(ConfigError, match="holds the database of dc=nodomain"):
        run_setup(admin(empty), wanted, said.append)

    assert said == []


def test_over_the_local_socket_the_folder_is_made(tmp_path: Path) -> None:
    """Where slapd runs beside us, nobody need make the database's folder first."""
    with empty_server("local", tmp_path / "slapd") as server:
        folder = server.database_directory / "provisiond"
        target = LdapTarget((server.ldapi_url,), "external", server.external_dn, None)
        run_setup(target, layout(str(folder)), lambda _: None)

        assert (folder / "data.mdb").is_file()
        assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_missing_is_named(empty: Server) -> None:
    with pytest.raises(ConfigError, match=r"/nowhere/at/all must be an empty folder of slapd's own user"):
        run_setup(admin(empty), layout("/nowhere/at/all"), lambda _: None)
