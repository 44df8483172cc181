"""The pages of the second factor: a secret for an app, one code as proof that it arrived, ten recovery codes.

Secret and codes are made together and wait sealed, the secret in the ledger, the codes in the session. So a form that
is sent twice, or sixteen times at once, activates once, and every answer leads to the same codes."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import timedelta

from markupsafe import Markup
from starlette.responses import Response

from provisiond.portal import known_browser
from provisiond.portal.activation import course
from provisiond.portal.activation.factors import enrolment, new_secret, step_of
from provisiond.portal.activation.forms import EmptyForm, TotpForm
from provisiond.portal.activation.recovery import code_set, new_codes
from provisiond.portal.activation.situation import Particulars, PhoneMissing
from provisiond.portal.language import N_
from provisiond.portal.sealed import opened, opens
from provisiond.portal.trouble import too_many
from provisiond.portal.visit import Stage, Visit
from provisiond.ports.portal import Factor
from provisiond.ports.short_memory import Rate

_TRIES = Rate("new-factor", 60, timedelta(hours=1))  # nobody guesses what the page itself shows

WRONG = N_(
    "This is not the code of this moment. Wait for the next one. If that fails too, let your phone set its clock "
    "by itself."
)
REPLACED = N_(
    "The set-up was begun again in another window. Scan this new picture and enter the code that it gives."
)


def factor(visit: Visit) -> Response:
    if not course.is_proven(visit):
        return visit.redirect("/activate")
    mine, found = _pending(visit), course.whereabouts(visit)
    if course.confirmed(visit) is not None:  # looked at last: another request of this session may be faster
        return visit.redirect(course.CODES)
    who, is_active = course.enrolling(found), isinstance(found, PhoneMissing)
    if who is None:
        return visit.redirect(course.ACCOUNT)
    if "password_at" not in visit.content:
        return visit.redirect(course.ACCOUNT if is_active else course.PASSWORD)
    if is_active:
        visit.remember(was_active=True)
    form = TotpForm.of(visit)
    if visit.is_post and form.validate():
        if mine is None:
            form.refuse("code", REPLACED)
        elif _confirm(visit, mine, form):
            return visit.redirect(course.CODES)
    return _page(visit, who, form, mine or _begun(visit), is_active)


def _page(visit: Visit, who: Particulars, form: TotpForm, pending: Factor, is_active: bool) -> Response:
    secret = opened(visit.desk.vault, pending.sealed, who.person_id)
    shown = enrolment(secret, who.mail, visit.desk.house.name)
    form.code.data = ""
    picture = Markup(shown.picture)  # noqa: S704 - segno's own, of digits and paths
    return visit.page(
        "activation/factor.html",
        form=form,
        who=who,
        url=shown.url,
        key=shown.key,
        picture=picture,
        is_active=is_active,
    )


def _confirm(visit: Visit, mine: Factor, form: TotpForm) -> bool:
    """False: a fault stands in the form."""
    desk, person_id, accepted = visit.desk, mine.person_id, course.accepted(visit)
    assert accepted is not None, "looked at when the page began"
    key = desk.digests.opaque("throttle", f"new factor {person_id}")
    if delay := desk.throttle.admit([(_TRIES, key)], visit.at):
        raise too_many(delay)
    secret = opened(desk.vault, mine.sealed, person_id)
    step = step_of(secret, form.code.data or "", visit.at)
    if step is None:
        form.refuse("code", WRONG)
        return False
    desk.directory.put_token(
        person_id, secret
    )  # before it counts: a token that nothing links to does no harm
    codes = code_set(_codes(visit), visit.at)
    # False: another request with this code was faster, and led to the same codes
    done = desk.ledger.complete_activation(person_id, mine.id, step, codes, accepted, visit.at)
    if done and "was_active" not in visit.content:
        desk.tally.activated()
    return True


def _pending(visit: Visit) -> Factor | None:
    """The one that this session began, unless another window began anew, or its key is gone."""
    found = visit.desk.ledger.pending_factor(visit.person_id)
    if found is None or found.id != visit.content.get("factor"):
        return None
    return found if opens(visit.desk.vault, found.sealed, found.person_id) else None


def _begun(visit: Visit) -> Factor:
    desk, person_id = visit.desk, visit.person_id
    begun = desk.ledger.begin_factor(person_id, desk.vault.seal(new_secret(), person_id), visit.at)
    sealed = desk.vault.seal(json.dumps(new_codes()).encode(), person_id)
    visit.remember(factor=begun.id, codes=b64encode(sealed).decode())
    return begun


def _codes(visit: Visit) -> tuple[str, ...]:
    sealed = b64decode(visit.content["codes"])
    return tuple(json.loads(opened(visit.desk.vault, sealed, visit.person_id)))


def codes(visit: Visit) -> Response:
    """Shown until the person says that they are kept, and never again."""
    if not course.is_proven(visit) or course.confirmed(visit) is None:
        return visit.redirect(course.ACCOUNT)
    form = EmptyForm.of(visit)
    if visit.is_post and form.validate():
        person_id, was_active = visit.person_id, "was_active" in visit.content
        visit.end_other_sessions(person_id)
        visit.begin(Stage.MEMBER, person_id, {"activated": True}, proved=True)
        if account := visit.desk.ledger.account(person_id):
            known_browser.remember(visit, account.account_name)
        return visit.redirect("/account?done=first-phone" if was_active else course.DONE)
    return visit.page("activation/codes.html", form=form, codes=_codes(visit))


def codes_file(visit: Visit) -> Response:
    """To keep in a password manager, or to print."""
    if not course.is_proven(visit) or course.confirmed(visit) is None:
        return visit.redirect(course.ACCOUNT)
    heading = visit.say(N_("Recovery codes of your network account. Each one is good once."))
    name = visit.desk.house.named(visit.language)
    text = "\r\n".join([name, heading, "", *_codes(visit), ""])
    headers = {"Content-Disposition": 'attachment; filename="recovery-codes.txt"'}
    return visit.dressed(Response(text, headers=headers, media_type="text/plain; charset=utf-8"))
