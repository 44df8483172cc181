"""Scans of the whole tree on a real server: whole or an error, whatever limits the server has, at a fraction of
what ldap3 needs for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.adapters.directory.scanning import stream
from provisiond.adapters.directory.session import open_session
from provisiond.adapters.directory.wire import Query
from provisiond.domain.changes import Change
from provisiond.domain.errors import UnavailableError
from tests.integration.test_directory_session import batch, directory_of, limited_daemon
from tests.rigs.slapd import SlapdRig

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def directory(slapd: SlapdRig) -> Iterator[LdapDirectory]:
    """With 78 accounts."""
    found = directory_of(slapd)
    batches: list[list[Change]] = [batch(slapd, f"qa{a}{b}")[:1] for a in LETTERS for b in "abc"]
    found.apply(batches)
    yield found
    found.close()


def test_pages_hide_nothing(slapd: SlapdRig, directory: LdapDirectory) -> None:
    """Pages of seven bring each of 78 accounts once."""
    query = Query(slapd.people_base, "(uid=*)", ("uid",))
    with closing(open_session(slapd.daemon)) as session:
        names = [entry.attributes[b"uid"][0] for entry in stream(session, query, page=7)]
        assert len(names) == len(set(names)) == 78
        assert session.exists(slapd.people_base)  # and the session goes on


@pytest.mark.parametrize("size", [10, 50])
def test_a_limit_is_an_error_and_no_end(slapd: SlapdRig, directory: LdapDirectory, size: int) -> None:
    """ldap3's generator would end in silence (field notes 1.5)."""
    with (
        limited_daemon(slapd, size),
        pytest.raises(UnavailableError, match=r"not the whole answer: sizeLimitExceeded .* without limits"),
    ):
        list(directory.survey())


def test_a_scan_left_early_serves_no_more(slapd: SlapdRig, directory: LdapDirectory) -> None:
    with closing(open_session(slapd.daemon)) as session:
        scan = stream(session, Query(slapd.base, "(objectClass=*)", ("cn",)))
        next(scan)
        scan.close()
        assert session.lost


def test_long_values_and_many_values_come_whole(slapd: SlapdRig, directory: LdapDirectory) -> None:
    """Values beyond 64 KiB and beyond one packet, and attributes with options."""
    dn, text = f"uid=qaaa,{slapd.people_base}", "长" * 60_000
    many = "\n".join(f"ou: department {number}" for number in range(3000))
    adds = ("add: cn;lang-zh\ncn;lang-zh: 陳", f"add: ou\n{many}", f"add: description\ndescription: {text}")
    done = slapd.client("ldapmodify", given=f"dn: {dn}\nchangetype: modify\n" + "\n-\n".join(adds))
    assert done.returncode == 0, done.stderr
    with closing(open_session(slapd.daemon)) as session:
        (entry,) = stream(session, Query(slapd.base, "(uid=qaaa)", ("*",)))
    assert entry.dn.lower() == dn.lower()
    assert [value.decode() for value in entry.attributes[b"description"]] == [text]
    assert len(entry.attributes[b"ou"]) == 3000
    assert entry.attributes[b"cn;lang-zh"] == ["陳".encode()]


def test_a_server_killed_in_the_middle_is_an_error(slapd: SlapdRig, directory: LdapDirectory) -> None:
    with closing(open_session(slapd.daemon)) as session:
        scan = stream(session, Query(slapd.people_base, "(uid=*)", ("uid",)), page=5)
        next(scan)
        slapd.kill()
        try:
            with pytest.raises(UnavailableError):
                list(scan)
        finally:
            slapd.start()
