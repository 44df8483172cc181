"""The portal's own identity on a real OpenLDAP: passwords, log-in with and without codes, tokens, and what becomes of
it when the server is away."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from provisiond.adapters.directory.portal import LdapPortalDirectory
from provisiond.domain.changes import Mod, Op
from provisiond.domain.errors import UnavailableError
from provisiond.ports.portal_directory import BindAnswer
from tests.rigs.portal_site import (
    PASSWORD,
    account_dn,
    change,
    enforce,
    make_account,
    portal_directory,
    portal_target,
    token_dn,
)
from tests.rigs.proxy import EXTENDED_REPLIES, Harm, Proxy
from tests.rigs.slapd import SlapdRig

NAME, PERSON = "tmchan", "p1"


@pytest.fixture
def peopled(slapd: SlapdRig) -> SlapdRig:
    make_account(slapd, NAME, PERSON)
    return slapd


@pytest.fixture
def directory(peopled: SlapdRig) -> Iterator[LdapPortalDirectory]:
    with closing(portal_directory(peopled)) as directory:
        yield directory


def password_hash(rig: SlapdRig, dn: str) -> str:
    line = rig.ldapsearch("-b", dn, "userPassword").split("userPassword:: ")[1]
    return base64.b64decode(line.split()[0]).decode()


def parameters(hashed: str) -> list[str]:
    """Scheme, version and cost, without salt and digest."""
    return hashed.split("$")[:-2]


def test_the_server_hashes_and_a_name_that_is_not_there_costs_the_same_hash(
    peopled: SlapdRig, directory: LdapPortalDirectory
) -> None:
    """Argon2 with the parameters of modules.ldif, for the person and for nobody alike."""
    directory.set_password(PERSON, PASSWORD)

    set_ = password_hash(peopled, account_dn(peopled, NAME))
    assert parameters(set_) == ["{ARGON2}", "argon2i", "v=19", "m=19456,t=3,p=1"]
    assert parameters(password_hash(peopled, f"uid=nobody,ou=services,{peopled.base}")) == parameters(set_)


@pytest.mark.parametrize("name", ["nobody.at.all", "pending", "ended"])
def test_whoever_has_no_password_to_check_is_checked_against_nobody(
    peopled: SlapdRig, directory: LdapPortalDirectory, name: str
) -> None:
    """The server noted the failure there: it did the work of a wrong password."""
    make_account(peopled, "pending", "p2", "pending")
    make_account(peopled, "ended", "p3", "alumni")
    change(peopled, account_dn(peopled, "ended"), Mod(Op.REPLACE, "pwdEndTime", ("20200101000000Z",)))
    nobody = ("-b", f"uid=nobody,ou=services,{peopled.base}", "pwdFailureTime")
    before = peopled.ldapsearch(*nobody)

    assert directory.bind(name, PASSWORD) is not BindAnswer.RIGHT

    assert peopled.ldapsearch(*nobody) != before


def test_a_pending_account_with_a_password_lets_in(peopled: SlapdRig, directory: LdapPortalDirectory) -> None:
    """One that was adopted kept it."""
    make_account(peopled, "adopted", "p2", "pending")
    directory.set_password("p2", PASSWORD)

    assert directory.bind("adopted", PASSWORD) is BindAnswer.RIGHT


def test_an_account_of_others_is_not_let_in(peopled: SlapdRig, directory: LdapPortalDirectory) -> None:
    """An entry without our mark may have a password: the portal is not its door."""
    dn = f"uid=staff,{peopled.people_base}"
    entry = f"dn: {dn}\nobjectClass: inetOrgPerson\nuid: staff\ncn: s\nsn: s\nuserPassword: {PASSWORD}\n"
    assert peopled.client("ldapadd", given=entry).returncode == 0

    assert directory.bind("staff", PASSWORD) is BindAnswer.WRONG


@pytest.mark.parametrize(
    "name", ["*", "tmch*", "tmchan)(uid=*", "tmchan\0", "\udc00", "", "陳大文", "(", "\\2a"]
)
def test_a_strange_name_is_a_wrong_one(directory: LdapPortalDirectory, name: str) -> None:
    """Nothing in a name means anything to the search."""
    directory.set_password(PERSON, PASSWORD)

    assert directory.bind(name, PASSWORD) is BindAnswer.WRONG


def test_after_twenty_wrong_passwords_the_server_pauses(directory: LdapPortalDirectory) -> None:
    """Its own brake on guessing; whoever knows the password is told that it is a pause."""
    directory.set_password(PERSON, PASSWORD)
    for _ in range(20):
        assert directory.bind(NAME, "a wrong password") is BindAnswer.WRONG

    assert directory.bind(NAME, PASSWORD) is BindAnswer.BLOCKED


def test_a_removed_token_closes_the_door(peopled: SlapdRig, directory: LdapPortalDirectory) -> None:
    """A link to a token that is not there: the server lets nobody in by the password alone."""
    directory.set_password(PERSON, PASSWORD)
    enforce(peopled, NAME, PERSON)

    assert directory.bind(NAME, PASSWORD) is BindAnswer.WRONG


def test_sixteen_at_once(peopled: SlapdRig, directory: LdapPortalDirectory) -> None:
    """Each thread has a session of its own; no answer goes to another."""
    people = [(f"student{n}", f"s{n}") for n in range(16)]
    for name, person_id in people:
        make_account(peopled, name, person_id)

    def life(name: str, person_id: str) -> tuple[object, ...]:
        own = secrets.token_urlsafe(12)
        set_ = directory.set_password(person_id, own)
        shown = directory.shown(person_id)
        return set_, directory.bind(name, own), directory.bind(name, PASSWORD), shown and shown.mail

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(life, *zip(*people, strict=True)))

    assert answers == [
        (None, BindAnswer.RIGHT, BindAnswer.WRONG, (f"{name}@connect.example.edu",)) for name, _ in people
    ]


def test_a_restart_of_the_server_is_not_noticed(peopled: SlapdRig, directory: LdapPortalDirectory) -> None:
    """Kept sessions broke with it: a look before each change finds that out."""
    assert directory.shown(PERSON) is not None

    peopled.restart()

    assert directory.set_password(PERSON, PASSWORD) is None
    peopled.restart()
    assert directory.bind(NAME, PASSWORD) is BindAnswer.RIGHT


def test_a_server_that_is_away_is_told_without_a_secret(peopled: SlapdRig) -> None:
    """The reason names the server; neither our password nor the person's is in it."""
    target = replace(portal_target(peopled), urls=("ldap://127.0.0.1:1",))
    with closing(portal_directory(peopled, target)) as directory:
        for act in (
            lambda: directory.set_password(PERSON, PASSWORD),
            lambda: directory.bind(NAME, PASSWORD, "123456"),
            lambda: directory.put_token(PERSON, b"a secret of octets"),
        ):
            with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1") as raised:
                act()
            told = f"{raised.value!r} {raised.value.__cause__!r} {directory!r} {vars(directory)!r}"
            for secret in (PASSWORD, "123456", "a secret", target.password or ""):
                assert secret not in told


