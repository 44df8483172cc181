"""What tests of several folders share: the directory rig, and a run that says which one it used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import settings

from tests.rigs.dovecot import DovecotRig
from tests.rigs.ds389 import running_ds389
from tests.rigs.postfix import PostfixRig, running_postfix
from tests.rigs.postgres import PostgresRig, running_postgres
from tests.rigs.slapd import Kind, SlapdRig, chosen_kind, running_rig

_CHOICE = pytest.StashKey[tuple[Kind, str]]()
# How long an example takes tells of the machine, not of us.
settings.register_profile("provisiond", deadline=None)
settings.load_profile("provisiond")
LEFT_OUT = pytest.StashKey[str]()  # why the service on systemd was
_TOLD = "provisiond"  # by a worker to the process that reports


def pytest_sessionfinish(session: pytest.Session) -> None:
    stash = session.config.stash
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_TOLD] = stash.get(_CHOICE, None), stash.get(LEFT_OUT, None)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    chosen, left_out = getattr(node, "workeroutput", {}).get(_TOLD, (None, None))
    if chosen:
        node.config.stash[_CHOICE] = tuple(chosen)
    if left_out:
        node.config.stash[LEFT_OUT] = left_out


def pytest_report_header(config: pytest.Config) -> str:
    wanted = os.environ.get("PROVISIOND_TEST_DIRECTORY", "auto")
    return f"directory for integration tests: {wanted} (chosen when the first test needs it)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if (choice := config.stash.get(_CHOICE, None)) is not None:
        kind, why = choice
        servers = "OpenLDAP and 389 Directory Server"
        where = f"{servers} in containers" if kind == "container" else f"{servers} from Debian, no container"
        terminalreporter.write_line(f"integration tests ran on {where}: {why}")
    if left_out := config.stash.get(LEFT_OUT, None):
        terminalreporter.write_line(f"NOT RUN, it needs containers: the service on systemd ({left_out})")


@pytest.fixture(autouse=True)
def _log_as_at_first() -> Iterator[None]:
    """A command that ran within this process may have told structlog to say nothing."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def slapd_kind(request: pytest.FixtureRequest) -> Kind:
    """Chosen only when a test needs it: unit tests alone start no Docker."""
    return choice(request.config)[0]


def choice(config: pytest.Config) -> tuple[Kind, str]:
    """The kind, and why."""
    if config.stash.get(_CHOICE, None) is None:
        config.stash[_CHOICE] = chosen_kind()
    return config.stash[_CHOICE]


@pytest.fixture(scope="session")
def slapd_server(slapd_kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlapdRig]:
    """One directory for the whole run; tests take `slapd`, which is clean."""
    with running_rig(slapd_kind, tmp_path_factory.mktemp("slapd")) as rig:
        yield rig


@pytest.fixture
def slapd(slapd_server: SlapdRig) -> SlapdRig:
    """The directory after `directory init`, without people, whatever the test before left."""
    slapd_server.reset()
    return slapd_server


@pytest.fixture(scope="session")
def ds389_server(slapd_kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlapdRig]:
    """One 389 Directory Server for the whole run; tests take `ds389`, which is clean."""
    with running_ds389(slapd_kind, tmp_path_factory.mktemp("ds389")) as rig:
        yield rig


@pytest.fixture
def ds389(ds389_server: SlapdRig) -> SlapdRig:
    """The second directory after `directory init`, without people."""
    ds389_server.reset()
    return ds389_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresRig]:
    """One server for the whole run; tests make databases of their own."""
    with running_postgres() as rig:
        yield rig


@pytest.fixture(scope="session")
def postfix() -> Iterator[PostfixRig]:
    """One mail server for the whole run, with mailboxes behind it; tests use addresses of their own."""
    with running_postfix() as rig:
        yield rig


@pytest.fixture(scope="session")
def dovecot(postfix: PostfixRig) -> DovecotRig:
    """The mailboxes; tests use addresses of their own."""
    return postfix.dovecot
