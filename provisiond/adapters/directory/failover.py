"""Which of several servers is talked to, and when one that failed is tried again. One server at a time serves
reads and writes; it is kept as long as it works. A wrong password is wrong everywhere: it is tried three times in
a process's life, since more would lock the account.

Not ldap3's ServerPool, which loops for ever when all are down and keeps every connection (field notes 1.3)."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from provisiond.adapters.directory.session import Session, open_at
from provisiond.adapters.directory.target import LdapTarget
from provisiond.domain.errors import ConfigError, UnavailableError

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds between two tries of one host
LOGINS = 3


@dataclass(slots=True)
class Circuit:
    """Whether something that failed may be tried again. The first failure costs no wait: a restart is quick."""

    failures: int = 0
    shut_until: float = 0.0
    reason: str = ""

    def fail(self, reason: str, now: float) -> None:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0**self.failures) if self.failures else 0.0
        self.failures += 1
        self.reason = reason
        self.shut_until = now + wait * random.uniform(0.5, 1)  # noqa: S311 - so that not all come at once


@dataclass(slots=True)
class Servers:
    """Opens sessions on the servers of `target`, in their order."""

    target: LdapTarget
    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    opened: Callable[[LdapTarget, str], Session] = open_at
    _hosts: dict[str, Circuit] = field(default_factory=lambda: defaultdict(Circuit))
    # shut for the longest wait at once: a replica stays one
    _providers: dict[str, Circuit] = field(default_factory=lambda: defaultdict(lambda: Circuit(failures=8)))
    _refused: int = 0

    def open(self, *, writing: bool = False) -> Session:
        """On the first server that answers and is not to be left alone for a moment yet."""
        reasons: list[str] = []
        for url in self.target.urls:
            asked = [self._hosts[url], self._providers[url]] if writing else [self._hosts[url]]
            shut = [circuit.reason for circuit in asked if circuit.shut_until > self.now()]
            if shut:
                reasons += shut
                continue
            try:
                session = self._log_in(url)
            except UnavailableError as error:
                self._hosts[url].fail(error.reason, self.now())
                reasons.append(error.reason)
            else:
                self._hosts[url] = Circuit()
                return session
        raise UnavailableError("directory", "; ".join(reasons))

    def open_again(self) -> Session:
        """For writing, in the middle of it: while a server is away that is waited for."""
        give_up = self.now() + self.target.patience
        while True:
            try:
                return self.open(writing=True)
            except UnavailableError:
                again = min(self._open_at(url) for url in self.target.urls)
                if again > give_up or not any(self._hosts[url].failures for url in self.target.urls):
                    raise
                self.wait(max(0.0, again - self.now()))

    def refuses_writes(self, url: str, reason: str) -> None:
        """A replica, or one that was made read-only: others are asked first for a while."""
        self._providers[url].fail(reason, self.now())

    def takes_writes(self, url: str) -> bool:
        return self._providers[url].shut_until <= self.now()

    def _open_at(self, url: str) -> float:
        return max(self._hosts[url].shut_until, self._providers[url].shut_until)

    def _log_in(self, url: str) -> Session:
        if self._refused >= LOGINS:
            who = self.target.bind_dn
            raise ConfigError(
                [
                    f"directory.bind_dn: {who} was refused {LOGINS} times and is not tried again, which would"
                    f" lock it: mend {self.target.password_key} or the account, then restart provisiond"
                ]
            )
        try:
            return self.opened(self.target, url)
        except ConfigError:
            self._refused += 1
            raise
