"""One connection to the directory that tells the truth: opened by the recipe of the field notes, bound as who
it should be, every answer a result code or an UnavailableError. Decides nothing about entries, never sends
anything twice: who may try again is decided by pipeline.py and failover.py."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ldap3 import BASE, DEREF_NEVER, SUBTREE

from provisiond.adapters.directory import messages
from provisiond.adapters.directory.capabilities import ATTRIBUTES, Capabilities
from provisiond.adapters.directory.dn import normalise_dn
from provisiond.adapters.directory.exchange import Exchange
from provisiond.adapters.directory.messages import ASSERTION, PERSON_ID, SUCCESS, Reply, Request
from provisiond.adapters.directory.target import Address, LdapTarget, close_failed_sockets, unopened
from provisiond.adapters.directory.wire import Found, Wire
from provisiond.domain.changes import Mod
from provisiond.domain.errors import ConfigError, UnavailableError
from provisiond.domain.model import Attributes

__all__ = [
    "ASSERTION",
    "PERSON_ID",
    "LdapTarget",
    "RawEntry",
    "Reply",
    "Session",
    "normalise_dn",
    "open_session",
]

# refusals that speak of the server's day, not of the change: operations error, time and admin limit, referral
# (a replica), busy, unavailable. Tried again later, by nobody in particular.
PASSING = frozenset({1, 3, 10, 11, 51, 52})
_CREDENTIALS = frozenset({8, 13, 48, 49, 50, 53})  # of a bind: an operator must act, no other server helps


@dataclass(frozen=True, slots=True)
class RawEntry:
    """An entry as read; attribute descriptions as the server spells them."""

    dn: str
    attributes: Mapping[str, Sequence[bytes]]


class Session:
    """An open, bound connection. Not for two threads at once."""

    def __init__(self, connection: Any, url: str) -> None:
        self._connection = connection
        self.url = url
        self.lost = False
        self._capabilities: Capabilities | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What this server offers; asked once."""
        if self._capabilities is None:
            (root,) = self.search("", "(objectClass=*)", ATTRIBUTES, subtree=False)
            self._capabilities = Capabilities.of(root.attributes)
        return self._capabilities

    def search(
        self, base: str, wanted: str, attributes: Sequence[str], *, subtree: bool = True
    ) -> list[RawEntry]:
        """Everything that matches, or UnavailableError: never a part."""
        found = self._find(base, wanted, attributes, subtree=subtree)
        if found is None:
            raise UnavailableError("directory", f"{base} is not there (noSuchObject)")
        return found

    def find(self, base: str, wanted: bytes, attributes: Sequence[str]) -> tuple[Found, ...]:
        """`search` of the subtree for a filter of messages.py, at a tenth of the cost."""
        reply = self._ask(messages.find(base, wanted, attributes))
        if reply.code != SUCCESS or reply.referred:
            more = reply.text or "a referral instead of the whole answer"
            raise UnavailableError("directory", f"search under {base}: {more}")
        return reply.entries

    def read(self, dn: str) -> RawEntry | None:
        """That one entry with its user attributes; None when it is absent (or hidden from us)."""
        found = self._find(dn, "(objectClass=*)", ["*"], subtree=False)
        return found[0] if found else None

    def exists(self, dn: str) -> bool:
        return bool(self._find(dn, "(objectClass=*)", ["1.1"], subtree=False))

    def _find(
        self, base: str, wanted: str, attributes: Sequence[str], *, subtree: bool
    ) -> list[RawEntry] | None:
        scope = SUBTREE if subtree else BASE
        _, result, response, _ = self._call(
            lambda c: c.search(base, wanted, scope, DEREF_NEVER, attributes=list(attributes))
        )
        if result["result"] == 32:
            return None
        if result["result"] != SUCCESS:
            raise UnavailableError("directory", f"search under {base}: {_said(result)}")
        if any(part["type"] != "searchResEntry" for part in response):
            raise UnavailableError(
                "directory", f"search under {base}: a referral instead of the whole answer"
            )
        return [RawEntry(part["dn"], part["raw_attributes"]) for part in response]

    def add(self, dn: str, attributes: Attributes) -> Reply:
        return self._ask(messages.add(dn, attributes))

    def modify(self, dn: str, mods: Sequence[Mod], owner: str | None, *, permissive: bool = True) -> Reply:
        """`owner`: the person whose entry it must be, in the very moment of the change; None: anybody's.
        `permissive`: a value that is there already, or gone already, is no error (where the server can)."""
        if not mods:
            return Reply(SUCCESS, "")
        lenient = [messages.permissive()] if permissive and self.capabilities.permissive_modify else []
        return self._ask(messages.modify(dn, mods, *lenient, *_owned(owner)))

    @contextlib.contextmanager
    def exchange(self) -> Iterator[Exchange]:
        """For writes, many in flight (pipeline.py). Every reply must have come before anything else is asked."""
        whole = False
        try:
            yield Exchange(self._connection)
            whole = True
        except (OSError, ValueError, LookupError) as error:  # broken, silent for too long, or no LDAP
            raise UnavailableError("directory", f"{self.url}: {error or type(error).__name__}") from error
        finally:
            if not whole:  # replies may still come: to nobody
                self.lost = True
                self.close()

    def ask(self, request: Request) -> Reply:
        """Its reply, whatever that says."""
        with self.exchange() as exchange:
            ((number, message),) = exchange.numbered([request])
            exchange.send([message])
            return dict(exchange.receive())[number]

    def _ask(self, request: Request) -> Reply:
        reply = self.ask(request)
        if reply.code in PASSING:
            raise UnavailableError("directory", reply.text)
        return reply

    def who_am_i(self) -> str:
        """The DN the server takes us for; empty when anonymous (RFC 4532)."""
        said = self._call(lambda c: c.extend.standard.who_am_i()) or ""
        return said.removeprefix("dn:") if said.startswith("dn:") else said

    def is_bound_as(self, dn: str) -> bool:
        return normalise_dn(self.who_am_i()) == normalise_dn(dn)

    def wire(self) -> Wire:
        """For scans (scanning.py): nothing else can be asked while one is read."""
        return Wire(self._connection)

    def close(self) -> None:
        with contextlib.suppress(Exception):  # a broken connection cannot be closed politely
            self._connection.unbind()
        with contextlib.suppress(Exception):  # nor would its socket be, by ldap3
            self._connection.strategy.close()

    def _call(self, operation: Callable[[Any], Any]) -> Any:
        try:
            return operation(self._connection)
        except Exception as error:  # whatever a library throws once bytes are sent: the outcome is unknown
            self.lost = True
            self.close()
            untrusted = "certificate" in str(error).lower()  # ldap3 tells that by words only
            raise UnavailableError("directory", f"{self.url}: {error}", lasts=untrusted) from error


