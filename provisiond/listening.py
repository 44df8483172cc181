"""Where a process may listen for those on the same machine: says which places are near enough; opens nothing."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

_FORM = "must be a loopback address with a port, as 127.0.0.1:9464 or [::1]:9464, or the path of a socket"


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen: a loopback address, or the path of a socket."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    @classmethod
    def of(cls, text: str) -> Place:
        """`127.0.0.1:9464`, `[::1]:9464`, `localhost:9464` or `/run/…`. Raises ValueError, with a sentence."""
        if text.startswith("/"):
            return cls(path=Path(text))
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not port.isdecimal() or not 0 <= int(port) < 2**16:
            raise ValueError(_FORM)
        host = "127.0.0.1" if host == "localhost" else host
        if not _is_loopback(host):
            raise ValueError(_FORM)
        return cls(host, int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return str(self.path) if self.path else f"{host}:{self.port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
