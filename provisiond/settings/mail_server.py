"""What [mail] and [inbox] say alike of their servers: encryption, certificates, a log-in.

Refuses what would send a password in the clear over a network."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from provisiond.domain.errors import ConfigError
from provisiond.settings.parsing import Faults
from provisiond.settings.secret_files import secret_file

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class MailServer(Protocol):
    """The keys that both sections have."""

    @property
    def tls(self) -> str | None: ...
    @property
    def ca_file(self) -> str | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def password_file(self) -> str | None: ...


def encryption(name: str, section: MailServer, host: str, usual: str, faults: Faults) -> str:
    """`usual`: where the server is another machine and nothing is said."""
    local = host in LOOPBACK
    tls = section.tls or ("none" if local else usual)
    if tls == "none" and not local:
        faults.add(f"{name}.tls", f'"none" is for a server on this machine; {host} needs "starttls" or "tls"')
    return tls


def log_in_password(name: str, section: MailServer, folder: Path, faults: Faults) -> str | None:
    if (section.user is None) is not (section.password_file is None):
        faults.add(name, "user and password_file go together")
    if section.password_file is None:
        return None
    try:
        return secret_file(faults.key(f"{name}.password_file"), section.password_file, folder).read()
    except ConfigError as error:
        faults.sentences += error.faults
        return None


def trusted(name: str, section: MailServer, folder: Path, faults: Faults) -> Path | None:
    """The file with the certificates."""
    if section.ca_file is None:
        return None
    path = folder / section.ca_file
    try:
        path.read_bytes()
    except OSError as error:
        faults.add(f"{name}.ca_file", f"{path} cannot be read: {error.strerror}")
    return path
