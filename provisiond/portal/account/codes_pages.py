"""Pages that hand over new recovery codes: shown until their owner says that they are kept, and never again.
Meanwhile they wait sealed in the session, so that a reload or a form sent twice spoils nothing."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence

from starlette.responses import Response

from provisiond.domain.model import Account
from provisiond.portal.account.membership import member
from provisiond.portal.activation.forms import EmptyForm
from provisiond.portal.application import Page
from provisiond.portal.language import N_
from provisiond.portal.sealed import opened
from provisiond.portal.visit import Stage, Visit

_SHOWN = {Stage.MEMBER: "/account/new-codes", Stage.PROVEN: "/new-phone/codes"}


def hand_over(visit: Visit, codes: Sequence[str], onward: str) -> Response:
    """The session gets another token, since what opens the account has changed."""
    sealed = visit.desk.vault.seal(json.dumps(list(codes)).encode(), visit.person_id)
    content = {**visit.content, "codes": b64encode(sealed).decode(), "onward": onward}
    stage = visit.stage
    visit.begin(stage, visit.person_id, content)
    return visit.redirect(_SHOWN[stage])


def kept_view(visit: Visit, _account: Account) -> Response:
    """Kept: the session forgets them. Who came by the help desk has to log in with what is new."""
    onward = str(visit.content.get("onward", "/account"))
    codes = _waiting(visit)
    if codes is None:
        return visit.redirect("/account")
    if visit.query.get("as") == "file":
        return _file(visit, codes)
    if visit.is_post:
        if visit.stage is Stage.MEMBER:
            visit.remember(codes=None, onward=None)
        else:
            visit.end()
        return visit.redirect(onward)
    return visit.page("account/codes-shown.html", codes=codes, form=EmptyForm.of(visit))


def _waiting(visit: Visit) -> list[str] | None:
    sealed = visit.content.get("codes")
    if not isinstance(sealed, str):
        return None
    codes = json.loads(opened(visit.desk.vault, b64decode(sealed), visit.person_id))
    return [str(code) for code in codes]


def _file(visit: Visit, codes: Sequence[str]) -> Response:
    """To keep in a password manager, or to print."""
    heading = visit.say(N_("Recovery codes of your network account. Each one is good once."))
    text = "\r\n".join([visit.desk.house.named(visit.language), heading, "", *codes, ""])
    headers = {"Content-Disposition": 'attachment; filename="recovery-codes.txt"'}
    return visit.dressed(Response(text, headers=headers, media_type="text/plain; charset=utf-8"))


PAGES = (Page(_SHOWN[Stage.MEMBER], Stage.MEMBER, get=member(kept_view), post=member(kept_view)),)
