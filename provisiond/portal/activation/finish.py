"""The last page of activation: what works now, and what the daemon is still writing. The page asks again until all is
there; without JavaScript the reader does."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from provisiond.domain.model import Account, State
from provisiond.portal.visit import Visit


@dataclass(frozen=True, slots=True)
class Progress:
    """`services`: the groups that open them are there. `listing`: the entry of the communications directory; None:
    there will be none."""

    services: bool
    listing: bool | None

    @property
    def is_done(self) -> bool:
        return self.services and self.listing is not False


def done(visit: Visit) -> Response:
    account = visit.desk.ledger.account(visit.person_id)
    if account is None or account.activated_at is None:
        return visit.redirect("/")
    mail = f"{account.account_name}@{visit.desk.house.mail_domain}"
    return visit.page(
        "activation/done.html",
        account_name=account.account_name,
        mail=mail,
        progress=progress_of(visit, account),
    )


def progress(visit: Visit) -> Response:
    account = visit.desk.ledger.account(visit.person_id)
    if account is None:
        return visit.dressed(JSONResponse({}, 404))
    found = progress_of(visit, account)
    told = {"services": found.services, "listing": found.listing is not False, "done": found.is_done}
    return visit.dressed(JSONResponse(told))


def progress_of(visit: Visit, account: Account) -> Progress:
    shown = visit.desk.directory.shown(account.person_id)
    services = shown is not None and shown.state is not None and shown.state != State.PENDING
    return Progress(services, _listing(visit, account))


def _listing(visit: Visit, account: Account) -> bool | None:
    if account.unlisted or any(record.confidential for record in account.records):
        return None
    return visit.desk.listings.listing(account.account_name) is not None
