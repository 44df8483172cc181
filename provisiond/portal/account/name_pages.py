"""Pages: the display name, and the full-name address of postgraduates."""

from __future__ import annotations

from starlette.responses import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are of 3.2

from provisiond.domain.aliases import AliasFault, NoAlias
from provisiond.domain.model import Account
from provisiond.portal.account import services
from provisiond.portal.account.contact_pages import TEXT_FAULTS
from provisiond.portal.account.forms import AliasForm, DisplayNameForm
from provisiond.portal.account.membership import member, proven_member
from provisiond.portal.account.naming import AliasOffer
from provisiond.portal.application import Page
from provisiond.portal.language import N_
from provisiond.portal.visit import Stage, Visit

ALIAS_FAULTS = {
    AliasFault.CHARACTERS: N_("Use letters from A to Z, figures, and single dots between them."),
    AliasFault.TOO_LONG: N_("That is too long: at most 64 characters."),
    AliasFault.NOT_YOUR_NAME: N_(
        "It must be made of your own name: your surname, and given names, preferred name or initials beside it."
    ),
    AliasFault.RESERVED: N_("That address cannot be given to anybody. Choose another one."),
    AliasFault.TAKEN: N_("That address was given to somebody before. Choose another one."),
}


def display_name(visit: Visit, account: Account) -> Response:
    service = services.naming(visit.desk)
    names = service.names(account, visit.at)
    form = DisplayNameForm.of(visit, name=names.now)
    if visit.is_post and form.validate():
        checked = service.choose_display_name(account, form.text("name"), visit.at)
        if not checked.faults:
            return visit.redirect("/account?done=display-name")
        for fault in checked.faults:
            form.refuse("name", TEXT_FAULTS[fault])
    return visit.page("account/display-name.html", 422 if form.errors else 200, form=form, names=names)


def alias(visit: Visit, account: Account) -> Response:
    service = services.naming(visit.desk)
    offer = service.offer(account, visit.at)
    form = _alias_form(visit, offer)
    if visit.is_post and form.validate():
        answer = service.choose_alias(account, form.wanted, visit.at)
        if answer == ():
            return visit.redirect("/account?done=alias")
        if not isinstance(answer, NoAlias):
            for fault in answer:
                form.refuse("other" if not form.choice.data else "choice", ALIAS_FAULTS[fault])
    return visit.page(
        "account/alias.html",
        422 if form.errors else 200,
        form=form,
        offer=offer,
        domain=visit.desk.house.mail_domain,
    )


def _alias_form(visit: Visit, offer: AliasOffer) -> AliasForm:
    domain = visit.desk.house.mail_domain
    first = offer.suggestions[0] if offer.suggestions else ""
    form = AliasForm.of(visit, choice=first)
    offered = [SelectChoice(one, f"{one}@{domain}") for one in offer.suggestions]
    form.choice.choices = [*offered, SelectChoice("", N_("Another one that I write below"))]
    return form


PAGES = (
    Page("/account/display-name", Stage.MEMBER, get=member(display_name), post=member(display_name)),
    Page("/account/alias", Stage.MEMBER, get=proven_member(alias), post=proven_member(alias)),
)
