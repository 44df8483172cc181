"""Pages: contact details, written, looked at as others will see them, then kept."""

from __future__ import annotations

from starlette.responses import Response

from provisiond.domain.characters import TextFault
from provisiond.domain.model import Account
from provisiond.portal.account import services
from provisiond.portal.account.contact_choice import Choice
from provisiond.portal.account.forms import ContactForm, seen_name, standing_in, text_name
from provisiond.portal.account.membership import member
from provisiond.portal.account.own_history import STUDENT
from provisiond.portal.application import Page
from provisiond.portal.language import N_
from provisiond.portal.visit import Stage, Visit

TEXT_FAULTS = {
    TextFault.EMPTY: N_("Write something that has letters in it."),
    TextFault.TOO_LONG: N_("That is too long."),
    TextFault.INVISIBLE: N_("There are characters in it that nobody can see. Type it again without them."),
    TextFault.MIXED_SCRIPTS: N_(
        "It mixes letters of several alphabets that look alike. Use the letters of one alphabet."
    ),
    TextFault.CHARACTERS: N_("It has characters that are not used for this. Use letters."),
    TextFault.OFFICE: N_("That sounds like an office of the University. Choose another name."),
    TextFault.NOT_YOUR_NAME: N_("Your surname, or the preferred name that the registry has, must be in it."),
    TextFault.NO_TELEPHONE: N_(
        "Enter a telephone number such as 9123 4567, or with + and the country code from elsewhere."
    ),
    TextFault.NO_WEBSITE: N_("Enter an address such as https://example.org/me; it must begin with https://."),
}


def contact(visit: Visit, account: Account) -> Response:
    """Written (`step` is missing or `edit`), previewed (`preview`), kept (`save`)."""
    form = ContactForm.of(visit, **standing_in(account.contact, account.unlisted))
    step = visit.form.get("step", "")
    if not visit.is_post or step == "edit" or not form.validate():
        return _form_page(visit, account, form)
    choice = _checked(visit, account, form)
    if choice.faults:
        return _form_page(visit, account, form)
    if step != "save":
        return _preview_page(visit, account, form, choice)
    visit.desk.ledger.set_contact(account.person_id, choice.details, choice.unlisted, STUDENT, visit.at)
    return visit.redirect("/account?done=contact")


def _checked(visit: Visit, account: Account, form: ContactForm) -> Choice:
    service = services.contact_choice(visit.desk)
    wishes = form.wishes(service.fields)
    choice = service.checked(account, wishes, bool(form.unlisted.data), visit.at)
    for field, faults in choice.faults.items():
        for fault in faults:
            form.refuse(text_name(field), TEXT_FAULTS[fault])
    return choice


def _form_page(visit: Visit, account: Account, form: ContactForm) -> Response:
    service = services.contact_choice(visit.desk)
    pairs = [(form[text_name(field)], form[seen_name(field)], field.value) for field in service.fields]
    return visit.page(
        "account/contact.html",
        422 if form.errors else 200,
        form=form,
        pairs=pairs,
        is_confidential=service.is_confidential(account),
    )


def _preview_page(visit: Visit, account: Account, form: ContactForm, choice: Choice) -> Response:
    preview = services.contact_choice(visit.desk).preview(account, choice, visit.at)
    kept = [(field.name, field.data) for field in form if field.name != "csrf_token" and field.data]
    return visit.page("account/contact-preview.html", form=form, preview=preview, kept=kept)


PAGES = (Page("/account/contact", Stage.MEMBER, get=member(contact), post=member(contact)),)
