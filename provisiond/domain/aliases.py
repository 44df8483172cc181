"""Full-name mail aliases (`Tai.Man.Chan`): who may have one, which ones are suggested, whether a choice will do.

Pure: what is taken the caller looks up (`candidates` first). An alias is a dot-atom (RFC 5321, 4.1.2) of ASCII
letters and digits, made of the person's own romanised names; Chinese characters are never transliterated."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from enum import StrEnum
from itertools import islice

from provisiond.domain import names
from provisiond.domain.lifecycle import Standing
from provisiond.domain.model import Account, RegistryRecord, State
from provisiond.domain.policy import NamePolicy, PortalPolicy

LONGEST = 64  # octets of a local part (RFC 5321, 4.5.3.1.1)
_LAST_NUMBER = 99
_DOT_ATOM = re.compile(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)*")
_STUDYING = frozenset({State.ACTIVE, State.ON_LEAVE, State.GRACE})


class AliasFault(StrEnum):
    """Why a choice will not do, as a machine says it."""

    CHARACTERS = "characters"
    TOO_LONG = "too-long"
    NOT_YOUR_NAME = "not-your-name"
    RESERVED = "reserved"
    TAKEN = "taken"


class NoAlias(StrEnum):
    """Why a person may have no alias (any more)."""

    LEVEL = "level"  # for postgraduates only, as policy says
    STATE = "state"  # not activated, or studies have ended
    CHANGES = "changes"  # every change that policy allows was made


def why_none(account: Account, standing: Standing, policy: PortalPolicy) -> NoAlias | None:
    """None: the person may choose one now."""
    if standing.record.level not in policy.alias_levels:
        return NoAlias.LEVEL
    if account.activated_at is None or standing.state not in _STUDYING or standing.locked:
        return NoAlias.STATE
    return NoAlias.CHANGES if changes_left(account, policy) <= 0 else None


def changes_left(account: Account, policy: PortalPolicy) -> int:
    """How many aliases may still be chosen; the first is no change."""
    return allowed(policy) - len(account.aliases)


def allowed(policy: PortalPolicy) -> int:
    """How many one person may have in all."""
    return 1 + policy.alias_changes


def suggestions(
    record: RegistryRecord, policy: NamePolicy, taken: Container[str], count: int = 5
) -> tuple[str, ...]:
    """The best that are free; `taken` in small letters."""
    free = (alias for alias in candidates(record, policy) if alias.lower() not in taken)
    return tuple(islice(free, count))


def candidates(record: RegistryRecord, policy: NamePolicy) -> Iterator[str]:
    """All that come in question, best first: whole names, initials, middle forms, then numbers."""
    seen: set[str] = set()
    for alias in _forms(record):
        folded = alias.lower()
        if folded not in seen and len(alias) <= LONGEST and not _is_spoilt(folded, policy):
            seen.add(folded)
            yield alias


def faults(
    alias: str, record: RegistryRecord, policy: NamePolicy, taken: Container[str]
) -> tuple[AliasFault, ...]:
    """Everything that speaks against a person's own choice."""
    if not _DOT_ATOM.fullmatch(alias):
        return (AliasFault.CHARACTERS,)
    found = {
        AliasFault.TOO_LONG: len(alias) > LONGEST,
        AliasFault.NOT_YOUR_NAME: not _is_of(alias.lower(), record),
        AliasFault.RESERVED: _is_spoilt(alias.lower(), policy),
        AliasFault.TAKEN: alias.lower() in taken,
    }
    return tuple(fault for fault, wrong in found.items() if wrong)


def _forms(record: RegistryRecord) -> Iterator[str]:
    family, given = _parts(record)
    if not family:
        return
    preferred = names.words(record.preferred_name or "")
    initials = [word[0] for word in given]
    shapes = [
        [*given, *family],
        [*preferred, *family],
        [*initials, *family],
        [*given[:1], *initials[1:], *family],
        [*preferred, *initials, *family],
        ["".join(given), *family],
        [*given, "".join(family)],
        [*preferred, *given, *family],
    ]
    alone = (family, ["".join(family)])  # the surname of somebody who has given names is no full name
    spelt = [_spelt(shape) for shape in shapes if not given or shape not in alone]
    yield from spelt
    for number in range(2, _LAST_NUMBER + 1):
        yield from (f"{alias}.{number}" for alias in spelt[:2])


def _parts(record: RegistryRecord) -> tuple[list[str], list[str]]:
    """Words of the surname and of the given names; a single name stands for the surname."""
    family, given = names.words(record.surname), names.words(record.given_names)
    return (family, given) if family else (given, [])


def _spelt(words: list[str]) -> str:
    return ".".join(word.capitalize() for word in words if word)


def _is_of(alias: str, record: RegistryRecord) -> bool:
    """The whole surname, and beside it only given names, the preferred name, initials and at most a number, whole
    words of which may be run together."""
    family, given = _parts(record)
    *parts, last = alias.split(".")
    if not (last.isdecimal() and parts and len(last) <= 4):
        parts.append(last)
    surname = next((run for run in (family, ["".join(family)]) if run and _stands_in(run, parts)), None)
    if surname is None:
        return False
    others = [*given, *names.words(record.preferred_name or "")]
    allowed = {word[0] for word in others} | _runs(given) | _runs(names.words(record.preferred_name or ""))
    return all(part in allowed | set(surname) for part in parts)


def _stands_in(run: list[str], parts: list[str]) -> bool:
    return any(parts[at : at + len(run)] == run for at in range(len(parts)))


def _runs(words: list[str]) -> set[str]:
    ends = range(1, len(words) + 1)
    return {"".join(words[begin:end]) for end in ends for begin in range(end)}


def _is_spoilt(alias: str, policy: NamePolicy) -> bool:
    """With and without the dots, since people read over them."""
    return any(names.objection(name, policy) is not None for name in {alias, alias.replace(".", "")})
