"""Where a person is logged in, and ending that elsewhere. Decides how a page names a log-in: by a keyed digest for
its owner alone, so that what stands in a form is no secret and never another person's. Whether to ask for fresh proof
is the pages' to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provisiond.portal.account.own_history import STUDENT
from provisiond.portal.activation.attempts import Opaque
from provisiond.ports.portal import PortalLedger
from provisiond.ports.short_memory import LoggedIn, Sessions


@dataclass(frozen=True, slots=True)
class LogIns:
    ledger: PortalLedger
    sessions: Sessions
    digests: Opaque

    def name(self, person_id: str, one: LoggedIn) -> str:
        """By which a form says which one."""
        return self.digests.opaque("log-in", f"{person_id} {one.mark}")[:32]

    def end(self, person_id: str, named: str, known: Sequence[LoggedIn], at: datetime) -> bool:
        """One elsewhere. `known`: where the person is now. False: there is none of that name (any more)."""
        found = [one for one in known if not one.is_this and self.name(person_id, one) == named]
        ended = bool(found) and self.sessions.end_marked(person_id, found[0].mark)
        if ended:
            self.ledger.note(person_id, "log-in-ended", STUDENT, {}, at)
        return ended

    def end_others(
        self,
        person_id: str,
        end_sessions: Callable[[str], None],
        known: Sequence[LoggedIn],
        at: datetime,
    ) -> bool:
        """Every one but this, with those that are half-way or idle. False: nobody was logged in elsewhere."""
        were = any(not one.is_this for one in known)
        end_sessions(person_id)
        if were:
            self.ledger.note(person_id, "other-log-ins-ended", STUDENT, {}, at)
        return were
