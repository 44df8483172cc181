"""What the portal relies on in its directory, on the fake and on a real OpenLDAP."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import pyotp
import pytest

from provisiond.domain.changes import Mod, Op
from provisiond.domain.errors import UnavailableError
from provisiond.ports.portal_directory import BindAnswer, PasswordRefusal, PortalDirectory
from tests.rigs.portal_directory import FakePortalDirectory
from tests.rigs.portal_site import PASSWORD, account_dn, change, enforce, make_account, portal_directory
from tests.rigs.slapd import SlapdRig

NAME, PERSON = "tmchan", "p1"


@dataclass(frozen=True)
class Portal:
    """A directory with one account, and what the daemon does to it."""

    directory: PortalDirectory
    enforce: Callable[[], None]
    end: Callable[[], None]


def _fake() -> Portal:
    fake = FakePortalDirectory()
    account = fake.make(NAME, PERSON)

    def enforce_() -> None:
        account.enforced = True

    def end() -> None:
        account.ended = True

    return Portal(fake, enforce_, end)


@pytest.fixture(params=["fake", "openldap"])
def portal(request: pytest.FixtureRequest) -> Iterator[Portal]:
    if request.param == "fake":
        yield _fake()
        return
    rig: SlapdRig = request.getfixturevalue("slapd")
    make_account(rig, NAME, PERSON)
    ended = Mod(Op.REPLACE, "pwdEndTime", ("20200101000000Z",))
    with closing(portal_directory(rig)) as directory:
        yield Portal(
            directory,
            lambda: enforce(rig, NAME, PERSON),
            lambda: change(rig, account_dn(rig, NAME), ended),
        )


class Phone:
    """An authenticator: codes of the present step and of those about it."""

    def __init__(self) -> None:
        self.secret = secrets.token_bytes(20)
        self._totp = pyotp.TOTP(base64.b32encode(self.secret).decode())
        self._begun = self._totp.timecode(datetime.now(UTC))

    def code(self, steps: int = 0) -> str:
        return self._totp.generate_otp(self._begun + steps)


def test_a_password_that_was_set_lets_in(portal: Portal) -> None:
    """And no other one, and nobody else."""
    assert portal.directory.bind(NAME, PASSWORD) is BindAnswer.WRONG

    assert portal.directory.set_password(PERSON, PASSWORD) is None

    assert portal.directory.bind(NAME, PASSWORD) is BindAnswer.RIGHT
    assert portal.directory.bind(NAME, PASSWORD + "x") is BindAnswer.WRONG
    assert portal.directory.bind("sbelse", PASSWORD) is BindAnswer.WRONG


def test_the_new_password_takes_the_place_of_the_old_one(portal: Portal) -> None:
    portal.directory.set_password(PERSON, PASSWORD)

    assert portal.directory.set_password(PERSON, "another horse, another staple") is None

    assert portal.directory.bind(NAME, PASSWORD) is BindAnswer.WRONG
    assert portal.directory.bind(NAME, "another horse, another staple") is BindAnswer.RIGHT


def test_any_letters_make_a_password(portal: Portal) -> None:
    """Chinese characters, blanks at the ends, what filters and names would take for something else."""
    password = " 正確的馬電池釘書釘 *)(,=\\ "

    assert portal.directory.set_password(PERSON, password) is None

    assert portal.directory.bind(NAME, password) is BindAnswer.RIGHT
    assert portal.directory.bind(NAME, password.strip()) is BindAnswer.WRONG


def test_a_short_password_is_refused_with_the_reason(portal: Portal) -> None:
    """Eleven characters; what was before holds."""
    portal.directory.set_password(PERSON, PASSWORD)

    assert portal.directory.set_password(PERSON, "eleven char") is PasswordRefusal.TOO_SHORT

    assert portal.directory.bind(NAME, PASSWORD) is BindAnswer.RIGHT


def test_an_account_that_is_not_there_yet_takes_no_password(portal: Portal) -> None:
    """The daemon has not made it: later it will be there."""
    with pytest.raises(UnavailableError, match="not there yet"):
        portal.directory.set_password("p2", PASSWORD)


@pytest.mark.parametrize("name", [NAME, "sbelse", ""])
@pytest.mark.parametrize("code", [None, "123456"])
def test_an_empty_password_lets_nobody_in(portal: Portal, name: str, code: str | None) -> None:
    """Servers take it for an anonymous bind, which succeeds."""
    assert portal.directory.bind(name, "", code) is BindAnswer.WRONG
    assert portal.directory.set_password(PERSON, "") is PasswordRefusal.QUALITY


def test_an_ended_account_lets_nobody_in(portal: Portal) -> None:
    """Whether the password is right is not told."""
    portal.directory.set_password(PERSON, PASSWORD)
    portal.end()

    assert portal.directory.bind(NAME, PASSWORD) is BindAnswer.BLOCKED
    assert portal.directory.bind(NAME, "a wrong password") is BindAnswer.BLOCKED


def test_a_token_alone_asks_for_no_code(portal: Portal) -> None:
    """It waits until the daemon links the account to it; a code that is given all the same does no harm."""
    portal.directory.set_password(PERSON, PASSWORD)
    portal.directory.put_token(PERSON, Phone().secret)

    assert not portal.directory.is_enforced(PERSON)
    assert portal.directory.bind(NAME, PASSWORD) is BindAnswer.RIGHT
    assert portal.directory.bind(NAME, PASSWORD, "000000") is BindAnswer.RIGHT


def test_an_enforced_code_is_asked_for_and_counts_once(portal: Portal) -> None:
    """The password alone, another phone's code and a code that was used are wrong."""
    phone = Phone()
    portal.directory.set_password(PERSON, PASSWORD)
    portal.directory.put_token(PERSON, phone.secret)
    portal.enforce()

    assert portal.directory.is_enforced(PERSON)
    assert portal.directory.bind(NAME, PASSWORD) is BindAnswer.WRONG
    assert portal.directory.bind(NAME, PASSWORD, Phone().code()) is BindAnswer.WRONG
    assert portal.directory.bind(NAME, PASSWORD, phone.code()) is BindAnswer.RIGHT
    assert portal.directory.bind(NAME, PASSWORD, phone.code()) is BindAnswer.WRONG


