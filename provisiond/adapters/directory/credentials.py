"""Binds and password changes as LDAP messages (RFC 4511 §4.2, RFC 3062), and what a server's password policy says
to them (draft-behera-ldap-password-policy). Sends nothing; what an answer means to a person is portal.py's."""

from __future__ import annotations

from enum import IntEnum

from provisiond.adapters.directory.ber import INTEGER, OCTETS, SEQUENCE, ber, elements, tlv
from provisiond.adapters.directory.messages import Reply, Request
from provisiond.adapters.directory.wire import controls

PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105 - a control
PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"  # noqa: S105 - an operation
_BIND, _EXTENDED, _CONTROLS = 0x60, 0x77, 0xA0
_SIMPLE, _NAME, _VALUE, _IDENTITY, _NEW, _ERROR = 0x80, 0x80, 0x81, 0x80, 0x82, 0x81
_VERSION_3 = ber(INTEGER, b"\x03")


class PolicyError(IntEnum):
    """What the password policy objects to; numbers of the draft, and slapd's own for too long ones."""

    PASSWORD_EXPIRED = 0
    ACCOUNT_LOCKED = 1
    CHANGE_AFTER_RESET = 2
    MODIFICATION_NOT_ALLOWED = 3
    MUST_SUPPLY_OLD_PASSWORD = 4
    INSUFFICIENT_QUALITY = 5
    TOO_SHORT = 6
    TOO_YOUNG = 7
    IN_HISTORY = 8
    TOO_LONG = 9


_NUMBERS = frozenset(PolicyError)


def bind(dn: str, password: bytes) -> Request:
    """A simple bind. An empty password would be taken for nobody's and succeed (RFC 4513 §5.1.2): never sent."""
    if not dn or not password:
        raise ValueError("a bind without a name or a password would be anonymous")
    return Request(ber(_BIND, _VERSION_3, ber(OCTETS, dn.encode()), ber(_SIMPLE, password)), _policy())


def password_modify(dn: str, password: bytes) -> Request:
    """Without the old one: by an identity that may do so. An empty new one would have the server make one up."""
    if not dn or not password:
        raise ValueError("a password change needs a name and a password")
    value = ber(SEQUENCE, ber(_IDENTITY, dn.encode()), ber(_NEW, password))
    return Request(ber(_EXTENDED, ber(_NAME, PASSWORD_MODIFY.encode()), ber(_VALUE, value)), _policy())


def policy_error(reply: Reply) -> PolicyError | None:
    """None: the server's policy objects to nothing, or it says nothing of it."""
    value = controls(reply.controls, 0).get(PASSWORD_POLICY.encode())
    if not value:
        return None
    _, start, stop = tlv(value, 0)
    for tag, at, end in elements(value, start, stop):
        number = int.from_bytes(value[at:end], "big")
        if tag == _ERROR and number in _NUMBERS:
            return PolicyError(number)
    return None


def _policy() -> bytes:
    """Not critical: a server without it says less."""
    return ber(_CONTROLS, ber(SEQUENCE, ber(OCTETS, PASSWORD_POLICY.encode())))