def open_session(target: LdapTarget) -> Session:
    """Bound to the first server that answers. A wrong password stops at once: it is wrong everywhere."""
    reasons: list[str] = []
    for url in target.urls or [""]:
        try:
            return open_at(target, url)
        except UnavailableError as error:
            reasons.append(error.reason)
    raise UnavailableError("directory", "; ".join(reasons))


def open_at(target: LdapTarget, url: str) -> Session:
    """Bound to that server."""
    session = open_unbound(target, url)
    try:
        _bind(session, target)
        _check_identity(session, target)
    except BaseException:
        session.close()
        raise
    return session


def open_unbound(target: LdapTarget, url: str) -> Session:
    """To that server, over TLS where that is asked for, as nobody yet."""
    if faults := target.faults():
        raise ConfigError(faults)
    address = Address.of(url)
    connection = unopened(target, address)
    session = Session(connection, url)
    close_failed_sockets(connection)
    try:
        session._call(lambda c: c.open(read_server_info=False))
        if target.start_tls and address.needs_start_tls:
            _start_tls(session)
        # from here on for sending too: a server that stands still takes nothing any more
        session._connection.socket.settimeout(target.receive_timeout)
    except BaseException:
        session.close()
        raise
    return session


def _start_tls(session: Session) -> None:
    started = session._call(lambda c: c.start_tls(read_server_info=False))
    if not (started[0] if isinstance(started, tuple) else started):
        raise UnavailableError("directory", f"{session.url}: StartTLS was refused")


def _bind(session: Session, target: LdapTarget) -> None:
    status, result, _, _ = session._call(lambda c: c.bind(read_server_info=False))
    if status and result["result"] == SUCCESS:
        return
    if result["result"] == 49 and target.bind == "simple":
        fault = f"{target.password_key}: {session.url} does not accept the password for {target.bind_dn}"
        raise ConfigError([fault])
    if result["result"] in _CREDENTIALS or target.bind == "external":
        raise ConfigError([f"directory.bind_dn: {session.url}: bind as {target.bind_dn}: {_said(result)}"])
    raise UnavailableError("directory", f"{session.url}: bind: {_said(result)}")


def _check_identity(session: Session, target: LdapTarget) -> None:
    """An anonymous or lesser identity sees a part of the tree and would take it for the whole."""
    identity = session.who_am_i()
    if normalise_dn(identity) != normalise_dn(target.bind_dn):
        who = identity or "nobody (anonymous)"
        raise ConfigError([f"directory.bind_dn: {session.url} takes us for {who}, not {target.bind_dn}"])


def _owned(owner: str | None) -> list[bytes]:
    return [] if owner is None else [messages.asserting(messages.equal(PERSON_ID, owner))]


def _said(result: Mapping[str, Any]) -> str:
    message = result.get("message") or ""
    return f"{result['description']}: {message}" if message else str(result["description"])
