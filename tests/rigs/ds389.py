"""A real 389 Directory Server for tests, set up by `directory init`: in a container, or, where containers cannot
run, as a process of Debian's package. Both begin with ds389.sh; the same tests run on both."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provisiond.adapters.directory.session import LdapTarget, open_session
from provisiond.adapters.directory.setup_ds389 import run_ds389_setup
from provisiond.demo.slapd import free_port
from provisiond.domain.errors import ProvisiondError
from tests.rigs.container import ContainerSlapd, built_image
from tests.rigs.slapd import Kind, Server, SlapdRig, layout

IMAGE = "provisiond-test-389ds"
ROOT_DN = "cn=Directory Manager"
_RIGS = Path(__file__).resolve().parent
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
_READY_WITHIN = 60.0  # seconds


class ContainerDs389(ContainerSlapd):
    """One container; the port is the same after a restart."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.config_dn = ROOT_DN
        self.external_dn = ""

    def _described(self) -> Any:
        from testcontainers.core.container import DockerContainer

        image = built_image(IMAGE, "ds389.Dockerfile", "directory-389")
        return DockerContainer(image).with_env("ROOT_HASH", _hashed(self.config_password))


class LocalDs389:
    """A process of our own. Its folder is not the test's: root gives the serving over to another user, who could
    not reach that one."""

    def __init__(self) -> None:
        self.config_dn = ROOT_DN
        self.config_password = secrets.token_urlsafe(24)
        self.external_dn = self.ldapi_url = ""
        self.url = ""
        self.database_directory = Path("/")  # its own business
        self._folder = tempfile.TemporaryDirectory(prefix="provisiond-ds389-", ignore_cleanup_errors=True)
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if shutil.which("ns-slapd", path=_PATH) is None:
            subprocess.run([_RIGS.parents[1] / ".ci" / "install", "directory-389"], check=True)
        Path(self._folder.name).chmod(0o755)
        self.url = f"ldap://127.0.0.1:{self._port}"
        given = {"PORT": str(self._port), "LISTEN": "127.0.0.1", "ROOT_HASH": _hashed(self.config_password)}
        self._process = subprocess.Popen(
            ["sh", str(_RIGS / "ds389.sh")],
            env={**os.environ, **given, "FOLDER": f"{self._folder.name}/server"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait()

    def stop(self) -> None:
        self._end(signal.SIGTERM)
        self._folder.cleanup()

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self._end(signal.SIGTERM)
        self.start()

    def _wait(self) -> None:
        target = LdapTarget((self.url,), "simple", self.config_dn, self.config_password)
        give_up = time.monotonic() + _READY_WITHIN
        while True:
            try:
                open_session(target).close()
            except ProvisiondError:
                if time.monotonic() > give_up or (self._process and self._process.poll() is not None):
                    raise
                time.sleep(0.1)
            else:
                return

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=60)
            self._process = None


@contextmanager
def empty_ds389(kind: Kind, folder: Path) -> Iterator[Server]:
    """A server with nothing but cn=config."""
    server: Server = ContainerDs389(folder) if kind == "container" else LocalDs389()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def running_ds389(kind: Kind, folder: Path) -> Iterator[SlapdRig]:
    """A server after `directory init`."""
    with empty_ds389(kind, folder) as server:
        rig = SlapdRig(server, kind, layout(str(server.database_directory)))
        run_ds389_setup(rig.admin, rig.layout, lambda _: None)
        yield rig


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(8)
    digest = hashlib.sha512(password.encode() + salt).digest()
    return "{SSHA512}" + base64.b64encode(digest + salt).decode("ascii")
