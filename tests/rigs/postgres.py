"""A private PostgreSQL on loopback from Debian's package, with a password, gone when the tests are done."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import create_engine, text

PASSWORD = "a-throw-away-password"
ACCOUNT = "postgres"  # the server refuses to run as root
OWNER = "provisiond"
_numbers = count()


@dataclass(frozen=True, slots=True)
class PostgresRig:
    """`port`: on 127.0.0.1; `pid`: of the server's first process, to stop and continue it."""

    port: int
    pid: int

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://{ACCOUNT}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def database_url(self) -> str:
        """Of a new, empty database."""
        name = f"d{os.getpid()}_{next(_numbers)}"
        engine = create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))
        engine.dispose()
        return self.url(name)

    def ledger_url(self) -> str:
        """Of one that an ordinary account owns, without the password, which a ledger is given apart."""
        name = self.database_url().rpartition("/")[2]
        engine = create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            if not connection.scalar(text(f"SELECT 1 FROM pg_roles WHERE rolname = '{OWNER}'")):
                connection.execute(text(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}'"))
            connection.execute(text(f"ALTER DATABASE {name} OWNER TO {OWNER}"))
        engine.dispose()
        return f"postgresql+psycopg://{OWNER}@127.0.0.1:{self.port}/{name}"


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresRig]:
    programs = _programs()
    # not in pytest's folder: that is closed to all other users, again by every run that begins
    with tempfile.TemporaryDirectory(prefix="provisiond-postgres-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        secret = home / "password"
        secret.write_text(PASSWORD)
        if os.getuid() == 0:
            shutil.chown(home, ACCOUNT, ACCOUNT)
            shutil.chown(secret, ACCOUNT, ACCOUNT)
        with _running(programs, home) as rig:
            yield rig


@contextlib.contextmanager
def _running(programs: Path, home: Path) -> Iterator[PostgresRig]:
    data = home / "data"
    secret = ("--auth=scram-sha-256", "--pwfile", home / "password")
    made = _run(programs / "initdb", "-D", data, "-U", ACCOUNT, *secret, "-N")
    assert made.wait() == 0, (home / "log").read_text()
    server, port = _started(programs, data)
    try:
        yield PostgresRig(port, server.pid)
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown
        server.wait(timeout=30)


def _started(programs: Path, data: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The port is free when we look; another process may be quicker."""
    for _ in range(5):
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": data.parent,
            "fsync": "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = _run(programs / "postgres", "-D", data, *options)
        if _answers(port, server):
            return server, port
        server.kill()
        server.wait()
    raise AssertionError((data.parent / "log").read_text())


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        subprocess.run([Path(__file__).parents[2] / ".ci" / "install", "postgresql"], check=True)
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return found[-1]


def _run(*command: object) -> subprocess.Popen[bytes]:
    """As the account of the package where we are root; what is said goes to a file beside the data."""
    words = [str(word) for word in command]
    log = Path(words[words.index("-D") + 1]).parent / "log"
    user = pwd.getpwnam(ACCOUNT).pw_uid if os.getuid() == 0 else None
    with log.open("ab") as said:
        return subprocess.Popen(words, stdout=said, stderr=said, user=user, cwd="/")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _answers(port: int, server: subprocess.Popen[bytes]) -> bool:
    for _ in range(600):
        if server.poll() is not None:
            return False
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(
                host="127.0.0.1", port=port, user=ACCOUNT, password=PASSWORD, connect_timeout=2
            ).close()
            return True
        time.sleep(0.05)
    return False
