"""The history of an account as its owner may read it: when, who (in which part), what. Mails have a table of their
own, and what concerns operators alone (parked, addresses) is left out; the download has every line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from provisiond.ports.facts import HistoryLine

STUDENT = "student"
"""The actor of what a person did here: the person of the line."""
_HERE = frozenset({STUDENT, "portal"})
_MACHINES = frozenset({"cycle", "outbox", "inbox"})


class Who(StrEnum):
    """Operators are not named: their names are theirs."""

    YOU = "you"
    UNIVERSITY = "university"  # the registry's word, carried out by the daemon
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Happened:
    """`what`: the word of the history; `detail`: what the words of the page need of it."""

    at: datetime
    who: Who
    what: str
    detail: Mapping[str, Any]


TOLD = frozenset(
    {
        "account-created",
        "account-adopted",
        "state-changed",
        "activated",
        "policy-accepted",
        "hold-set",
        "hold-released",
        "extended",
        "extension-refused",
        "listing-choice",
        "contact-set",
        "display-name-set",
        "alias-given",
        "password-set",
        "password-changed",
        "second-factor-enrolled",
        "second-factor-changed",
        "recovery-codes-changed",
        "recovery-code-used",
        "re-enrolment-asked",
        "re-enrolment-issued",
        "code-used",
        "code-withdrawn",
        "data-downloaded",
        "logged-out",
        "log-in-ended",
        "other-log-ins-ended",
    }
)
"""Events that have words in the templates."""


def own_history(lines: Iterable[HistoryLine]) -> list[Happened]:
    """Newest first."""
    told = [_happened(line) for line in lines if line.event in TOLD]
    return told[::-1]


def who(actor: str) -> Who:
    if actor in _HERE:
        return Who.YOU
    return Who.UNIVERSITY if actor in _MACHINES else Who.STAFF


def detail_of(line: HistoryLine) -> Mapping[str, Any]:
    """The detail is JSON of our own writing; names of operators are not among what is told."""
    read = json.loads(line.detail or "{}")
    return {key: value for key, value in read.items() if key != "issued_by"} if isinstance(read, dict) else {}


def _happened(line: HistoryLine) -> Happened:
    return Happened(line.at, who(line.actor), line.event, detail_of(line))
