"""The directory by the portal's own identity, which may set passwords and tokens, read what it shows, and no more
(config/openldap/access.ldif). Decides what the server's answers mean to a person; who may ask is the portal's.
Whoever logs in binds over a connection of their own, so that no session of ours ever changes its identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisiond.adapters.directory import credentials, messages
from provisiond.adapters.directory.credentials import PolicyError, policy_error
from provisiond.adapters.directory.dn import escaped
from provisiond.adapters.directory.failover import Servers
from provisiond.adapters.directory.messages import NO_SUCH_OBJECT, PERSON_ID, SUCCESS, Reply, Request
from provisiond.adapters.directory.pool import DoubtError, Pool
from provisiond.adapters.directory.reading import Bases, texts
from provisiond.adapters.directory.session import PASSING, LdapTarget, open_unbound
from provisiond.adapters.directory.shown import SeenAccount
from provisiond.domain.errors import ConfigError, UnavailableError
from provisiond.ports.portal_directory import BindAnswer, PasswordRefusal, Shown

_REFUSALS = {
    PolicyError.TOO_SHORT: PasswordRefusal.TOO_SHORT,
    PolicyError.IN_HISTORY: PasswordRefusal.USED_BEFORE,
    PolicyError.TOO_YOUNG: PasswordRefusal.TOO_YOUNG,
    PolicyError.INSUFFICIENT_QUALITY: PasswordRefusal.QUALITY,
}
_NOBODY_IN = frozenset({PolicyError.ACCOUNT_LOCKED, PolicyError.PASSWORD_EXPIRED})
_CONSTRAINT, _INAPPROPRIATE, _CREDENTIALS, _UNWILLING, _EXISTS = 19, 48, 49, 53, 68
_HMAC_SHA1 = "1.2.840.113549.2.7"


@dataclass(frozen=True, slots=True)
class Names:
    """`quota`: the attribute that holds it. `lockout_for`: how long the server's pause after too many wrong
    passwords is (pwdLockoutDuration), which it does not tell."""

    tokens_base: str
    nobody: str
    quota: str = "provisiondMailQuota"
    lockout_for: timedelta = timedelta(minutes=1)

    @classmethod
    def under(cls, base: str, quota: str = "provisiondMailQuota") -> Names:
        """As `directory init` makes them."""
        return cls(f"ou=tokens,{base}", f"uid=nobody,ou=services,{base}", quota)


class LdapPortalDirectory:
    """Implements ports.portal_directory.PortalDirectory. For any number of threads."""

    def __init__(
        self,
        target: LdapTarget,
        bases: Bases,
        names: Names,
        now: Callable[[], datetime],
    ) -> None:
        self._bases = bases
        self._names = names
        self._now = now
        self._pool = Pool(Servers(target))
        self._doors = Servers(target, opened=open_unbound)

    def set_password(self, person_id: str, password: str) -> PasswordRefusal | None:
        secret = _octets(password)
        if not secret:
            return PasswordRefusal.QUALITY
        try:
            reply = self._pool.write(
                self._look(_by_id(person_id)),
                lambda found: credentials.password_modify(self._there(found).dn, secret),
            )
        except DoubtError as doubt:
            self._verify(person_id, secret, doubt)
            return None
        return _refusal(reply)

    def bind(self, account_name: str, password: str, code: str | None = None) -> BindAnswer:
        secret = _octets(password)
        if not secret:
            return BindAnswer.WRONG
        seen = self._account(_by_name(account_name))
        shut = seen is not None and seen.is_shut(self._now(), self._names.lockout_for)
        if seen is None or shut:  # the server would not look at the password, and be quicker
            self._knock(self._names.nobody, secret)
            return BindAnswer.BLOCKED if shut else BindAnswer.WRONG
        if code and seen.is_enforced:
            secret += _octets(code)
        answer = self._knock(seen.dn, secret)
        if answer is BindAnswer.WRONG and seen.is_pending:  # without a password yet, it was quick
            self._knock(self._names.nobody, secret)
        return answer

    def shown(self, person_id: str) -> Shown | None:
        seen = self._account(_by_id(person_id))
        return None if seen is None else seen.shown(self._bases.groups, self._names.quota)

    def put_token(self, person_id: str, secret: bytes) -> None:
        """Nothing on a server that asks for no code (capabilities.py)."""
        dn = f"cn={escaped(person_id)},{self._names.tokens_base}"
        look = messages.look(dn, ("1.1",))
        with self._pool.asked(look) as (session, _):
            if not session.capabilities.one_time_codes:
                return
        for _ in range(2):  # one that another request just made is replaced
            reply = self._pool.write(look, lambda found: _token(dn, person_id, secret, found))
            if reply.code not in (_EXISTS, NO_SUCH_OBJECT):
                break
        if reply.code != SUCCESS:
            raise UnavailableError("directory", f"{dn}: {reply.text}: run provisiond directory init")

    def is_enforced(self, person_id: str) -> bool:
        seen = self._account(_by_id(person_id))
        return seen is not None and seen.is_enforced

    def close(self) -> None:
        self._pool.close()

    def _look(self, wanted: bytes) -> Request:
        return messages.find(self._bases.base, wanted, (*SeenAccount.ATTRIBUTES, self._names.quota))

    def _account(self, wanted: bytes) -> SeenAccount | None:
        return self._one(self._pool.read(self._look(wanted)))

    def _one(self, reply: Reply) -> SeenAccount | None:
        if reply.code != SUCCESS:
            raise UnavailableError("directory", f"looking for an account: {reply.text}")
        found = [entry for entry in reply.entries if self._bases.holds_account(entry.dn)]
        if len(found) > 1:
            both = " and ".join(entry.dn for entry in found)
            raise UnavailableError("directory", f"{both} are the same account: remove one of them")
        return SeenAccount(found[0].dn, texts(found[0])) if found else None

    def _there(self, reply: Reply) -> SeenAccount:
        seen = self._one(reply)
        if seen is None:
            raise UnavailableError("directory", "the account is not there yet; the daemon makes it")
        return seen

    def _knock(self, dn: str, secret: bytes) -> BindAnswer:
        """Once: a code counts once, and the one that was lost with its reply may have been taken."""
        try:
            session = self._doors.open()
        except ConfigError as error:
            raise UnavailableError("directory", "; ".join(error.faults), lasts=True) from error
        try:
            return _answer(session.ask(credentials.bind(dn, secret)))
        finally:
            session.close()

    def _verify(self, person_id: str, secret: bytes, doubt: DoubtError) -> None:
        """By the person's own bind, which cannot tell where the server asks for a code as well."""
        seen = self._account(_by_id(person_id))
        if seen is None or self._knock(seen.dn, secret) is not BindAnswer.RIGHT:
            raise doubt


