"""The first pages of activation: the policy, who somebody is, the code by mail. Whatever is entered, what is answered
tells nobody whether there is such a person (identity.py, possession.py)."""

from __future__ import annotations

import structlog
from starlette.background import BackgroundTask
from starlette.responses import Response

from provisiond.domain.errors import ProvisiondError
from provisiond.portal.activation import course
from provisiond.portal.activation.claims import Claim, Evidence
from provisiond.portal.activation.forms import BirthForm, HkidForm, MailedCodeForm, TermsForm
from provisiond.portal.activation.identity import Identified, NotIdentified, Wait
from provisiond.portal.language import N_
from provisiond.portal.rules import CodeWanted
from provisiond.portal.skeletons import form_page
from provisiond.portal.trouble import too_many
from provisiond.portal.visit import Stage, Visit
from provisiond.ports.portal import Proofs

NEUTRAL = N_("We could not confirm who you are. Please check every character of what you entered.")
WRONG_CODE = N_("This code is not right, or no longer good. Use the one from our latest mail.")

log = structlog.get_logger("provisiond.portal")


def terms(visit: Visit) -> Response:
    """Whoever begins here begins anew, whoever was at this browser before."""
    form = TermsForm.of(visit)
    if visit.is_post and form.validate():
        kept = {"terms": visit.desk.rules.terms_version, "terms_at": visit.at.isoformat()}
        visit.begin(Stage.VISITOR, None, kept)
        return visit.redirect("/activate/identity")
    rules, texts = visit.desk.rules, visit.desk.terms
    version = rules.terms_version
    return visit.page("activation/terms.html", form=form, terms=texts[visit.language], version=version)


def by_hkid(visit: Visit) -> Response:
    return _identify(visit, HkidForm, "activation/identity.html")


def by_birth(visit: Visit) -> Response:
    return _identify(visit, BirthForm, "activation/birth.html")


def _identify(visit: Visit, kind: type[HkidForm] | type[BirthForm], template: str) -> Response:
    if course.accepted(visit) is None:
        return visit.redirect("/activate")
    form = kind.of(visit)
    if visit.is_post and form.validate():
        claim = form.claim(visit.at.astimezone(visit.desk.house.zone).date())
        wants_code = _wants_code(visit, claim.evidence)
        check = course.identity_check(visit.desk)
        answer = check.judge(claim, visit.address, visit.at, conclusive=not wants_code)
        if isinstance(answer, Wait):
            log.warning("identity put off", **visit.traces(claim.student_ids[0]), request=visit.request_id)
            raise too_many(answer.delay)
        if isinstance(answer, NotIdentified):
            log.info("identity refused", **visit.traces(claim.student_ids[0]), request=visit.request_id)
        if wants_code or answer.besieged:
            return _ask_code(visit, claim, answer)
        if isinstance(answer, Identified):
            return _proven(visit, answer.proofs)
        form.refuse("student_id", NEUTRAL)
    form.forget()
    return form_page(visit, template, form, sends_code=_wants_code(visit, Evidence.BIRTH))


def _wants_code(visit: Visit, evidence: Evidence) -> bool:
    match visit.desk.rules.activation_code:
        case CodeWanted.ALWAYS:
            return True
        case CodeWanted.BIRTH_DATE:
            return evidence is Evidence.BIRTH
        case CodeWanted.NEVER:
            return False


def _ask_code(visit: Visit, claim: Claim, answer: Identified | NotIdentified) -> Response:
    """The same page for everybody. The mail is ordered when the answer has been sent, so that it takes no longer
    where there is somebody."""
    proofs = answer.proofs if isinstance(answer, Identified) else None
    claimed = {"who": claim.student_ids[0], "claimed": (proofs.person_id or "") if proofs else ""}
    visit.begin(Stage.VISITOR, None, course.acceptance(visit) | claimed)
    return _sending(visit)


def _sending(visit: Visit) -> Response:
    made = visit.redirect("/activate/code")
    made.background = BackgroundTask(_send, visit)
    return made


def _send(visit: Visit) -> None:
    """Nobody waits for it any more: what goes wrong is for the log, and the page offers to send it again."""
    try:
        if person_id := visit.content.get("claimed"):
            course.possession(visit.desk).send(person_id, visit.at)
    except ProvisiondError as error:
        log.warning("code not sent", error=type(error).__name__, request=visit.request_id)


def mailed_code(visit: Visit) -> Response:
    if course.accepted(visit) is None or "claimed" not in visit.content:
        return visit.redirect("/activate/identity")
    form = MailedCodeForm.of(visit)
    if visit.is_post and form.validate():
        claimed, who = visit.content["claimed"] or None, visit.content["who"]
        answer = course.possession(visit.desk).shown(
            claimed, who, form.code.data or "", visit.address, visit.at
        )
        if isinstance(answer, Wait):
            raise too_many(answer.delay)
        if answer:
            course.identity_check(visit.desk).attempts.succeeded(who, visit.address)
            return _begin_proven(visit, claimed, who, mailed=True)
        log.info("mailed code refused", **visit.traces(who), request=visit.request_id)
        form.refuse("code", WRONG_CODE)
    return visit.page("activation/code.html", form=form, lasts=visit.desk.policy.portal.code_lasts)


def send_again(visit: Visit) -> Response:
    if "claimed" not in visit.content:
        return visit.redirect("/activate/identity")
    visit.remember(sent_again=visit.at.isoformat())
    return _sending(visit)


def leave(visit: Visit) -> Response:
    """Not the person who sits here now."""
    visit.end()
    return visit.redirect("/")


def _proven(visit: Visit, proofs: Proofs) -> Response:
    return _begin_proven(visit, proofs.person_id, proofs.student_id)


def _begin_proven(visit: Visit, person_id: str | None, student_id: str, mailed: bool = False) -> Response:
    """`mailed`: by a code of the mail, too; nobody is asked for two of them (first_phone.py)."""
    version = course.accepted(visit)
    if person_id is not None and version is not None:
        visit.desk.ledger.accept(person_id, *version)
    about = {"purpose": course.ACTIVATION, "student": student_id, "mailed": mailed}
    visit.begin(Stage.PROVEN, person_id, course.acceptance(visit) | about)
    return visit.redirect(course.ACCOUNT)
