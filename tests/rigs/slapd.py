"""A real OpenLDAP for tests, set up by `directory init`: in a container of our own image, or, where
containers cannot run, as a private process. The same tests run on both."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from provisiond.adapters.directory import messages
from provisiond.adapters.directory.session import LdapTarget, Session, open_session
from provisiond.adapters.directory.setup import DirectoryLayout, run_setup
from provisiond.demo.slapd import PrivateSlapd, SlapdError
from provisiond.domain.changes import Mod, Op

BASE = "dc=example,dc=edu"
GROUPS = ("students", "postgraduates", "library", "alumni", "mail")
Kind = Literal["container", "local"]


class Server(Protocol):
    """What the rig needs of a slapd, wherever it runs."""

    url: str
    ldapi_url: str
    config_dn: str
    external_dn: str

    @property
    def config_password(self) -> str: ...
    @property
    def database_directory(self) -> Path: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...


@dataclass(frozen=True)
class SlapdRig:
    """A running directory. The rootdn of the tree is the configuration's: `config_dn`."""

    server: Server
    kind: Kind
    layout: DirectoryLayout = field(repr=False)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def ldapi_url(self) -> str:
        return self.server.ldapi_url

    @property
    def external_dn(self) -> str:
        """Who we are over ldapi with SASL EXTERNAL."""
        return self.server.external_dn

    @property
    def base(self) -> str:
        return self.layout.base

    @property
    def config_dn(self) -> str:
        return self.server.config_dn

    @property
    def config_password(self) -> str:
        return self.server.config_password

    @property
    def daemon_dn(self) -> str:
        return self.layout.daemon_dn

    @property
    def daemon_password(self) -> str:
        return self.layout.daemon_password or ""

    @property
    def people_base(self) -> str:
        return f"ou=people,{self.base}"

    @property
    def contacts_base(self) -> str:
        return f"ou=contacts,{self.base}"

    @property
    def groups_base(self) -> str:
        return f"ou=groups,{self.base}"

    @property
    def admin(self) -> LdapTarget:
        return LdapTarget((self.url,), "simple", self.config_dn, self.config_password)

    @property
    def daemon(self) -> LdapTarget:
        return LdapTarget((self.url,), "simple", self.daemon_dn, self.daemon_password)

    def ldapsearch(self, *arguments: str) -> str:
        """The real binary as rootdn, base `base` unless -b is among the arguments: unfolded LDIF."""
        where = () if "-b" in arguments else ("-b", self.base)
        done = self.client("ldapsearch", "-LLL", "-o", "ldif-wrap=no", *where, *arguments)
        if done.returncode:
            raise AssertionError(f"ldapsearch: {done.stderr}")
        return done.stdout

    def client(
        self, program: str, *arguments: str, given: str = "", who: tuple[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """An OpenLDAP client program; `who` is DN and password (default: rootdn), ("", "") is anonymous."""
        dn, password = who or (self.config_dn, self.config_password)
        identity = ["-D", dn, "-w", password] if dn else []
        command = [program, "-x", "-H", self.url, *identity, *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=120)

    def reset(self) -> None:
        """Empties people, contacts and tokens, and leaves each group its placeholder only."""
        session = open_session(self.admin)
        try:
            self._restore_groups(session)
            for base in (self.people_base, self.contacts_base, f"ou=tokens,{self.base}"):
                if session.exists(base):  # 389-DS has no tokens
                    _empty(session, base)
        finally:
            session.close()

    def _restore_groups(self, session: Session) -> None:
        shipped = {f"cn={name},{self.groups_base}".lower() for name in self.layout.groups}
        for entry in session.search(self.groups_base, "(objectClass=groupOfNames)", ["member"]):
            if entry.dn.lower() not in shipped:
                _delete(session, entry.dn)
            elif len(entry.attributes["member"]) > 1:
                session.modify(entry.dn, [Mod(Op.REPLACE, "member", (self.daemon_dn,))], None)

    def restart(self) -> None:
        self.server.restart()

    def kill(self) -> None:
        """kill -9; `start` brings it back on the same port."""
        self.server.kill()

    def start(self) -> None:
        self.server.start()


def layout(database_directory: str, base: str = BASE) -> DirectoryLayout:
    services = f"ou=services,{base}"
    return DirectoryLayout(
        base=base,
        organisation="Example University 示例大學",
        daemon_dn=f"uid=provisiond,{services}",
        daemon_password=secrets.token_urlsafe(18),
        portal_dn=f"uid=portal,{services}",
        portal_password=secrets.token_urlsafe(18),
        listing_reader_dn=f"uid=directory-reader,{services}",
        listing_reader_password=secrets.token_urlsafe(18),
        groups=GROUPS,
        database_directory=database_directory,
    )


@contextmanager
def empty_server(kind: Kind, folder: Path) -> Iterator[Server]:
    """A slapd with nothing but cn=config."""
    server = _server(kind, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def running_rig(kind: Kind, folder: Path) -> Iterator[SlapdRig]:
    """A slapd after `directory init`."""
    with empty_server(kind, folder) as server:
        rig = SlapdRig(server, kind, layout(str(server.database_directory)))
        run_setup(rig.admin, rig.layout, lambda _: None)
        yield rig


def _server(kind: Kind, folder: Path) -> Server:
    if kind == "local":
        return PrivateSlapd(folder)
    from tests.rigs.container import ContainerSlapd

    return ContainerSlapd(folder)


def chosen_kind() -> tuple[Kind, str]:
    """Container or local, and why. PROVISIOND_TEST_DIRECTORY=local|container|auto overrides."""
    wanted = os.environ.get("PROVISIOND_TEST_DIRECTORY", "auto")
    if wanted == "local":
        return "local", "PROVISIOND_TEST_DIRECTORY=local"
    reason = _no_containers()
    if reason is None:
        return "container", "image built from tests/rigs/Dockerfile"
    if wanted == "container":
        raise SlapdError(f"PROVISIOND_TEST_DIRECTORY=container, but {reason}")
    return "local", reason


def _no_containers() -> str | None:
    """Why no container can run; None when one can."""
    if shutil.which("docker") is None:
        return "Docker is not installed"
    from tests.rigs.container import trial

    return trial()


def _empty(session: Session, base: str) -> None:
    for entry in sorted(session.search(base, "(objectClass=*)", ["1.1"]), key=lambda e: -len(e.dn)):
        if entry.dn.lower() != base.lower():
            _delete(session, entry.dn)


def _delete(session: Session, dn: str) -> None:
    session._ask(messages.delete(dn))
