"""The content security policy as Chromium obeys it: a script that got into a page does not run, a form cannot be led
elsewhere, no other site can frame a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from markupsafe import Markup
from playwright.sync_api import Browser
from starlette.responses import HTMLResponse, Response

from provisiond.portal.application import Page
from provisiond.portal.site import PAGES
from provisiond.portal.visit import Stage, Visit
from tests.rigs.portal import desk, serving

INJECTED = Markup(
    "<!doctype html><title>broken into</title><body onload=\"document.title='ran'\">"
    "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
    "<script src='https://evil.example/x.js'></script><style>body{display:none}</style><base href='//evil.example/'>"
    "<a id=link href=\"javascript:document.title='ran'\">link</a>"
    "<form action='https://evil.example/'><button id=send>send</button></form>"
)


def _broken_into(visit: Visit) -> Response:
    """As if a template of ours had not escaped."""
    return visit.dressed(HTMLResponse(INJECTED))


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    pages = (*PAGES, Page("/broken-into", Stage.VISITOR, get=_broken_into))
    with serving(desk(), pages) as address:
        yield address.replace("127.0.0.1", "localhost")


def test_what_got_into_a_page_does_not_run(chromium: Browser, base: str) -> None:
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{base}/broken-into")
    assert page.title() == "broken into", said
    page.evaluate("document.querySelector('#link').click()")
    page.wait_for_timeout(100)
    assert (page.title(), page.url) == ("broken into", f"{base}/broken-into"), said
    page.evaluate("document.querySelector('#send').click()")
    page.wait_for_timeout(100)
    assert page.title() != "ran" and "evil.example" not in page.url
    refused = [text for text in said if "Content Security Policy" in text]
    for directive in ("script-src 'self'", "style-src 'self'", "form-action 'self'", "base-uri 'none'"):
        assert any(directive in text for text in refused), (directive, said)
    page.close()


def test_no_page_is_shown_in_the_frame_of_another_site(chromium: Browser, base: str) -> None:
    """Clickjacking: what the frame shows is the browser's own refusal."""
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.set_content(f'<iframe src="{base}/login"></iframe>')
    page.wait_for_function("frames.length == 1")
    for _ in range(100):
        if said:
            break
        page.wait_for_timeout(50)
    assert any("frame-ancestors 'none'" in text for text in said), said
    page.close()
