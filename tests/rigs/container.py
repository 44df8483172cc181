"""OpenLDAP in a container of the image that tests/rigs/Dockerfile describes: testcontainers, loopback only.
Decides nothing about the directory in it: that is `directory init`'s."""

from __future__ import annotations

import functools
import os
import secrets
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from provisiond.adapters.directory.session import LdapTarget, open_session
from provisiond.demo.slapd import CONFIG_DN, bootstrap_ldif, free_port
from provisiond.domain.errors import ProvisiondError

IMAGE = "provisiond-test-openldap"
_ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = {
    "TESTCONTAINERS_RYUK_DISABLED": "true",  # its image cannot be pulled everywhere; we stop what we start
    "TESTCONTAINERS_CONNECTION_MODE": "docker_host",  # with TC_HOST: stay on loopback
    "TC_HOST": "127.0.0.1",
}


class ContainerSlapd:
    """One container; the port is ours to choose, so that it is the same after a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_dn = CONFIG_DN
        self.config_password = secrets.token_urlsafe(24)
        self.external_dn = (
            f"gidNumber={os.getegid()}+uidNumber={os.geteuid()},cn=peercred,cn=external,cn=auth"
        )
        self.database_directory = Path("/var/lib/ldap")
        self.url = ""
        self.ldapi_url = ""
        self._container: Any = None
        self._sockets = tempfile.TemporaryDirectory(prefix="provisiond-")

    def start(self) -> None:
        if self._container is None:
            self._create()
        else:
            self._container.get_wrapped_container().start()
        self._wait()

    def stop(self) -> None:
        if self._container is not None:
            self._container.stop(force=True, delete_volume=True)
            self._container = None
        self._sockets.cleanup()

    def kill(self) -> None:
        self._container.get_wrapped_container().kill("SIGKILL")
        self._container.get_wrapped_container().wait()

    def restart(self) -> None:
        self._container.get_wrapped_container().stop()
        self.start()

    def _create(self) -> None:
        os.environ.update(_SETTINGS)
        port = free_port()
        self.url = f"ldap://127.0.0.1:{port}"
        self._container = self._described()
        self._container.ports[1389] = ("127.0.0.1", port)
        self._container.start()

    def _described(self) -> Any:
        from testcontainers.core.container import DockerContainer

        Path(self._sockets.name).chmod(0o755)
        self.ldapi_url = "ldapi://" + quote(f"{self._sockets.name}/socket", safe="")
        return (
            DockerContainer(built_image())
            .with_env("BOOTSTRAP", bootstrap_ldif("/run/slapd.pid", self.config_password, self.external_dn))
            .with_volume_mapping(self._sockets.name, "/run/ldapi", "rw")
        )

    def _wait(self) -> None:
        target = LdapTarget((self.url,), "simple", self.config_dn, self.config_password, receive_timeout=5)
        give_up = time.monotonic() + 30
        while True:
            try:
                open_session(target).close()
            except ProvisiondError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)
            else:
                return


@functools.cache
def built_image(image: str = IMAGE, dockerfile: str = "Dockerfile", group: str = "directory") -> str:
    """Build once a run (Docker's cache makes the second run quick). Host network: the build uses the
    machine's own way to its packages."""
    base = _run([str(_ROOT / ".ci" / "base-image")]).strip()
    given = {"BASE_IMAGE": base, "PACKAGES": " ".join(_packages(group))}
    arguments = [part for name, value in given.items() for part in ("--build-arg", f"{name}={value}")]
    context = str(_ROOT / "tests" / "rigs")
    chosen = ["-f", f"{context}/{dockerfile}", *arguments, "-t", image]
    _run(["docker", "build", "--quiet", "--network", "host", *chosen, context])
    return image


def _packages(group: str) -> list[str]:
    lines = (_ROOT / ".ci" / "packages").read_text().splitlines()
    return next(line.split()[1:] for line in lines if line.split()[:1] == [group])


def trial() -> str | None:
    """Why no container can run here, in one line; None when one ran."""
    try:
        _run(["docker", "info"], within=30)
        _run(["docker", "run", "--rm", "--entrypoint", "true", built_image()], within=60)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return f"containers cannot run here ({str(error).splitlines()[0][:200]})"
    return None


def _run(command: list[str], within: float = 900) -> str:
    # the classic builder: BuildKit's helper is not part of Debian's docker.io
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=within, env=environment
    )
    if done.returncode:
        raise RuntimeError(
            f"{Path(command[0]).name} {command[1] if len(command) > 1 else ''}: {done.stderr.strip()[-500:]}"
        )
    return done.stdout
