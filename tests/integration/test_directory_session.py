"""How the directory adapter behaves towards a real server: who it is, what it refuses to believe, what
it does when the server is away, silent, limited or not the one it should be."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from provisiond.adapters.directory.ldap import LdapDirectory
from provisiond.adapters.directory.ldif import ldif
from provisiond.adapters.directory.session import LdapTarget, normalise_dn, open_session
from provisiond.domain.changes import AddEntry, Change, Join, Mod, ModifyEntry, Op
from provisiond.domain.errors import ConfigError, UnavailableError
from provisiond.domain.model import Entry
from provisiond.ports import Done
from tests.rigs.front import Front, certificate
from tests.rigs.slapd import SlapdRig

SECRET = "not the right password"


def directory_of(rig: SlapdRig, target: LdapTarget | None = None) -> LdapDirectory:
    bases = (rig.base, rig.people_base, rig.contacts_base, rig.groups_base)
    return LdapDirectory(target or rig.daemon, *bases)


def batch(rig: SlapdRig, name: str) -> list[Change]:
    """An account and its membership of the students."""
    dn = f"uid={name},{rig.people_base}"
    attributes = {
        "objectclass": ("inetOrgPerson", "provisiondObject"),
        "uid": (name,),
        "cn": (name,),
        "sn": (name,),
        "provisiondpersonid": (name,),
    }
    return [AddEntry("account", Entry(dn, attributes)), Join(f"cn=students,{rig.groups_base}", dn)]


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never says a word, as a stopped process does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"ldap://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def limited_daemon(rig: SlapdRig, size: int) -> Iterator[None]:
    """The daemon may read `size` entries only."""
    limit = f'dn.exact="{rig.daemon_dn}" size={size} time=unlimited'
    with closing(open_session(rig.admin)) as session:
        (database,) = session.search("cn=config", f"(olcSuffix={rig.base})", ["olcLimits"])
        before = tuple(value.decode() for value in database.attributes["olcLimits"])

        def limits(values: tuple[str, ...]) -> None:
            mods = [Mod(Op.REPLACE, "olcLimits", values)]
            assert session.modify(database.dn, mods, None, permissive=False).code == 0

        limits((limit,))
        try:
            yield
        finally:
            limits(before)


def test_is_who_it_should_be(slapd: SlapdRig) -> None:
    with closing(open_session(slapd.daemon)) as session:
        assert normalise_dn(session.who_am_i()) == normalise_dn(slapd.daemon_dn)


def test_binds_by_the_socket_as_the_process_it_is(slapd: SlapdRig) -> None:
    """SASL EXTERNAL over ldapi, and an error when that is not who was configured."""
    target = LdapTarget((slapd.ldapi_url,), "external", slapd.external_dn, None)
    with closing(open_session(target)) as session:
        assert normalise_dn(session.who_am_i()) == normalise_dn(slapd.external_dn)
    with pytest.raises(ConfigError, match=r"takes us for .*cn=external,cn=auth, not"):
        open_session(replace(target, bind_dn=slapd.daemon_dn))


def test_wrong_password_names_the_identity_and_the_key_only(slapd: SlapdRig) -> None:
    with pytest.raises(ConfigError) as caught:
        open_session(replace(slapd.daemon, password=SECRET))
    assert slapd.daemon_dn in str(caught.value)
    assert "directory.password_file" in str(caught.value)
    assert SECRET not in str(caught.value) + repr(replace(slapd.daemon, password=SECRET))


def test_wrong_password_tries_no_other_server(slapd: SlapdRig) -> None:
    """It is wrong everywhere, and would only lock the account there too."""
    with silent_server() as other, pytest.raises(ConfigError):
        open_session(replace(slapd.daemon, password=SECRET, urls=(slapd.url, other)))


def test_missing_password_is_not_an_anonymous_bind(slapd: SlapdRig) -> None:
    with pytest.raises(ConfigError, match="anonymously"):
        open_session(replace(slapd.daemon, password=""))


@pytest.mark.parametrize("url", ["ldap://ldap.example.edu", "ldap://192.0.2.1:389"])
def test_sends_no_password_in_clear_over_a_network(url: str) -> None:
    with pytest.raises(ConfigError, match="would send the password in clear: use ldaps:// or start_tls"):
        open_session(LdapTarget((url,), "simple", "uid=x,dc=example,dc=edu", SECRET))


@pytest.mark.parametrize("url", ["http://ldap.example.edu", "ldaps://", "ldap.example.edu", "ldap://h:port"])
def test_refuses_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigError, match=r"directory\.urls"):
        open_session(LdapTarget((url,), "simple", "uid=x,dc=example,dc=edu", SECRET))


def test_goes_to_the_next_server(slapd: SlapdRig) -> None:
    """One refuses, one is silent, the third answers."""
    with silent_server() as silent:
        target = replace(slapd.daemon, urls=("ldap://127.0.0.1:1", silent, slapd.url), receive_timeout=1)
        with closing(open_session(target)) as session:
            assert session.url == slapd.url


def test_no_server_at_all_says_why_for_each() -> None:
    """No waiting for ever; every address is named with its reason."""
    with silent_server() as silent:
        urls = ("ldap://127.0.0.1:1", silent)
        target = LdapTarget(urls, "simple", "uid=x,dc=example,dc=edu", SECRET, receive_timeout=1)
        with pytest.raises(UnavailableError) as caught:
            open_session(target)
    assert all(url in caught.value.reason for url in urls)
    assert SECRET not in str(caught.value)


def test_verifies_certificates(slapd: SlapdRig, tmp_path: Path) -> None:
    """Trusted only with the right CA and for the right host name."""
    ca_file, context = certificate(tmp_path, "localhost")
    with Front(slapd.url, context) as front:
        good = replace(slapd.daemon, urls=(f"ldaps://localhost:{front.port}",), ca_file=ca_file)
        with closing(open_session(good)) as session:
            assert session.who_am_i()
        wrong_host = replace(good, urls=(f"ldaps://127.0.0.1:{front.port}",))
        for target in (replace(good, ca_file=None), wrong_host):
            with pytest.raises(UnavailableError, match=r"(?i)certificate"):
                open_session(target)


def test_start_tls_or_nothing(slapd: SlapdRig) -> None:
    """A server that does not offer StartTLS gets no password, even on loopback."""
    with pytest.raises(UnavailableError, match=r"(?i)starttls|tls"):
        open_session(replace(slapd.daemon, start_tls=True))


def test_missing_ca_file_is_the_operators(slapd: SlapdRig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"directory\.ca_file"):
        open_session(replace(slapd.daemon, ca_file=tmp_path / "none.pem"))


def test_part_of_an_answer_is_no_answer(slapd: SlapdRig) -> None:
    """A size limit reached: an error, never a tree with fewer people in it."""
    with closing(directory_of(slapd)) as directory:
        directory.apply([batch(slapd, f"limited{letter}") for letter in "abc"])
        with limited_daemon(slapd, 1):
            with pytest.raises(UnavailableError, match="sizeLimitExceeded"):
                directory.observe({f"limited{letter}": "" for letter in "abc"})
            with pytest.raises(UnavailableError, match="sizeLimitExceeded"):
                directory.names_with_prefixes(["limited"])


def test_missing_base_is_no_answer(slapd: SlapdRig) -> None:
    elsewhere = LdapDirectory(
        slapd.daemon, f"ou=none,{slapd.base}", slapd.people_base, slapd.contacts_base, slapd.groups_base
    )
    with closing(elsewhere), pytest.raises(UnavailableError, match="noSuchObject"):
        elsewhere.observe({"x": "x"})


def test_reads_and_writes_again_after_a_restart(slapd: SlapdRig) -> None:
    """A dead connection is replaced before a read, and before the first write of an apply."""
    with closing(directory_of(slapd)) as directory:
        assert directory.apply([batch(slapd, "before")]) == [Done()]
        slapd.restart()
        assert directory.apply([batch(slapd, "after")]) == [Done()]
        slapd.kill()
        with pytest.raises(UnavailableError):
            directory.observe({"after": "after"})
        slapd.start()
        assert directory.observe({"after": "after"})["after"].account is not None


def test_lost_reply_is_an_error_and_the_next_cycle_finds_the_work_done(slapd: SlapdRig) -> None:
    """The server did it, the answer never came: nothing is sent again; a repetition is harmless."""
    with Front(slapd.url) as front:
        target = replace(slapd.daemon, urls=(f"ldap://127.0.0.1:{front.port}",), receive_timeout=1)
        session = open_session(target)
        front.deaf = True
        add = batch(slapd, "lost")[0]
        assert isinstance(add, AddEntry)
        with pytest.raises(UnavailableError):
            session.add(add.dn, add.entry.attributes)
        assert session.lost
    with closing(directory_of(slapd)) as directory:
        assert directory.observe({"lost": "lost"})["lost"].account is not None
        assert directory.apply([batch(slapd, "lost")]) == [Done()]


def test_writes_many_at_once_and_ldapsearch_sees_it(slapd: SlapdRig) -> None:
    """Outcomes in the order of the batches; memberships of hundreds in few writes."""
    people = [f"many{number}" for number in range(620)]
    batches = [batch(slapd, name) for name in people]
    batches[7] = [Join(f"cn=nosuchgroup,{slapd.groups_base}", f"uid=many7,{slapd.people_base}")]
    with closing(directory_of(slapd)) as directory:
        outcomes = directory.apply(batches)
    assert [number for number, outcome in enumerate(outcomes) if outcome != Done()] == [7]
    seen = slapd.ldapsearch("(provisiondPersonId=many*)", "memberOf")
    assert seen.count(f"memberOf: cn=students,{slapd.groups_base}") == 619
    members = slapd.ldapsearch("(cn=students)", "member")
    assert members.count("member: uid=many") == 619


def test_ldif_says_what_apply_does(slapd: SlapdRig) -> None:
    """`ldapmodify` makes of the LDIF what the adapter makes of the changes."""
    dn = f"uid=shown,{slapd.people_base}"
    mods = (
        Mod(Op.ADD, "cn;lang-zh", ("陳大文",)),
        Mod(Op.REPLACE, "description", (" blanks, and a long value that must be folded " * 4,)),
    )
    changes = [*batch(slapd, "shown"), ModifyEntry("account", dn, "shown", mods)]
    asked = ("(uid=shown)", "cn", "cn;lang-zh", "description", "objectClass", "memberOf")
    with closing(directory_of(slapd)) as directory:
        assert directory.apply([changes]) == [Done()]
        applied = sorted(slapd.ldapsearch(*asked).splitlines())
    slapd.reset()
    done = slapd.client("ldapmodify", given=ldif(changes))
    assert done.returncode == 0, done.stderr
    assert sorted(slapd.ldapsearch(*asked).splitlines()) == applied


def test_check_finds_nothing_wrong(slapd: SlapdRig) -> None:
    with closing(directory_of(slapd)) as directory:
        assert directory.check() == []


def test_check_tells_every_fault_at_once(slapd: SlapdRig) -> None:
    wrong = LdapDirectory(
        slapd.daemon, slapd.base, f"ou=nobody,{slapd.base}", f"ou=nothing,{slapd.base}", slapd.groups_base
    )
    with closing(wrong):
        assert [str(fault).split()[1] for fault in wrong.check()] == [
            f"ou=nobody,{slapd.base}",
            f"ou=nothing,{slapd.base}",
        ]
    (fault,) = directory_of(slapd, replace(slapd.daemon, password=SECRET)).check()
    assert slapd.daemon_dn in str(fault) and isinstance(fault, ConfigError)
    (fault,) = directory_of(slapd, replace(slapd.daemon, urls=("ldap://127.0.0.1:1",))).check()
    assert "127.0.0.1:1" in str(fault) and isinstance(fault, UnavailableError) and not fault.lasts
