"""Ports that fail as real ones do, at the will of a seeded chance: the process dies before or after a call, a
directory takes a write and its answer is lost, a server is away for a while."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisiond.domain.changes import AddEntry, Change
from provisiond.domain.errors import UnavailableError
from provisiond.ports import Done, Ledger, Outcome, Unknown
from tests.rigs.directory import FakeDirectory

# Calls that write, around which a process may die (FIELD-NOTES, Appendix C).
LEDGER_WRITES = frozenset(
    {"reserve", "commit", "park", "mark_fetch", "named_again", "call_absent", "spend", "hold_plan"}
    | {"approve", "set_watermark", "activate", "hold", "release", "extend", "tell", "settle"}
    | {"set_contact", "set_display_name", "give_alias"}
)


class Crash(BaseException):
    """The process was killed: nothing after it is done, nothing can catch it."""


@dataclass(slots=True)
class Faults:
    """How likely each fault is; `calm` switches all off. `happened` tells them for a failing seed."""

    chance: random.Random
    crash: float = 0.02
    lost_reply: float = 0.02
    away: float = 0.02
    intruder: float = 0.03
    calm: bool = False
    intruders: list[str] = field(default_factory=list)  # DNs that somebody else took a moment before us
    happened: list[str] = field(default_factory=list)

    def strikes(self, likelihood: float, what: str) -> bool:
        if self.calm or self.chance.random() >= likelihood:
            return False
        self.happened.append(what)
        return True

    def may_crash(self, where: str) -> None:
        if self.strikes(self.crash, f"crash {where}"):
            raise Crash(where)


@dataclass(slots=True)
class FaultyLedger:
    """A ledger whose process may die before a transaction or right after it."""

    inner: Ledger
    faults: Faults

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.inner, name)
        return self._around(name, call) if name in LEDGER_WRITES else call

    def _around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **more: Any) -> Any:
            self.faults.may_crash(f"before {name}")
            answer = call(*arguments, **more)
            self.faults.may_crash(f"after {name}")
            return answer

        return called


@dataclass(slots=True)
class FaultyDirectory:
    """A directory that goes away, dies in the middle of a batch, or whose last word is lost."""

    inner: FakeDirectory
    faults: Faults

    def __getattr__(self, name: str) -> Any:
        if name in ("observe", "names_with_prefixes", "drift") and self.faults.strikes(
            self.faults.away, name
        ):
            raise UnavailableError("directory", "away")
        return getattr(self.inner, name)

    def apply(self, batches: Sequence[Sequence[Change]]) -> list[Outcome]:
        """One change at a time, so that a fault may stand between an account, its listing and its groups."""
        return [self._applied(batch) for batch in batches]

    def _intrude(self, change: Change) -> None:
        if not isinstance(change, AddEntry) or self.inner.look(change.dn):
            return
        if self.faults.strikes(self.faults.intruder, "intruder"):
            self.inner.plant(change.dn, {"objectclass": ("account",), "description": ("theirs",)})
            self.faults.intruders.append(change.dn)

    def _applied(self, batch: Sequence[Change]) -> Outcome:
        for change in batch:
            self.faults.may_crash("between two changes")
            self._intrude(change)
            if self.faults.strikes(self.faults.away, "directory away"):
                raise UnavailableError("directory", "away in the middle of a batch")
            (outcome,) = self.inner.apply([[change]])
            if self.faults.strikes(self.faults.lost_reply, "reply lost, read-back too"):
                return Unknown(change, "the reply was lost")
            if not isinstance(outcome, Done):
                return outcome
        return Done()
