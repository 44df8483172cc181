"""Where a ledger lies: a SQLite file, or a database on a PostgreSQL server. Reads the URL; opens nothing."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from provisiond.domain.errors import UnavailableError

_FORMS = "write sqlite:////path/to/ledger.db or postgresql+psycopg://user@host/database"
_LOOPBACK = ("localhost", "127.0.0.1", "::1", None, "")
# A dead peer is noticed, on either side, within a minute: a lock must not outlive its holder for long.
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
_SERVER_ALIVE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"


@dataclass(frozen=True, slots=True)
class Place:
    """`path` is None on a server. `password`: for the server, never part of the URL."""

    url: URL
    password: str | None = field(default=None, repr=False)

    @property
    def path(self) -> Path | None:
        return Path(self.url.database or "") if self.url.get_backend_name() == "sqlite" else None

    @property
    def host(self) -> str | None:
        """A name, an address, the folder of a socket, or None: the driver's default, a socket."""
        return self.url.host or ",".join(self.url.normalized_query.get("host", ())) or None

    def __str__(self) -> str:
        return str(self.path or f"database {self.url.database} on {self.host or 'this machine'}")

    def server_arguments(self, name: str) -> dict[str, Any]:
        """For the driver. The certificate is verified unless the URL says otherwise or the way is near."""
        found: dict[str, Any] = {
            "connect_timeout": 10,
            "application_name": name,
            "options": _SERVER_ALIVE,
            **_ALIVE,
        }
        if self.password is not None:
            found["password"] = self.password
        host = self.host
        is_near = host in _LOOPBACK or str(host).startswith("/")
        if not is_near and "sslmode" not in self.url.query:
            found["sslmode"] = "verify-full"
            found["sslrootcert"] = self.url.query.get(
                "sslrootcert", ssl.get_default_verify_paths().cafile or "system"
            )
        return found


def place(url: str, password: str | None = None) -> Place:
    """Raises UnavailableError for a URL of another kind."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UnavailableError("ledger", f"its URL cannot be read; {_FORMS}") from error
    if parsed.drivername in ("postgresql", "postgresql+psycopg") and parsed.database:
        if parsed.password is not None:
            raise UnavailableError("ledger", "its URL must not hold a password; give it a password_file")
        return Place(parsed.set(drivername="postgresql+psycopg"), password)
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        return Place(parsed)
    raise UnavailableError("ledger", f"only a SQLite file or a PostgreSQL database will do; {_FORMS}")
