"""The web's own rules, over HTTP: languages, forms and their tokens, sessions, refusals, headers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.responses import Response
from wtforms import StringField

from provisiond.domain.errors import UnavailableError
from provisiond.portal.application import Page
from provisiond.portal.forms import Fault, Form
from provisiond.portal.site import PAGES
from provisiond.portal.trouble import too_many
from provisiond.portal.visit import SESSION_COOKIE, Stage, Visit
from tests.rigs.portal import MemorySessions, desk, serving
from tests.rigs.visitor import Visitor


class _Wish(Form):
    wish = StringField("Wish")

    def validate_wish(self, field: StringField) -> None:
        if not field.data:
            raise Fault("Write something.")


def _wish(visit: Visit) -> Response:
    form = _Wish.of(visit)
    if visit.is_post and form.validate():
        visit.begin(Stage.PROVEN, "person", {"wish": form.wish.data})
        return visit.redirect("/granted")
    return visit.page("wish.html", form=form)


def _granted(visit: Visit) -> Response:
    return Response(f"{visit.person_id} {visit.content['wish']} {visit.address}", media_type="text/plain")


def _away(visit: Visit) -> Response:
    raise UnavailableError("ledger", "is away")


def _broken(visit: Visit) -> Response:
    raise ValueError("with a secret")


def _slow_down(visit: Visit) -> Response:
    raise too_many(timedelta(seconds=90))


@pytest.fixture(scope="module")
def sessions() -> MemorySessions:
    return MemorySessions()


@pytest.fixture(scope="module")
def base(sessions: MemorySessions) -> Iterator[str]:
    pages = (
        *PAGES,
        Page("/wish", Stage.VISITOR, get=_wish, post=_wish),
        Page("/granted", Stage.PROVEN, get=_granted),
        Page("/mine", Stage.MEMBER, get=_granted),
        Page("/away", Stage.VISITOR, get=_away),
        Page("/broken", Stage.VISITOR, get=_broken),
        Page("/slow", Stage.VISITOR, get=_slow_down),
    )
    with serving(
        desk(sessions=sessions, templates=[Path(__file__).with_name("templates")]), pages
    ) as address:
        yield address


@pytest.fixture
def visitor(base: str) -> Visitor:
    return Visitor(base)


def test_the_start_page_offers_activation_and_log_in(visitor: Visitor) -> None:
    """… and sets no cookie for somebody who only reads."""
    seen = visitor.get("/")
    assert seen.status == 200
    assert 'href="/activate"' in seen.text and 'href="/login"' in seen.text
    assert seen.set_cookies == ()


def test_a_form_is_taken_with_its_token_and_the_session_gets_another_one(
    visitor: Visitor, sessions: MemorySessions
) -> None:
    page = visitor.get("/wish")
    before = visitor.cookies[SESSION_COOKIE]
    seen = visitor.fill(page, wish="rain")
    assert seen.text == "person rain 127.0.0.1"
    assert visitor.cookies[SESSION_COOKIE] != before
    assert before not in sessions.kept


def test_the_cookie_of_a_session_goes_to_us_alone(visitor: Visitor) -> None:
    """Secure, not for scripts, for this host only."""
    [cookie] = visitor.get("/wish").set_cookies
    assert cookie.startswith("__Host-session=")
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=lax"} <= set(
        cookie.split("; ")
    ) and "Domain" not in cookie


def test_a_form_without_its_token_is_refused(visitor: Visitor) -> None:
    """… with another visitor's as well."""
    visitor.get("/wish")
    assert visitor.post("/wish", {"wish": "rain"}).status == 403
    _, other = Visitor(visitor.base).get("/wish").forms[0]
    assert visitor.post("/wish", other | {"wish": "rain"}).status == 403


def test_a_form_sent_from_another_site_is_refused(visitor: Visitor) -> None:
    page = visitor.get("/wish")
    _, values = page.forms[0]
    assert visitor.post("/wish", values, Sec_Fetch_Site="cross-site").status == 403
    assert visitor.post("/wish", values, Sec_Fetch_Site="same-site").status == 403
    assert visitor.post("/wish", values, Origin="https://evil.example").status == 403
    assert visitor.post("/wish", values, Origin="null").status == 403
    assert visitor.post("/wish", values, Origin="http://localhost", wish="").status == 200


