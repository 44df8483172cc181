"""The pages of the directory: search with its answer, one person, the same as a vCard. Each asks the directory once
at most; reading sets no cookie, and an answer may be kept by the reader's own browser for a minute."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from provisiond.portal import skeletons
from provisiond.portal.application import Page
from provisiond.portal.directory import limits
from provisiond.portal.directory.card import Card, card, person
from provisiond.portal.directory.query import PAGE, Query
from provisiond.portal.directory.vcard import vcard
from provisiond.portal.trouble import not_found
from provisiond.portal.visit import Stage, Visit
from provisiond.ports.portal_directory import ListingPage

_SEARCH = "directory/search.html"
_NOBODY = ListingPage((), more=False)
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z", re.ASCII)


def search(visit: Visit) -> Response:
    query = Query.of(visit.query)
    if not query.is_asked or query.fault:
        return _answer(visit, query, _NOBODY)
    wait = limits.wait(visit)
    if wait:
        return _busy(visit, query, wait)
    return _answer(visit, query, _found(visit, query))


def entry(visit: Visit) -> Response:
    """Who is not listed, is confidential or was never here: there is no such page."""
    wait = limits.wait(visit)
    if wait:
        return _busy(visit, Query.of(visit.query).nothing, wait)
    return _kept(visit.page("directory/person.html", card=_card(visit)))


def download(visit: Visit) -> Response:
    wait = limits.wait(visit)
    if wait:
        return _busy(visit, Query.of(visit.query).nothing, wait)
    shown, house = _card(visit), visit.desk.house
    address = f"{house.portal_url.rstrip('/')}{shown.path}" if house.portal_url else None
    made = Response(vcard(shown, house.name, address), media_type="text/vcard; charset=utf-8")
    name = shown.account_name if _FILE_NAME.match(shown.account_name) else "contact"
    made.headers["Content-Disposition"] = f'attachment; filename="{name}.vcf"'
    return _kept(visit.dressed(made))


def _found(visit: Visit, query: Query) -> ListingPage:
    """The page that is asked for, out of one search: whoever asks cannot say where it begins."""
    end = query.page * PAGE
    found = visit.desk.listings.find(query.text, query.department or None, None, end)
    return ListingPage(found.listings[end - PAGE :], found.more, found.cut)


def _card(visit: Visit) -> Card:
    found = visit.desk.listings.listing(visit.parameters["name"])
    if found is None:
        raise not_found()
    return card(found)


def _answer(visit: Visit, query: Query, found: ListingPage) -> Response:
    departments = visit.desk.listings.departments()
    answered = query.is_asked and not query.fault
    section = skeletons.section(_section(visit, query, found) if answered else "")
    if query.fault or (query.department and query.department not in departments):
        return _kept(_page(visit, query, departments, section))
    key = (query.is_asked, bool(query.text), query.department, query.page, departments)
    texts = {"text": query.text, "section": section}
    return _kept(skeletons.page(visit, _SEARCH, key, texts, lambda: _marked(query, departments)))


def _marked(query: Query, departments: tuple[str, ...]) -> dict[str, Any]:
    text = skeletons.mark("text") if query.text else ""
    section = skeletons.section(skeletons.mark("section"))
    return _values(replace(query, text=text), departments, section)


def _section(visit: Visit, query: Query, found: ListingPage) -> str:
    people = [person(listing) for listing in found.listings]
    values = {"query": query, "found": found, "people": people}
    return visit.desk.pages.render(visit.language, "directory/found.html", values)


def _busy(visit: Visit, query: Query, wait: timedelta) -> Response:
    """The same page, without an answer."""
    made = _page(visit, query, visit.desk.listings.departments(), skeletons.section(""), wait)
    made.headers["Retry-After"] = str(max(1, -int(-wait.total_seconds() // 1)))
    return _unindexed(made)


def _page(
    visit: Visit, query: Query, departments: tuple[str, ...], section: Markup, wait: timedelta | None = None
) -> Response:
    return visit.page(_SEARCH, 429 if wait else 200, **_values(query, departments, section, wait))


def _values(
    query: Query, departments: tuple[str, ...], section: Markup, wait: timedelta | None = None
) -> dict[str, Any]:
    return {"query": query, "departments": departments, "section": section, "wait": wait}


def _kept(response: Response) -> Response:
    """By the browser alone and not for long; not where it sets the language's cookie."""
    if "set-cookie" not in response.headers:
        response.headers["Cache-Control"] = "private, max-age=60"
        response.headers["Vary"] = "Accept-Language, Cookie"
    return _unindexed(response)


def _unindexed(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


PAGES = (
    Page("/directory", Stage.VISITOR, get=search),
    Page("/directory/{name}.vcf", Stage.VISITOR, get=download),
    Page("/directory/{name}", Stage.VISITOR, get=entry),
)