def test_the_server_takes_the_step_after_and_then_no_earlier_one(portal: Portal) -> None:
    """A clock may be half a minute fast; what the portal computes itself, of the next step, is taken too."""
    phone = Phone()
    portal.directory.set_password(PERSON, PASSWORD)
    portal.directory.put_token(PERSON, phone.secret)
    portal.enforce()

    assert portal.directory.bind(NAME, PASSWORD, phone.code(1)) is BindAnswer.RIGHT
    assert portal.directory.bind(NAME, PASSWORD, phone.code(0)) is BindAnswer.WRONG
    assert portal.directory.bind(NAME, PASSWORD, phone.code(-1)) is BindAnswer.WRONG


def test_the_server_follows_a_clock_that_is_ahead(portal: Portal) -> None:
    """Each code that it takes moves the steps that it takes next: codes that the portal computes itself are of the
    present step, or phones that are a little slow would fall out."""
    phone = Phone()
    portal.directory.set_password(PERSON, PASSWORD)
    portal.directory.put_token(PERSON, phone.secret)
    portal.enforce()

    assert portal.directory.bind(NAME, PASSWORD, phone.code(1)) is BindAnswer.RIGHT
    assert portal.directory.bind(NAME, PASSWORD, phone.code(2)) is BindAnswer.RIGHT


def test_a_code_far_from_now_is_wrong(portal: Portal) -> None:
    """Three steps before and after."""
    phone = Phone()
    portal.directory.set_password(PERSON, PASSWORD)
    portal.directory.put_token(PERSON, phone.secret)
    portal.enforce()

    assert portal.directory.bind(NAME, PASSWORD, phone.code(-3)) is BindAnswer.WRONG
    assert portal.directory.bind(NAME, PASSWORD, phone.code(4)) is BindAnswer.WRONG


def test_a_new_phone_takes_the_place_of_the_old_one_at_once(portal: Portal) -> None:
    """Its code of the step in which the old one's was used counts."""
    old, new = Phone(), Phone()
    portal.directory.set_password(PERSON, PASSWORD)
    portal.directory.put_token(PERSON, old.secret)
    portal.enforce()
    assert portal.directory.bind(NAME, PASSWORD, old.code(1)) is BindAnswer.RIGHT

    portal.directory.put_token(PERSON, new.secret)

    assert portal.directory.bind(NAME, PASSWORD, old.code(1)) is BindAnswer.WRONG
    assert portal.directory.bind(NAME, PASSWORD, new.code(1)) is BindAnswer.RIGHT


def test_what_is_shown_of_an_account(portal: Portal) -> None:
    shown = portal.directory.shown(PERSON)

    assert shown is not None
    assert shown.dn.startswith(f"uid={NAME},")
    assert (shown.state, set(shown.groups), shown.quota_bytes) == ("active", {"students"}, 5368709120)
    assert (shown.mail, shown.display_name) == (("tmchan@connect.example.edu",), "Peter tmchan")
    assert portal.directory.shown("p2") is None
    assert not portal.directory.is_enforced("p2")
