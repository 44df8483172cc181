"""The shipped nginx configuration in a real nginx, in front of the portal's socket."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3
from playwright.sync_api import Browser, expect
from starlette.responses import Response

from provisiond.portal.application import Page
from provisiond.portal.site import PAGES
from provisiond.portal.visit import Stage, Visit
from tests.portal.sampler import sampler
from tests.rigs.browser import screen
from tests.rigs.nginx import NAME, nginx
from tests.rigs.portal import desk, on_socket
from tests.rigs.visitor import Visitor


def _who(visit: Visit) -> Response:
    told = f"{visit.address} own={visit.headers.get('x-own-check', '')!r}"
    return Response(told, media_type="text/plain")


@dataclass(frozen=True)
class Site:
    port: int
    folder: Path

    def visitor(self) -> Visitor:
        pool = urllib3.PoolManager(
            retries=False,
            ca_certs=str(self.folder / "cert.pem"),
            server_hostname=NAME,
            assert_hostname=NAME,
        )
        return Visitor(f"https://127.0.0.1:{self.port}", host=NAME, pool=pool)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("nginx")
    pages = (
        *PAGES,
        Page("/who", Stage.VISITOR, get=_who),
        Page("/sampler", Stage.VISITOR, get=sampler, post=sampler),
    )
    what = desk(
        templates=[Path(__file__).with_name("templates")],
        hosts=frozenset({NAME, "localhost"}),
        trusts_proxy=True,
    )
    with on_socket(what, folder / "http.sock", pages), nginx(folder, folder / "http.sock") as port:
        yield Site(port, folder)


def test_a_forged_address_does_not_get_through(site: Site) -> None:
    """What a client writes into X-Forwarded-For is replaced by where it really comes from."""
    seen = site.visitor().get("/who", X_Forwarded_For="203.0.113.7", Forwarded="for=203.0.113.7")
    assert seen.text.startswith("127.0.0.1 ")


def test_nobody_outside_is_taken_for_the_portals_own_check(site: Site) -> None:
    assert site.visitor().get("/who", X_Own_Check="secret").text.endswith("own=''")


def test_pages_and_their_headers_come_through(site: Site) -> None:
    seen = site.visitor().get("/")
    assert seen.status == 200 and "default-src 'none'" in seen.headers["content-security-policy"]
    assert seen.headers["strict-transport-security"].startswith("max-age=63072000")
    assert seen.headers["cache-control"] == "no-store"
    assert seen.headers.get("server") == "nginx"  # without its version


def test_what_is_too_long_ends_at_nginx(site: Site) -> None:
    seen = site.visitor().post("/sampler", {"x": "y" * 70_000})
    assert seen.status == 413


def test_the_log_holds_no_query(site: Site) -> None:
    site.visitor().get("/who?code=SECRET-CODE", Referer="https://x.example/SECRET-CODE")
    logs = "".join(file.read_text() for file in site.folder.glob("*.log"))
    assert '"GET /who" 200' in logs and "SECRET-CODE" not in logs


def test_old_versions_of_tls_are_refused(site: Site) -> None:
    assert _handshake(site.port, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        _handshake(site.port, ssl.TLSVersion.TLSv1_1)


def _handshake(port: int, at_most: ssl.TLSVersion) -> str | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")  # else it is our own side that refuses
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = min(at_most, ssl.TLSVersion.TLSv1_2)
        context.maximum_version = at_most
    with socket.create_connection(("127.0.0.1", port), 5) as way, context.wrap_socket(way) as wrapped:
        return wrapped.version()


def test_a_browser_keeps_the_session_over_https(site: Site, chromium: Browser) -> None:
    """A form with its token, as a student sends it."""
    with screen(chromium, f"https://localhost:{site.port}") as seen:
        seen.page.goto("/sampler")
        cookies = {cookie["name"]: cookie for cookie in seen.page.context.cookies()}
        assert cookies["__Host-session"]["secure"] and cookies["__Host-session"]["httpOnly"]
        seen.page.locator("form button[type=submit]").click()
        expect(seen.page.get_by_role("alert")).to_be_visible()
