"""Opens the ledger that the configuration names, and asks who leads. A module of its own: who wants no more than that
need not import directory, registries and mail, which bootstrap puts together with it."""

from __future__ import annotations

from contextlib import closing

from provisiond.adapters.ledger.leadership import Leader, Leadership, leader
from provisiond.adapters.ledger.leadership import leadership as leadership_of
from provisiond.adapters.ledger.place import Place, place
from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.ports import LedgerFacts
from provisiond.settings import Outline, Settings


def ledger_place(settings: Settings | Outline) -> Place:
    return place(settings.ledger.url, settings.ledger.password)


def ledger_leadership(settings: Settings) -> Leadership:
    """For a daemon: nothing is asked yet."""
    return leadership_of(ledger_place(settings))


def ledger_leader(settings: Settings | Outline) -> Leader | None:
    """Who leads now, if anybody does."""
    return leader(ledger_place(settings))


def open_ledger(
    settings: Settings | Outline, *, create: bool = False, fence: int | None = None, epoch: int | None = None
) -> SqlLedger:
    where = settings.ledger
    return SqlLedger.open(where.url, create=create, password=where.password, fence=fence, epoch=epoch)


def ledger_facts(settings: Settings | Outline) -> LedgerFacts:
    """On a connection of its own, so that it can be asked beside a cycle."""
    with closing(open_ledger(settings)) as ledger:
        return ledger.facts()
