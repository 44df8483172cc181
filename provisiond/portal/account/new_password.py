"""Sets another password for somebody who has proven themselves: by the old one, or by identity and second factor.

The judge's faults come first, then the directory's; when it holds, the person is told at the personal address and
every other session ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import Account, NoticeKind, Occurrence
from provisiond.portal.account.own_history import STUDENT
from provisiond.portal.activation import words
from provisiond.portal.activation.own_data import Own, own_data
from provisiond.portal.activation.passwords import PasswordJudge, Weakness
from provisiond.portal.language import Sentence
from provisiond.ports.portal import PortalLedger
from provisiond.ports.portal_directory import PasswordRefusal, PortalDirectory

Fault = Weakness | Own | PasswordRefusal


def said(fault: Fault, minimum_length: int) -> Sentence:
    """In words for the page."""
    return (
        words.refusal(fault) if isinstance(fault, PasswordRefusal) else words.weakness(fault, minimum_length)
    )


@dataclass(frozen=True, slots=True)
class NewPassword:
    ledger: PortalLedger
    directory: PortalDirectory
    judge: PasswordJudge

    def set(
        self, account: Account, typed: str, at: datetime, end_sessions: Callable[[str], object]
    ) -> tuple[Fault, ...]:
        """Every reason against it; none: it holds. `end_sessions`: of that person, but this one; also when the
        directory's answer is lost, for the password may have changed all the same."""
        verdict = self.judge.verdict(typed, own_data(account))
        if verdict.faults:
            return verdict.faults
        try:
            refused = self.directory.set_password(account.person_id, verdict.password)
        except UnavailableError:
            end_sessions(account.person_id)
            self.ledger.note(account.person_id, "password-change-unanswered", STUDENT, {}, at)
            raise
        if refused is not None:
            return (refused,)
        end_sessions(account.person_id)
        self.ledger.tell(account.person_id, Occurrence(NoticeKind.PASSWORD_CHANGED, at, "", STUDENT))
        return ()
