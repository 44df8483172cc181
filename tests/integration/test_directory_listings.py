"""Who sees what of a listing, on a real slapd set up by `directory init`: everybody's, the university's, nobody's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.adapters.directory.session import LdapTarget
from provisiond.adapters.directory.setup import run_setup, setup_ldif
from provisiond.domain.changes import AddEntry
from provisiond.domain.entries import desired
from provisiond.domain.lifecycle import standing
from provisiond.domain.model import Account, Audience, ContactDetail, ContactField, Level, Observed
from provisiond.domain.people import person
from provisiond.domain.plan import Identity
from provisiond.ports import Done
from tests.rigs.lives import TODAY, ZONE, a_person, a_policy, an_account
from tests.rigs.slapd import BASE, Kind, SlapdRig, empty_server, layout

PASSWORD = "correct horse battery staple"
TAI_MAN = f"uid=tmchan,ou=people,{BASE}"
VALUES = {
    ContactField.TELEPHONE: ("telephoneNumber", "+852 2123 4567"),
    ContactField.OFFICE: ("physicalDeliveryOfficeName", "Room 101"),
    ContactField.WEBSITE: ("labeledURI", "https://example.net/tm"),
    ContactField.PRONOUNS: ("eduPersonDisplayPronouns", "she/her"),
    ContactField.PREFERRED_NAME: ("displayName", "Ah Man CHAN"),
}
GIVEN = {field: value for field, (_, value) in VALUES.items()} | {ContactField.PREFERRED_NAME: "Ah Man"}


def contact(audience: Audience) -> tuple[ContactDetail, ...]:
    return tuple(ContactDetail(field, value, audience) for field, value in GIVEN.items())


def written(rig: SlapdRig, account: Account) -> None:
    """The entries of that person as a cycle writes them."""
    someone, policy = person(account.student_id, account, ()), a_policy()
    where = standing(someone, TODAY, ZONE, policy.lifecycle)
    wanted = desired(someone, Identity(account.account_name, None), where, policy, ZONE)
    assert wanted.listing is not None
    bases = (rig.base, rig.people_base, rig.contacts_base, rig.groups_base)
    changes = (AddEntry("account", wanted.account), AddEntry("listing", wanted.listing))
    with closing(LdapDirectory(rig.daemon, *bases, groups=[])) as directory:
        assert list(directory.apply([changes])) == [Done()]
        observed: Observed = directory.observe({account.person_id: account.account_name})[account.person_id]
    assert observed.listing is not None
    seen = {name: set(values) for name, values in observed.listing.attributes.items()}
    assert {name: set(values) for name, values in wanted.listing.attributes.items()}.items() <= seen.items()


def listed(rig: SlapdRig, audience: Audience) -> SlapdRig:
    account = an_account(a_person(level=Level.TAUGHT_POSTGRADUATE), contact=contact(audience))
    written(rig, account)
    return rig


def with_password(rig: SlapdRig) -> SlapdRig:
    assert rig.client("ldappasswd", "-s", PASSWORD, TAI_MAN, who=portal(rig)).returncode == 0
    return rig


def seen_by(rig: SlapdRig, who: tuple[str, str], search: str = "(uid=tmchan)", *more: str) -> str:
    arguments = ("-LLL", "-o", "ldif-wrap=no", "-b", f"ou=contacts,{rig.base}", search, *more)
    return rig.client("ldapsearch", *arguments, who=who).stdout


def reader(rig: SlapdRig) -> tuple[str, str]:
    return rig.layout.listing_reader_dn, rig.layout.listing_reader_password or ""


def portal(rig: SlapdRig) -> tuple[str, str]:
    return rig.layout.portal_dn, rig.layout.portal_password or ""


STUDENT = (TAI_MAN, PASSWORD)


def test_what_is_for_everyone_is_seen_by_the_listing_reader_and_found_by_it(slapd: SlapdRig) -> None:
    rig = listed(slapd, Audience.EVERYONE)
    shown = seen_by(rig, reader(rig))
    for attribute, value in VALUES.values():
        assert f"{attribute}: {value}" in shown
        assert "uid=tmchan" in seen_by(rig, reader(rig), f"({attribute}={value})")
    assert "uid=tmchan" in seen_by(rig, reader(rig), "(cn=Ah M*)")


def test_what_is_for_the_university_is_neither_seen_nor_found_by_the_listing_reader(slapd: SlapdRig) -> None:
    """Not by value, by its beginning, by presence, nor by asking which attributes are hidden."""
    rig = listed(slapd, Audience.UNIVERSITY)
    shown = seen_by(rig, reader(rig), "(uid=tmchan)", "*", "+")
    assert "cn: CHAN Tai Man" in shown
    for attribute, value in VALUES.values():
        assert f"{attribute}: {value}" not in shown
        for search in (f"({attribute}={value})", f"({attribute}={value[:3]}*)", f"({attribute}=*)"):
            assert seen_by(rig, reader(rig), search) == "", search
        assert seen_by(rig, reader(rig), f"(&(uid=tmchan)({attribute}>={value[:1]}))") == ""
        assert seen_by(rig, reader(rig), f"(&(uid=tmchan)(!({attribute}=x)))") == ""
    assert "provisiondUniversityOnly" not in shown
    assert seen_by(rig, reader(rig), "(provisiondUniversityOnly=*)") == ""
    assert seen_by(rig, reader(rig), "(cn=Ah M*)") == ""
    compared = rig.client(
        "ldapcompare", f"uid=tmchan,ou=contacts,{BASE}", "telephoneNumber:+852 2123 4567", who=reader(rig)
    )
    assert compared.returncode not in (5, 6)


def test_sorting_does_not_tell_what_is_hidden(slapd: SlapdRig) -> None:
    """A server-side sort would order listings by values that the reader must not see."""
    rig = listed(slapd, Audience.UNIVERSITY)
    sorted_ = seen_by(rig, reader(rig), "(uid=tmchan)", "-E", "!sss=telephoneNumber")
    assert "telephoneNumber" not in sorted_


@pytest.mark.parametrize("who", ["student", "service"])
def test_what_is_for_the_university_is_seen_by_people_and_services(slapd: SlapdRig, who: str) -> None:
    """A student bound as themselves, and a service that is not the public directory."""
    rig = with_password(listed(slapd, Audience.UNIVERSITY))
    identity = STUDENT if who == "student" else portal(rig)
    shown = seen_by(rig, identity)
    for attribute, value in VALUES.values():
        assert f"{attribute}: {value}" in shown
        assert "uid=tmchan" in seen_by(rig, identity, f"({attribute}={value})")


def test_what_is_for_nobody_is_not_in_the_directory(slapd: SlapdRig) -> None:
    rig = listed(slapd, Audience.NOBODY)
    everything = rig.ldapsearch("(uid=tmchan)")
    assert not [value for value in GIVEN.values() if value in everything]


def test_a_student_changes_nothing_in_listing_or_account(slapd: SlapdRig) -> None:
    rig = with_password(listed(slapd, Audience.EVERYONE))
    for dn in (f"uid=tmchan,ou=contacts,{BASE}", TAI_MAN):
        change = f"dn: {dn}\nchangetype: modify\nreplace: displayName\ndisplayName: Rector\n"
        assert rig.client("ldapmodify", given=change, who=STUDENT).returncode == 50


def test_389ds_hides_from_the_listing_reader_as_well(ds389: SlapdRig) -> None:
    rig = listed(ds389, Audience.UNIVERSITY)
    shown = seen_by(rig, reader(rig), "(uid=tmchan)", "*", "+")
    assert "cn: CHAN Tai Man" in shown
    assert "provisiondUniversityOnly" not in shown
    for attribute, value in VALUES.values():
        assert f"{attribute}: {value}" not in shown
        assert seen_by(rig, reader(rig), f"({attribute}={value})") == ""
        assert f"{attribute}: {value}" in seen_by(rig, portal(rig))


@pytest.fixture
def older(slapd_kind: Kind, tmp_path: Path) -> Iterator[SlapdRig]:
    """A server as a version before contact details left it."""
    with empty_server(slapd_kind, tmp_path / "slapd") as server:
        wanted = layout(str(server.database_directory))
        rig = SlapdRig(server, slapd_kind, wanted)
        made = rig.client("ldapmodify", given=_before(setup_ldif(wanted)))
        assert made.returncode == 0, made.stderr
        yield rig


def _before(ldif: str) -> str:
    lines = re.sub(r"\n ", "", ldif).splitlines()
    return "\n".join(
        line for line in lines if "provisiondUniversityOnly" not in line and "provisiondListing" not in line
    )


def test_an_older_server_is_brought_up_to_date_by_directory_init(older: SlapdRig) -> None:
    """Schema and access rules that came later are added; a third run finds nothing to do."""
    said: list[str] = []
    admin = LdapTarget((older.url,), "simple", older.config_dn, older.config_password)
    run_setup(admin, older.layout, said.append)
    assert [line for line in said if line.startswith("done: ")] == [
        "done: load the schema provisiond",
        "done: set who may read and write what (access rules)",
    ]
    for dn, password in ((older.layout.portal_dn, older.layout.portal_password),
                         (older.daemon_dn, older.daemon_password),
                         (older.layout.listing_reader_dn, older.layout.listing_reader_password)):  # fmt: skip
        assert older.client("ldappasswd", "-s", password or "", dn).returncode == 0
    with_password(listed(older, Audience.UNIVERSITY))
    assert "telephoneNumber" not in seen_by(older, reader(older))
    assert "telephoneNumber" in seen_by(older, STUDENT)
    again: list[str] = []
    run_setup(admin, older.layout, again.append)
    assert [line for line in again if line.startswith("done: ")] == []