def test_the_next_server_is_used(peopled: SlapdRig) -> None:
    """For reading, for changes and for people's own binds."""
    target = replace(portal_target(peopled), urls=("ldap://127.0.0.1:1", peopled.url))
    with closing(portal_directory(peopled, target)) as directory:
        assert directory.set_password(PERSON, PASSWORD) is None
        assert directory.bind(NAME, PASSWORD) is BindAnswer.RIGHT


def test_a_wrong_password_of_our_own_is_a_fault_of_ours(peopled: SlapdRig) -> None:
    """To people it is the same as a server that is away; it is not tried for ever, which could lock the identity."""
    target = replace(portal_target(peopled), password="not the portal's password")
    with closing(portal_directory(peopled, target)) as directory:
        for _ in range(5):
            with pytest.raises(UnavailableError, match=r"uid=portal") as raised:
                directory.shown(PERSON)
        assert "not tried again" in str(raised.value)


@pytest.fixture
def lossy(peopled: SlapdRig) -> Iterator[Proxy]:
    with Proxy(peopled.url, harmed=EXTENDED_REPLIES) as proxy:
        yield proxy


def test_a_password_whose_reply_was_lost_is_verified_and_not_set_again(
    peopled: SlapdRig, lossy: Proxy
) -> None:
    """The server has set it: the person's own bind shows that. The one request more is who-am-I of a new session."""
    with closing(portal_directory(peopled, replace(portal_target(peopled), urls=(lossy.url,)))) as directory:
        assert directory.shown(PERSON) is not None
        before = lossy.counted["extended"]
        lossy.harm, lossy.shots = Harm(close=1.0), 1

        assert directory.set_password(PERSON, PASSWORD) is None

        assert lossy.counted["extended"] == before + 2
        assert directory.bind(NAME, PASSWORD) is BindAnswer.RIGHT


def test_a_refused_password_whose_reply_was_lost_is_not_taken_for_set(
    peopled: SlapdRig, lossy: Proxy
) -> None:
    """Nothing shows that it holds: the person is asked to try again."""
    with closing(portal_directory(peopled, replace(portal_target(peopled), urls=(lossy.url,)))) as directory:
        assert directory.shown(PERSON) is not None
        lossy.harm, lossy.shots = Harm(close=1.0), 1

        with pytest.raises(UnavailableError, match="not known"):
            directory.set_password(PERSON, "short")


def test_a_token_whose_reply_was_lost_is_not_written_again(peopled: SlapdRig) -> None:
    """Whether it is there is not known; it may be written anew when somebody asks for that."""
    with Proxy(peopled.url) as lossy:
        target = replace(portal_target(peopled), urls=(lossy.url,))
        with closing(portal_directory(peopled, target)) as directory:
            assert directory.shown(PERSON) is not None
            lossy.harm, lossy.shots = Harm(close=1.0), 1

            with pytest.raises(UnavailableError, match="not known"):
                directory.put_token(PERSON, secrets.token_bytes(20))

            assert peopled.ldapsearch("-b", token_dn(peopled, PERSON), "dn").count("dn:") == 1
            directory.put_token(PERSON, secrets.token_bytes(20))
