"""What operators order, and persons themselves through the portal: facts about one person, with who and why.

An order changes an account the same way whether it is tried (`ordered`, pure) or recorded in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from provisiond.domain.model import Account, ContactDetail, Extension, Hold, HoldKind, Occurrence


@dataclass(frozen=True, slots=True)
class Activate:
    """`unlisted`: whether the person wants no listing (None: as it was)."""

    at: datetime
    actor: str
    unlisted: bool | None = None


@dataclass(frozen=True, slots=True)
class SetHold:
    hold: Hold


@dataclass(frozen=True, slots=True)
class Release:
    """`kind` None: every hold."""

    kind: HoldKind | None
    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Extend:
    extension: Extension


@dataclass(frozen=True, slots=True)
class Tell:
    """Nothing changes; the person is told what happened."""

    occurrence: Occurrence


@dataclass(frozen=True, slots=True)
class SetContact:
    """In place of what was there. `unlisted`: whether the person wants no listing."""

    details: tuple[ContactDetail, ...]
    unlisted: bool
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class ChooseDisplayName:
    """None: as policy makes it."""

    name: str | None
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class GiveAlias:
    """A further local part of the lifelong address, in that domain; the earlier ones stay."""

    alias: str
    domain: str
    at: datetime
    actor: str


Order = Activate | SetHold | Release | Extend | Tell | SetContact | ChooseDisplayName | GiveAlias


def ordered(account: Account, order: Order) -> Account:
    """The account as it is once the order stands in the ledger."""
    match order:
        case Activate(at=at, unlisted=unlisted):
            hidden = account.unlisted if unlisted is None else unlisted
            return replace(account, activated_at=account.activated_at or at, unlisted=hidden)
        case SetHold(hold=hold):
            others = tuple(h for h in account.holds if h.kind is not hold.kind)
            return replace(account, holds=(*others, hold))
        case Release(kind=kind):
            left = tuple(h for h in account.holds if kind is not None and h.kind is not kind)
            return replace(account, holds=left)
        case Extend(extension=extension):
            return replace(account, extensions=(*account.extensions, extension))
        case Tell(occurrence=occurrence):
            return replace(account, occurrences=(*account.occurrences, occurrence))
        case SetContact(details=details, unlisted=unlisted):
            return replace(account, contact=details, unlisted=unlisted)
        case ChooseDisplayName(name=name):
            return replace(account, display_name=name)
        case GiveAlias(alias=alias):
            return replace(account, aliases=_with(account.aliases, alias))
        case _:
            assert_never(order)


def _with(aliases: tuple[str, ...], alias: str) -> tuple[str, ...]:
    """Once, however it is written."""
    return aliases if alias.lower() in map(str.lower, aliases) else (*aliases, alias)
