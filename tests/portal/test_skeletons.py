"""Pages put together from pieces are the pages that the templates make, whatever is typed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markupsafe import Markup

from provisiond.portal import asking
from provisiond.portal.activation.forms import HkidForm
from provisiond.portal.desk import Desk
from provisiond.portal.skeletons import Skeleton, form_page, mark
from provisiond.portal.visit import Visit
from tests.rigs.portal import desk

EVIL = "\"><script>alert('1')</script>{{ 7*7 }} &amp; 陳"


def test_what_stands_between_the_pieces_is_escaped_unless_it_is_markup() -> None:
    skeleton = Skeleton.of(f"<p>{mark('text')}</p>{mark('section')}<i>{mark('text')}</i>")
    made = skeleton.filled({"text": '<&"', "section": Markup("<b>!</b>")})
    assert made == "<p>&lt;&amp;&#34;</p><b>!</b><i>&lt;&amp;&#34;</i>"


def test_a_text_that_looks_like_a_mark_stays_a_text() -> None:
    skeleton = Skeleton.of(f"{mark('one')} {mark('two')}")
    assert skeleton.filled({"one": mark("two"), "two": "2"}) == f"{mark('two')} 2"


# named: a mark is another one in each process, and those that share the tests must know them by the same names
@pytest.mark.parametrize(
    "typed", ["20000001", EVIL, "", mark("number")], ids=["plain", "evil", "nothing", "a mark"]
)
@pytest.mark.parametrize("query", ["", "lang=zh-Hant", "lang=en&x=%22%3E%3Cscript%3E"])
@pytest.mark.parametrize("fault", [None, "We could not confirm who you are."])
def test_a_form_is_the_same_at_the_first_time_and_ever_after(
    typed: str, query: str, fault: str | None
) -> None:
    counter = desk()
    pages = []
    for asked in ("1", typed, typed):
        visit, form = _filled(_visit(counter, query), asked, fault)
        pages.append(_told(bytes(form_page(visit, "activation/identity.html", form, sends_code=True).body)))
    visit, form = _filled(_visit(counter, query), typed, fault)
    plain = _told(bytes(visit.page("activation/identity.html", form=form, sends_code=True).body))
    assert pages[1:] == [plain, plain]


def _visit(counter: Desk, query: str) -> Visit:
    scope = {"method": "GET", "path": "/activate/identity", "query_string": query.encode(), "headers": []}
    return asking.visit(counter, {**scope, "request_id": "-"}, "/activate/identity")


def _filled(visit: Visit, typed: str, fault: str | None) -> tuple[Visit, HkidForm]:
    made = replace(visit)
    form = HkidForm.of(made)
    form.student_id.data = typed
    if fault:
        form.refuse("student_id", fault)
    return made, form


def _told(page: bytes) -> str:
    """Without the token, which is masked anew each time."""
    return re.sub(r'(name="csrf_token" [^>]*value=)"[^"]+"', r"\1", page.decode())
