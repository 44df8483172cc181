"""Sessions for the threads of one process: each is one thread's at a time, kept while it works and opened anew
when it does not. Repeats reads only; what is written, and whether again, is decided by who borrows."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator

from provisiond.adapters.directory.failover import Servers
from provisiond.adapters.directory.messages import Reply, Request
from provisiond.adapters.directory.pipeline import ReadOnlyError, refuses_writes
from provisiond.adapters.directory.session import PASSING, Session
from provisiond.domain.errors import ConfigError, UnavailableError

KEPT = 10  # idle sessions; a web server's threads are about as many
IDLE_FOR = 60.0  # seconds; an older one may have been cut off in silence by something in between


class DoubtError(UnavailableError):
    """The reply to a change was lost."""


class Pool:
    """Of sessions on the first server that answers and takes changes."""

    def __init__(self, servers: Servers, now: Callable[[], float] = time.monotonic) -> None:
        self.servers = servers
        self._now = now
        self._idle: deque[tuple[float, Session]] = deque()  # the one used last is the last

    def read(self, request: Request) -> Reply:
        with self.asked(request) as (_, reply):
            return reply

    @contextlib.contextmanager
    def asked(self, request: Request) -> Iterator[tuple[Session, Reply]]:
        """The answer to a read and the session that gave it, which is known to work at this moment."""
        session, reply = self._answer(request)
        whole = False
        try:
            yield session, reply
            whole = True
        finally:
            self._take_back(session, whole)

    def write(self, look: Request, make: Callable[[Reply], Request]) -> Reply:
        """Send, once, the change that `make` gives for what `look` found. A server that takes no changes has not
        done it, so that another one is asked; a lost reply is a DoubtError."""
        for _ in self.servers.target.urls:
            with self.asked(look) as (session, found):
                reply = _sent(session, make(found))
            if not refuses_writes(reply):
                return reply
            self.servers.refuses_writes(session.url, reply.text)
        raise ReadOnlyError("directory", f"no server takes changes ({reply.text})")

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    def _answer(self, request: Request) -> tuple[Session, Reply]:
        kept = self._kept()
        if kept is not None:
            with contextlib.suppress(UnavailableError):  # the server went away since: asked over a new one
                return kept, _read(kept, request)
            self.close()  # the others broke with it
        session = self._opened()
        return session, _read(session, request)

    def _kept(self) -> Session | None:
        with contextlib.suppress(IndexError):  # another thread took the last one
            while self._idle:
                since, session = self._idle.pop()
                if self._now() - since < IDLE_FOR and self.servers.takes_writes(session.url):
                    return session
                session.close()
        return None

    def _opened(self) -> Session:
        try:
            with contextlib.suppress(UnavailableError):
                return self.servers.open(writing=True)
            return self.servers.open()
        except ConfigError as error:  # of our own identity; to who waits for a page it is one and the same
            raise UnavailableError("directory", "; ".join(error.faults), lasts=True) from error

    def _take_back(self, session: Session, whole: bool) -> None:
        if whole and not session.lost and len(self._idle) < KEPT:
            self._idle.append((self._now(), session))
        else:
            session.close()


def _sent(session: Session, request: Request) -> Reply:
    try:
        return session.ask(request)
    except UnavailableError as error:
        raise DoubtError("directory", f"{error.reason}: whether the change was made is not known") from error


def _read(session: Session, request: Request) -> Reply:
    try:
        reply = session.ask(request)
    except UnavailableError:
        session.close()
        raise
    if reply.code in PASSING or reply.referred:
        session.close()
        raise UnavailableError(
            "directory", f"{session.url}: {reply.text or 'a referral instead of an answer'}"
        )
    return reply