def _by_id(person_id: str) -> bytes:
    return messages.equal(PERSON_ID, person_id)


def _by_name(account_name: str) -> bytes:
    """Ours only: others' entries are none of the portal's business."""
    name = _octets(account_name).decode()
    return messages.both(messages.equal("uid", name), messages.present(PERSON_ID))


def _octets(text: str) -> bytes:
    """Empty where it is no Unicode text; the codec's own error would show it."""
    return b"" if any("\ud800" <= char <= "\udfff" for char in text) else text.encode()


def _answer(reply: Reply) -> BindAnswer:
    if reply.code == SUCCESS:
        return BindAnswer.RIGHT
    if reply.code in (_CONSTRAINT, _UNWILLING) or policy_error(reply) in _NOBODY_IN:  # the former: 389-DS
        return BindAnswer.BLOCKED
    if reply.code in (_CREDENTIALS, _INAPPROPRIATE, NO_SUCH_OBJECT):
        return BindAnswer.WRONG
    raise UnavailableError("directory", f"bind: {reply.text}")


def _refusal(reply: Reply) -> PasswordRefusal | None:
    if reply.code == SUCCESS:
        return None
    objection = policy_error(reply)
    if reply.code in PASSING or (objection is None and reply.code != _CONSTRAINT):
        raise UnavailableError("directory", f"setting a password: {reply.text}")
    return PasswordRefusal.OTHER if objection is None else _REFUSALS.get(objection, PasswordRefusal.OTHER)


def _token(dn: str, person_id: str, secret: bytes, found: Reply) -> Request:
    """Six digits every 30 seconds, one step before or after is taken: what authenticators know. A new secret begins
    anew, or its first codes would count as used."""
    fresh: Mapping[str, tuple[bytes, ...]] = {
        "oathSecret": (secret,),
        "oathTOTPLastTimeStep": (),
        "oathTOTPTimeStepDrift": (),
    }
    if found.entries:
        return messages.replace(dn, fresh)
    return messages.add(
        dn,
        {
            "objectClass": ("device", "oathTOTPToken", "oathTOTPParams"),
            "cn": (person_id,),
            "oathSecret": (secret,),
            "oathTOTPParams": (dn,),
            "oathOTPLength": ("6",),
            "oathTOTPTimeStepPeriod": ("30",),
            "oathTOTPTimeStepWindow": ("1",),
            "oathHMACAlgorithm": (_HMAC_SHA1,),
        },
    )
