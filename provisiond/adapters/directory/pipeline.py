"""Many conversations with the server at once over one connection: each has one request in flight. When the
connection breaks, each of them is told so, and they go on over a new one; when there is none to be had, each
is told that. What a conversation makes of it is decided by writing.py."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator, Sequence
from inspect import GEN_CREATED, getgeneratorstate
from typing import Generic, TypeVar

from provisiond.adapters.directory import messages
from provisiond.adapters.directory.exchange import Exchange
from provisiond.adapters.directory.messages import NO_SUCH_OBJECT, SUCCESS, Reply, Request
from provisiond.adapters.directory.session import PASSING, Session
from provisiond.adapters.directory.wire import Found
from provisiond.domain.errors import ProvisiondError, UnavailableError
from provisiond.ports import Guard, unguarded

WINDOW = 64  # in flight; half as many after each break, and more again with every reply
GROWTH = 0.25
TIMES = 10  # that one change is sent at most
LOOKS = 20  # that may be lost in a row
FRUITLESS = 5  # connections in a row that broke before any conversation came to its end

REFERRAL, UNWILLING, OTHER = 10, 53, 80
_READ_ONLY = re.compile(r"operation restricted|shadow context|read-only", re.IGNORECASE)
_STORAGE = re.compile(r"(index|index \w+|store|update|txn_\w+) failed|MDB_|no space", re.IGNORECASE)

T = TypeVar("T")
Talk = Generator[Request, Reply | None, T]
"""Yields requests and is sent the reply; None: the connection broke, whether it was done is not known, and the
next request goes over a new one. UnavailableError is thrown in where nothing more can be asked."""


class ReadOnlyError(UnavailableError):
    """It answers and takes no changes: a replica, or it was made read-only."""


class Pipeline:
    """Over `session`, and over what `reopen` gives when that breaks. `halted`: why nothing is sent any more."""

    def __init__(
        self,
        session: Session,
        reopen: Callable[[UnavailableError], Session],
        guard: Guard = unguarded,
    ) -> None:
        self._session = session
        self._reopen = reopen
        self._guard = guard
        self.halted: UnavailableError | None = None

    def run(self, talks: Sequence[Talk[T]]) -> list[T]:
        """What each talk returns."""
        flight = _Flight(talks)
        while flight.todo or flight.flying:
            try:
                self._fly(flight)
            except UnavailableError as error:
                flight.lost()
                self._replace(flight, error)
        return [flight.results[index] for index in range(len(talks))]

    def _fly(self, flight: _Flight[T]) -> None:
        """Over one connection, as long as it holds."""
        with self._session.exchange() as exchange:
            while flight.todo or flight.flying:
                sent = flight.launch(exchange, self.halted)
                if sent:
                    self._send(exchange, sent)
                if flight.flying:
                    for number, reply in exchange.receive():
                        self._listen(flight, number, reply)

    def _send(self, exchange: Exchange, sent: list[bytes]) -> None:
        """Unless another may be at work by now: then nothing is sent any more, over no connection."""
        try:
            with self._guard() as seconds:
                exchange.send(sent, seconds)
        except UnavailableError as error:  # of the guard: a broken connection is an OSError here
            self.halted = error
            raise

    def _listen(self, flight: _Flight[T], number: int, reply: Reply) -> None:
        if refuses_writes(reply):
            raise ReadOnlyError("directory", f"{self._session.url} takes no changes ({reply.text})")
        trouble = _trouble(reply)
        if trouble:
            self.halted = self.halted or UnavailableError("directory", trouble)
        flight.answer(number, None if trouble else reply)

    def _replace(self, flight: _Flight[T], error: UnavailableError) -> None:
        flight.fruitless += 1
        if self.halted:
            return
        try:
            self._session = self._reopen(error)
        except ProvisiondError as reason:
            self.halted = UnavailableError("directory", _both(error, reason))
        if flight.fruitless > FRUITLESS:
            self.halted = error


def _trouble(reply: Reply) -> str | None:
    """What the server's day is like, if it is that which it speaks of, not the change."""
    if reply.code == OTHER and _STORAGE.search(reply.text):
        return (
            f"{reply.text}: the server cannot store it; its database or disk is full: raise olcDbMaxSize or free"
            " some space, the next cycle goes on"
        )
    return reply.text if reply.code in PASSING else None


def refuses_writes(reply: Reply) -> bool:
    """Referral, or unwillingToPerform for all changes whatever they are (slapd's and 389-DS's words)."""
    return reply.code == REFERRAL or (reply.code == UNWILLING and _READ_ONLY.search(reply.text) is not None)


class _Flight(Generic[T]):
    """The talks of one run: those that can go on, and those whose request is in flight, by its number."""

    def __init__(self, talks: Sequence[Talk[T]]) -> None:
        self.todo: deque[tuple[int, Talk[T], Reply | None]] = deque(
            (index, talk, None) for index, talk in enumerate(talks)
        )
        self.flying: dict[int, tuple[int, Talk[T]]] = {}
        self.results: dict[int, T] = {}
        self.window = float(WINDOW)
        self.fruitless = 0

    def launch(self, exchange: Exchange, halted: UnavailableError | None) -> list[bytes]:
        """The messages to send now, so that the window is full; they count as sent."""
        ready: list[tuple[int, Talk[T], Request]] = []
        while self.todo and len(self.flying) + len(ready) < self.window:
            index, talk, reply = self.todo.popleft()
            try:
                ready.append((index, talk, _next(talk, reply, halted)))
            except StopIteration as end:
                self.results[index] = end.value
                self.fruitless = 0
        numbered = exchange.numbered(request for _, _, request in ready)
        for (index, talk, _), (number, _) in zip(ready, numbered, strict=True):
            self.flying[number] = (index, talk)
        return [message for _, message in numbered]

    def answer(self, number: int, reply: Reply | None) -> None:
        self.window = min(WINDOW, self.window + GROWTH)
        index, talk = self.flying.pop(number)
        self.todo.appendleft((index, talk, reply))  # what is begun is finished first

    def lost(self) -> None:
        self.window = max(1, self.window // 2)
        self.todo.extendleft((index, talk, None) for index, talk in reversed(self.flying.values()))
        self.flying.clear()


def _both(error: UnavailableError, later: ProvisiondError) -> str:
    reason = later.reason if isinstance(later, UnavailableError) else str(later)
    return reason if error.reason in reason else f"{error.reason}; {reason}"


def _next(talk: Talk[T], reply: Reply | None, halted: UnavailableError | None) -> Request:
    if halted is None:
        return talk.send(reply)
    # a reply still counts, and only a talk that has begun can catch what is thrown
    if getgeneratorstate(talk) == GEN_CREATED or reply is not None:
        talk.send(reply)
    return talk.throw(UnavailableError(halted.system, halted.reason))


def read_back(dn: str, attributes: Sequence[str] = ("*", "+")) -> Talk[Found | None]:
    """What is there now; asked again when that answer is lost as well."""
    for _ in range(LOOKS):
        reply = yield messages.look(dn, attributes)
        if reply is not None and reply.code in (SUCCESS, NO_SUCH_OBJECT):
            return reply.entries[0] if reply.entries else None
        if reply is not None:
            raise UnavailableError("directory", f"reading back {dn}: {reply.text}")
    raise UnavailableError("directory", f"reading back {dn}: the answer was lost {LOOKS} times")
