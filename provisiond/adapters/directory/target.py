"""Which directory server to talk to and as whom, and the rules that hold before the first byte is sent:
no password in clear over a network, certificates always verified. Opening is session.py's."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from ldap3 import NONE, SAFE_SYNC, SASL, SIMPLE, Connection, Server, Tls

DEFAULT_SOCKET = "/run/slapd/ldapi"  # where Debian's slapd listens for ldapi:///
_PORTS = {"ldap": 389, "ldaps": 636}


@dataclass(frozen=True, slots=True)
class LdapTarget:
    """`urls` are tried in order: ldaps://, ldap://, ldapi://%2Fpath or ldapi:/// (the default socket).
    Timeouts in whole seconds (ldap3 packs them as integers)."""

    urls: tuple[str, ...]
    bind: Literal["simple", "external"]
    bind_dn: str
    password: str | None = field(repr=False)
    start_tls: bool = False
    ca_file: Path | None = None
    connect_timeout: int = 5
    receive_timeout: int = 10
    password_key: str = "directory.password_file"  # noqa: S105 - where an operator mends the password
    patience: float = 15.0  # seconds that a write in the middle of its work waits for a server to come back

    def faults(self) -> list[str]:
        """What an operator must mend before anything is sent."""
        found = [fault for url in self.urls for fault in self._url_faults(url)]
        if not self.urls:
            found.append("directory.urls: no server is named")
        if self.bind == "simple" and not self.password:
            found.append(f"{self.password_key}: no password for {self.bind_dn}; it would bind anonymously")
        if self.ca_file is not None and not self.ca_file.is_file():
            found.append(f"directory.ca_file: {self.ca_file} is not there")
        return found

    def _url_faults(self, url: str) -> list[str]:
        try:
            address = Address.of(url)
        except ValueError as error:
            return [f"directory.urls: {url}: {error}"]
        if (
            address.needs_start_tls
            and not self.start_tls
            and not address.is_loopback
            and self.bind == "simple"
        ):
            return [f"directory.urls: {url} would send the password in clear: use ldaps:// or start_tls"]
        return []


@dataclass(frozen=True, slots=True)
class Address:
    """One server: a socket path (ldapi) or a host and port."""

    scheme: str
    host: str
    port: int | None

    @classmethod
    def of(cls, url: str) -> Address:
        parts = urlsplit(url)
        if parts.scheme == "ldapi":
            return cls("ldapi", unquote(parts.netloc) or DEFAULT_SOCKET, None)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("is not ldaps://host, ldap://host or ldapi://%2Fpath")
        return cls(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])

    @property
    def needs_start_tls(self) -> bool:
        """Whether TLS must be asked for: ldaps has it, a local socket needs none."""
        return self.scheme == "ldap"

    @property
    def is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def unopened(target: LdapTarget, address: Address) -> Any:
    """An ldap3 connection that has sent nothing yet."""
    # a new Server each time: one that failed once answers from memory for seconds (field notes 1.3)
    local = address.scheme == "ldapi"
    server = Server(
        "ldapi:/" + address.host if local else address.host,
        port=address.port,
        use_ssl=address.scheme == "ldaps",
        tls=None if local else VerifiedTls(address.host, target.ca_file),
        get_info=NONE,
        connect_timeout=target.connect_timeout,
    )
    how: dict[str, Any] = {"authentication": SASL, "sasl_mechanism": "EXTERNAL", "sasl_credentials": ""}
    if target.bind == "simple":
        how = {"authentication": SIMPLE, "user": target.bind_dn, "password": target.password}
    return Connection(
        server,
        client_strategy=SAFE_SYNC,
        receive_timeout=target.receive_timeout,
        auto_referrals=False,
        raise_exceptions=False,
        auto_bind=False,
        auto_escape=False,
        check_names=False,  # names are ours and the server is the judge; ldap3 would rewrite them
        return_empty_attributes=False,
        **how,
    )


class VerifiedTls(Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS whose certificate and host name the standard library verifies.

    ldap3's own check knows no IP addresses from Python 3.12 on and calls a deprecated function before."""

    def __init__(self, host: str, ca_file: Path | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED, ca_certs_file=ca_file and str(ca_file), sni=host)

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        connection.socket = context.wrap_socket(
            connection.socket, server_hostname=self.sni, do_handshake_on_connect=do_handshake
        )


def close_failed_sockets(connection: Any) -> None:
    """ldap3 leaves a socket open that could not be connected, one for each address of the host."""
    open_socket = connection.strategy._open_socket

    def opened(*arguments: Any, **more: Any) -> None:
        try:
            open_socket(*arguments, **more)
        except Exception:
            if connection.socket is not None:
                connection.socket.close()
            raise

    connection.strategy._open_socket = opened
