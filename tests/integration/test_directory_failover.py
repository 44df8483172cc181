"""Several servers, and servers that come and go: which one is used, how often one is tried, and when its return
is noticed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from provisiond.adapters.directory.failover import LONGEST_WAIT, Servers
from provisiond.adapters.directory.session import LdapTarget, open_session
from provisiond.domain.changes import Mod, Op
from provisiond.domain.errors import ConfigError, UnavailableError
from provisiond.ports import Done
from tests.rigs.audited import configure, directory_of, newcomer, people
from tests.rigs.proxy import Proxy
from tests.rigs.slapd import SlapdRig, running_rig

NUMBERS = itertools.count(1)
REFUSING = "ldap://127.0.0.1:1"


@dataclass
class SteppedClock:
    """Time passes only by waiting."""

    at: float = 0.0

    def now(self) -> float:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SlapdRig, SlapdRig]]:
    """Two directories of the same university, with the same passwords."""
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(running_rig("local", tmp_path_factory.mktemp("slapd"))) for _ in range(2)
        )
        with closing(open_session(second.admin)) as session:
            password = Mod(Op.REPLACE, "userPassword", (first.daemon_password,))
            assert session.modify(second.daemon_dn, [password], None).code == 0
        yield first, second


def both(two: tuple[SlapdRig, SlapdRig]) -> LdapTarget:
    first, second = two
    return replace(first.daemon, urls=(first.url, second.url), receive_timeout=2)


def name() -> str:
    return f"roamer{next(NUMBERS)}"


def test_goes_on_with_the_second_server_and_stays(two: tuple[SlapdRig, SlapdRig]) -> None:
    """The first dies: the second serves, and goes on to do so when the first is back, until it dies itself."""
    first, second = two
    names = [name() for _ in range(4)]
    with closing(directory_of(first, both(two))) as directory:
        assert directory.apply([newcomer(first, names[0])]) == [Done()]
        first.kill()
        assert directory.apply([newcomer(first, names[1])]) == [Done()]
        first.start()
        assert directory.apply([newcomer(first, names[2])]) == [Done()]
        second.kill()
        assert directory.apply([newcomer(first, names[3])]) == [Done()]
        second.start()
    assert set(names) & set(people(first)) == {names[0], names[3]}
    assert set(names) & set(people(second)) == {names[1], names[2]}


def test_a_read_only_server_is_passed_over_for_writes(two: tuple[SlapdRig, SlapdRig]) -> None:
    """It is read from; changes go to the next one, without one being lost or sent to both."""
    first, second = two
    names = [name() for _ in range(100)]
    configure(first, Mod(Op.REPLACE, "olcReadOnly", ("TRUE",)))
    try:
        with closing(directory_of(first, both(two))) as directory:
            assert directory.observe({names[0]: ""})[names[0]].account is None
            assert directory.apply([newcomer(first, each) for each in names]) == [Done()] * 100
        with closing(directory_of(first)) as directory, pytest.raises(UnavailableError) as caught:
            directory.apply([newcomer(first, each) for each in names])
    finally:
        configure(first, Mod(Op.REPLACE, "olcReadOnly", ("FALSE",)))
    assert first.url in str(caught.value) and "takes no changes" in str(caught.value)
    assert not set(names) & set(people(first))
    assert set(names) <= set(people(second))
    with closing(directory_of(first)) as directory:
        assert directory.apply([newcomer(first, each) for each in names]) == [Done()] * 100


def test_a_replica_refers_and_the_provider_is_asked(two: tuple[SlapdRig, SlapdRig]) -> None:
    """The first follows the second (syncrepl) and answers every change with a referral."""
    first, second = two
    follow = (
        f"rid=001 provider={second.url} type=refreshAndPersist searchbase={second.base} retry=1,+"
        f" bindmethod=simple binddn={second.config_dn} credentials={second.config_password}"
    )
    configure(first, Mod(Op.ADD, "olcSyncrepl", (follow.replace("retry=1,+", 'retry="1 +"'),)))
    configure(first, Mod(Op.ADD, "olcUpdateRef", (second.url,)))
    newly = name()
    try:
        with closing(directory_of(first, both(two))) as directory:
            assert directory.apply([newcomer(first, newly)]) == [Done()]
        with closing(directory_of(first)) as alone, pytest.raises(UnavailableError, match="referral"):
            alone.apply([newcomer(first, name())])
    finally:
        configure(first, Mod(Op.REPLACE, "olcUpdateRef", ()), Mod(Op.REPLACE, "olcSyncrepl", ()))
    assert newly in people(second)


def test_a_wrong_password_is_tried_three_times_in_all(two: tuple[SlapdRig, SlapdRig]) -> None:
    """Then it is told without asking any server."""
    first, second = two
    with Proxy(first.url) as front, Proxy(second.url) as other:
        target = replace(both(two), urls=(front.url, other.url), password="wrong-but-long-enough")
        with closing(directory_of(first, target)) as directory:
            for _ in range(5):
                with pytest.raises(ConfigError) as caught:
                    directory.observe({"x": "x"})
            assert "was refused 3 times" in str(caught.value)
            (fault,) = directory.check()
            assert "directory.password_file" in str(fault)
        assert (front.counted["binds"], other.counted["binds"]) == (3, 0)


def test_a_password_changed_meanwhile_leaves_nobody_anonymous(two: tuple[SlapdRig, SlapdRig]) -> None:
    """The next connection is refused and told, also in the middle of writing; nothing is read as nobody."""
    first, _ = two
    newly = name()
    with closing(directory_of(first)) as directory, closing(open_session(first.admin)) as operators:
        assert directory.apply([newcomer(first, newly)]) == [Done()]
        change = [Mod(Op.REPLACE, "userPassword", ("another-one-16-long",))]
        assert operators.modify(first.daemon_dn, change, None).code == 0
        first.restart()
        with pytest.raises(ConfigError, match="does not accept the password"):
            directory.observe({newly: newly})
    with closing(open_session(first.admin)) as operators:
        change = [Mod(Op.REPLACE, "userPassword", (first.daemon_password,))]
        assert operators.modify(first.daemon_dn, change, None).code == 0


def test_a_connection_that_became_anonymous_is_replaced_before_a_write(
    two: tuple[SlapdRig, SlapdRig],
) -> None:
    first, _ = two
    newly = name()
    with closing(directory_of(first)) as directory:
        directory.observe({newly: newly})
        session = directory._session
        assert session is not None

        def forget_us(connection: Any) -> Any:
            connection.user, connection.authentication = None, "ANONYMOUS"
            return connection.bind(read_server_info=False)

        session._call(forget_us)
        assert session.who_am_i() == ""
        assert directory.apply([newcomer(first, newly)]) == [Done()]
    assert newly in people(first)


def test_backs_off_and_is_there_again_within_ten_seconds(two: tuple[SlapdRig, SlapdRig]) -> None:
    """Of a host that is down, few tries are made; once it is back, none is more than LONGEST_WAIT away."""
    first, second = two
    clock = SteppedClock()
    servers = Servers(replace(both(two), patience=60), clock.now, clock.wait)
    tried: list[float] = []

    def wait(seconds: float) -> None:
        tried.append(clock.now())
        clock.wait(seconds)
        if clock.now() > 30 and len(tried) < 100:
            second.start()
            tried.extend([0] * 100)

    servers.wait = wait
    first.kill()
    second.kill()
    try:
        servers.open_again().close()
    finally:
        first.start()
    times = [each for each in tried if each]
    assert len(times) < 40
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) <= LONGEST_WAIT
    assert clock.now() < 30 + LONGEST_WAIT + 1


def test_without_patience_it_is_told_at_once_with_the_reason_of_each(two: tuple[SlapdRig, SlapdRig]) -> None:
    first, _ = two
    target = replace(first.daemon, urls=(REFUSING, "ldap://127.0.0.1:2"), patience=0)
    with closing(directory_of(first, target)) as directory, pytest.raises(UnavailableError) as caught:
        directory.apply([newcomer(first, "nowhere")])
    assert "127.0.0.1:1" in str(caught.value) and "127.0.0.1:2" in str(caught.value)


def test_check_names_a_server_that_is_passed_over(two: tuple[SlapdRig, SlapdRig]) -> None:
    first, _ = two
    with closing(directory_of(first, replace(first.daemon, urls=(REFUSING, first.url)))) as directory:
        (told,) = directory.check()
    assert REFUSING in str(told) and "another one is used" in str(told)
    with closing(directory_of(first, both(two))) as directory:
        assert directory.check() == []