def test_a_session_under_a_made_up_token_is_none(visitor: Visitor, sessions: MemorySessions) -> None:
    """Fixation: what somebody else put into the browser never becomes a session."""
    visitor.cookies[SESSION_COOKIE] = planted = "A" * 43
    visitor.fill(visitor.get("/wish"), wish="rain")
    assert visitor.cookies[SESSION_COOKIE] != planted
    assert planted not in sessions.kept


def test_pages_are_for_those_who_have_come_that_far(visitor: Visitor) -> None:
    """Who proved an identity is not logged in; who is neither is sent to the start of either."""
    assert visitor.get("/granted", follow=False).headers["location"] == "/"
    assert visitor.get("/mine", follow=False).headers["location"] == "/login"
    visitor.fill(visitor.get("/wish"), wish="rain")
    assert visitor.get("/granted", follow=False).status == 200
    assert visitor.get("/mine", follow=False).headers["location"] == "/login"


def test_a_fault_is_told_at_the_top_and_at_its_field(visitor: Visitor) -> None:
    seen = visitor.fill(visitor.get("/wish"))
    assert '<a href="#wish">Write something.</a>' in seen.text
    assert 'aria-describedby="wish-hint wish-fault"' in seen.text and 'aria-invalid="true"' in seen.text
    assert "<title>Error: Wish" in seen.text


def test_what_was_written_is_shown_as_text(visitor: Visitor) -> None:
    seen = visitor.fill(visitor.get("/wish"), wish="", csrf_token="<script>alert(1)</script>")
    assert seen.status == 403 and "<script>alert" not in seen.text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-HK,zh;q=0.9,en;q=0.8", "zh-Hant"),
        ("en-GB,zh;q=0.5", "en"),
        ("fr", "en"),
        ("zh;q=0", "en"),
        ("", "en"),
    ],
)
def test_the_browser_says_which_language(visitor: Visitor, accepted: str, language: str) -> None:
    seen = visitor.get("/", Accept_Language=accepted)
    assert f'<html lang="{language}">' in seen.text and seen.headers["content-language"] == language


def test_the_language_that_was_chosen_stays(visitor: Visitor) -> None:
    assert "啟用" in visitor.get("/?lang=zh-Hant").text
    assert "啟用" in visitor.get("/", Accept_Language="en").text
    assert "Activate" in visitor.get("/?lang=en").text


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/away", 503), ("/broken", 500), ("/slow", 429)]
)
@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_trouble_has_a_page_in_both_languages(
    visitor: Visitor, path: str, status: int, language: str
) -> None:
    """… which tells what to do, and nothing of the inside."""
    seen = visitor.get(f"{path}?lang={language}")
    assert seen.status == status
    assert f'<html lang="{language}">' in seen.text
    assert "secret" not in seen.text and "ValueError" not in seen.text


def test_who_must_wait_is_told_how_long(visitor: Visitor) -> None:
    assert visitor.get("/slow").headers["retry-after"] == "90"
    assert "90 seconds" in visitor.get("/slow").text
    assert visitor.get("/away").headers["retry-after"] == "30"


def test_a_page_takes_only_the_methods_it_has(visitor: Visitor) -> None:
    assert visitor.post("/granted", {}).status == 405
    assert visitor.post("/granted", {}).headers["allow"] == "GET, HEAD"


def test_a_name_that_is_not_ours_is_refused(base: str) -> None:
    assert Visitor(base, host="evil.example").get("/").status == 421
    assert Visitor(base, host="LOCALHOST:8443").get("/").status == 200


def test_what_is_too_long_or_no_form_is_refused(visitor: Visitor) -> None:
    page = visitor.get("/wish")
    assert visitor.fill(page, wish="x" * 65536).status == 413
    assert visitor.post("/wish", {}, Content_Type="application/json").status == 415
    assert visitor.post("/wish", page.forms[0][1] | {f"more{n}": "x" for n in range(100)}).status == 400
    assert visitor.fill(page, wish="a\0b").status == 400


@pytest.mark.parametrize("path", ["/", "/nowhere", "/broken"])
def test_every_page_tells_the_browser_what_it_may_do(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["strict-transport-security"].startswith("max-age=63072000")
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers


def test_static_files_are_kept_for_ever_under_their_digest(visitor: Visitor) -> None:
    style = next(part for part in visitor.get("/").text.split('"') if part.startswith("/static/portal."))
    seen = visitor.get(style)
    assert seen.status == 200 and "immutable" in seen.headers["cache-control"]
    assert "--accent: #1c4f82" in seen.text
    assert visitor.get("/static/../static.py").status == 404
