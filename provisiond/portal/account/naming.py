"""How a person is called in mails: the display name, and the full-name address of postgraduates.

Which names will do is the domain's to say; here it is looked up what is taken, and a choice becomes an order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from provisiond.domain import aliases
from provisiond.domain.aliases import AliasFault, NoAlias
from provisiond.domain.display_names import Checked, display_name
from provisiond.domain.entries import chosen_name
from provisiond.domain.entries import display_name as name_by_policy
from provisiond.domain.errors import RejectedError
from provisiond.domain.lifecycle import Standing
from provisiond.domain.model import Account
from provisiond.domain.policy import Policy
from provisiond.portal.account.overview import standing_of
from provisiond.portal.account.own_history import STUDENT
from provisiond.ports.portal import PortalLedger


@dataclass(frozen=True, slots=True)
class Names:
    """`by_policy`: what mails say while nobody chose."""

    now: str
    by_policy: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class AliasOffer:
    """`left`: how often may still be chosen, this one included; `why_none`: not at all."""

    current: str | None
    earlier: tuple[str, ...]
    suggestions: tuple[str, ...]
    left: int
    why_none: NoAlias | None


@dataclass(frozen=True, slots=True)
class Naming:
    ledger: PortalLedger
    policy: Policy
    zone: tzinfo

    def names(self, account: Account, at: datetime) -> Names:
        record = self._standing(account, at).record
        now, by_policy = chosen_name(account, record), name_by_policy(record)
        return Names(now, by_policy, now != by_policy)

    def choose_display_name(self, account: Account, text: str, at: datetime) -> Checked:
        """Kept where it has no faults; nothing written means the name that policy makes."""
        record = self._standing(account, at).record
        if not text.strip():
            self.ledger.set_display_name(account.person_id, None, STUDENT, at)
            return Checked(name_by_policy(record), ())
        checked = display_name(text, record, self.policy.portal)
        if not checked.faults:
            self.ledger.set_display_name(account.person_id, checked.value, STUDENT, at)
        return checked

    def has_alias_page(self, account: Account, at: datetime) -> bool:
        """Whether there is anything on it: the person may have one, or has."""
        why_none = aliases.why_none(account, self._standing(account, at), self.policy.portal)
        return bool(account.aliases) or why_none is None

    def offer(self, account: Account, at: datetime) -> AliasOffer:
        standing = self._standing(account, at)
        why_none = aliases.why_none(account, standing, self.policy.portal)
        *earlier, current = account.aliases or (None,)
        return AliasOffer(
            current,
            tuple(alias for alias in earlier if alias),
            () if why_none else self._suggestions(standing),
            aliases.changes_left(account, self.policy.portal),
            why_none,
        )

    def choose_alias(self, account: Account, alias: str, at: datetime) -> tuple[AliasFault, ...] | NoAlias:
        """Given, where nothing speaks against it. The ledger has the last word on what is taken."""
        standing = self._standing(account, at)
        if why_none := aliases.why_none(account, standing, self.policy.portal):
            return why_none
        wanted = alias.strip()
        taken = self._taken([wanted])
        if faults := aliases.faults(wanted, standing.record, self.policy.names, taken):
            return faults
        try:
            domain, allowed = self.policy.directory.mail_domain, aliases.allowed(self.policy.portal)
            given = self.ledger.give_alias(account.person_id, wanted, domain, STUDENT, at, allowed)
        except RejectedError:
            return (AliasFault.TAKEN,)
        return () if given else NoAlias.CHANGES  # another request was faster

    def _suggestions(self, standing: Standing) -> tuple[str, ...]:
        """All that may come up are looked up at once: about two hundred."""
        possible = aliases.candidates(standing.record, self.policy.names)
        return aliases.suggestions(standing.record, self.policy.names, self._taken(possible))

    def _taken(self, wanted: Iterable[str]) -> frozenset[str]:
        return self.ledger.taken([alias.lower() for alias in wanted])

    def _standing(self, account: Account, at: datetime) -> Standing:
        return standing_of(account, at.astimezone(self.zone).date(), self.zone, self.policy)
