"""A private slapd: own folder, own free loopback port, runs as whoever starts it, with an empty cn=config.
`directory init` makes the rest. For the demo and for tests; never touches the machine's own slapd."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

CONFIG_DN = "cn=admin,cn=config"
SCHEMA = Path("/etc/ldap/schema")
_LOADED = ("core", "cosine", "nis", "inetorgperson")
_READY_WITHIN = 20.0  # seconds
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib/openldap"])

_BOOTSTRAP = """\
dn: cn=config
objectClass: olcGlobal
cn: config
olcPidFile: {pid_file}
olcSockbufMaxIncomingAuth: 4194303

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

{includes}

dn: olcDatabase={{-1}}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {{-1}}frontend
olcAccess: to dn.base="" by * read
olcAccess: to dn.base="cn=Subschema" by * read

dn: olcDatabase={{0}}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {{0}}config
olcRootDN: {config_dn}
olcRootPW: {config_hash}
olcAccess: to * by dn.exact={external_dn} manage by * none
"""


def bootstrap_ldif(pid_file: str, config_password: str, external_dn: str) -> str:
    """The least cn=config that `directory init` can work on. `external_dn` may change it over ldapi."""
    return _BOOTSTRAP.format(
        pid_file=pid_file,
        includes="\n".join(f"include: file://{SCHEMA}/{name}.ldif\n" for name in _LOADED),
        config_dn=CONFIG_DN,
        config_hash=_salted(config_password),
        external_dn=external_dn,
    )


def _salted(password: str) -> str:
    """{SSHA}: weak for what people choose, enough for 24 random bytes, and needs no module yet."""
    salt = secrets.token_bytes(8)
    digest = hashlib.sha1(password.encode() + salt, usedforsecurity=False).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode("ascii")


class SlapdError(RuntimeError):
    """The private slapd is not installed or does not start; says why."""


class PrivateSlapd:
    """`folder` is made if missing; one that was used before is started again with what it held."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.config_dn = CONFIG_DN
        self.external_dn = (
            f"gidNumber={os.getegid()}+uidNumber={os.geteuid()},cn=peercred,cn=external,cn=auth"
        )
        self.url = ""
        self.ldapi_url = ""
        self.log_level = "0"
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None

    @property
    def database_directory(self) -> Path:
        return self.folder / "data"

    @property
    def config_password(self) -> str:
        return (self.folder / "config-password").read_text()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Bootstrap where needed, start, and wait until it answers; the same port after a restart."""
        if not (self.folder / "slapd.d").is_dir():
            self._bootstrap()
        self._socket_folder()
        for _ in range(5):  # another program may take the free port before slapd does
            url = self.url or f"ldap://127.0.0.1:{free_port()}"
            if self._try_start(url):
                self.url = url
                return
        raise SlapdError(f"slapd does not start: {self._log_tail()}")

    def stop(self) -> None:
        """A clean end: everything on disk."""
        self._end(signal.SIGTERM)
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None

    def kill(self) -> None:
        """As a power cut would: no clean-up."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self._end(signal.SIGTERM)
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def _bootstrap(self) -> None:
        for part in ("slapd.d.new", "data"):
            (self.folder / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = self.folder / "config-password"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(24))
        ldif = bootstrap_ldif(str(self.folder / "slapd.pid"), self.config_password, self.external_dn)
        _run([program("slapadd"), "-n", "0", "-F", str(self.folder / "slapd.d.new")], ldif)
        # whole or not at all: an interrupted start begins afresh
        (self.folder / "slapd.d.new").rename(self.folder / "slapd.d")

    def _socket_folder(self) -> None:
        """A short path: the name of a socket may have 107 bytes at most."""
        if self._sockets is None:
            self._sockets = Path(tempfile.mkdtemp(prefix="provisiond-"))
            self.ldapi_url = "ldapi://" + quote(str(self._sockets / "ldapi"), safe="")

    def _try_start(self, url: str) -> bool:
        command = [
            program("slapd"),
            "-d",
            self.log_level,
            "-F",
            str(self.folder / "slapd.d"),
            "-h",
            f"{url} {self.ldapi_url}",
        ]
        with (self.folder / "slapd.log").open("ab") as log:
            # a group of its own: Ctrl-C in the terminal is for us, we stop slapd in order
            self._process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        port = int(url.rpartition(":")[2])
        give_up = time.monotonic() + _READY_WITHIN
        while time.monotonic() < give_up and self._process.poll() is None:
            if _answers(port):
                return True
            time.sleep(0.02)
        self._end(signal.SIGTERM)
        return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _log_tail(self) -> str:
        return (self.folder / "slapd.log").read_text(errors="replace")[-2000:]


def program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise SlapdError(f"{name} is not installed: run .ci/install directory")
    return found


def _run(command: list[str], given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SlapdError(f"{Path(command[0]).name}: {done.stderr.strip()}")
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
