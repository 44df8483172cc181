"""What is no fault of the section [portal] and still worth saying before students come; told by `check` and by
`portal --check` alike."""

from __future__ import annotations

from collections.abc import Iterator

from provisiond.adapters.ledger.place import place
from provisiond.ownership import is_owners_alone
from provisiond.portal.rules import CodeWanted, Rules
from provisiond.settings import LedgerSettings
from provisiond.settings.portal_section import SAMPLE_TERMS


def portal_notes(rules: Rules, ledger: LedgerSettings, *, sends_mail: bool) -> Iterator[str]:
    where = place(ledger.url, ledger.password).path
    if where and is_owners_alone(where.parent):
        yield (
            f"the ledger lies in {where.parent}, where its owner alone may write: provisiond-portal.service, which"
            " has a user of its own, cannot use it there (docs/operations.md, Portal)"
        )
    if rules.terms_version == SAMPLE_TERMS:
        yield "students accept a sample of an acceptable use policy; write your own ([portal] terms)"
    if not sends_mail and rules.activation_code is not CodeWanted.NEVER:
        yield "no mail server is configured ([mail] host): activation codes do not go out"
