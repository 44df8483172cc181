"""A browser without a screen, for `--once`: keeps cookies, follows redirects, fills in the form of a page. It stands
for a real one on http://localhost, where browsers keep Secure cookies too."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from provisiond.domain.errors import ProvisiondError

_REDIRECTS = (302, 303)


class WalkError(ProvisiondError):
    """The portal answered in another way than the demo tells."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page. `hidden`: what its first form brings along; `action`: where that goes."""

    path: str
    status: int
    text: str
    action: str
    hidden: Mapping[str, str]
    location: str


@dataclass(slots=True)
class Browser:
    """`port` of the portal on this machine; `page`: what it shows."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    page: Shown | None = None

    def open(self, path: str) -> Shown:
        return self._followed(self._asked("GET", path))

    def fill(self, page: Shown, **values: str) -> Shown:
        """Send the form of that page with these values."""
        path = urljoin(page.path, page.action or page.path)
        return self._followed(self._asked("POST", path, urlencode({**page.hidden, **values})))

    def _followed(self, shown: Shown) -> Shown:
        for _ in range(5):
            if shown.status not in _REDIRECTS:
                break
            shown = self._asked("GET", shown.location)
        self.page = shown
        return shown

    def _asked(self, method: str, path: str, body: str | None = None) -> Shown:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Host": f"localhost:{self.port}", "Accept-Language": "en"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise WalkError(f"the portal does not answer {path}: {error}") from error
        finally:
            connection.close()
        for line in answer.headers.get_all("set-cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        form = _FirstForm()
        form.feed(text)
        location = urlsplit(answer.headers.get("location", ""))
        onward = location.path + (f"?{location.query}" if location.query else "")
        return Shown(path, answer.status, text, form.action, form.hidden, onward)


class _FirstForm(HTMLParser):
    """Of the part named main: what stands above it is the same on every page."""

    def __init__(self) -> None:
        super().__init__()
        self.action, self.hidden = "", dict[str, str]()
        self._in_main, self._form = False, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_main |= tag == "main"
        if tag == "form" and self._in_main:
            self._form += 1
            if self._form == 1:
                self.action = given.get("action", "")
        elif tag == "input" and self._form == 1 and given.get("type") == "hidden":
            self.hidden[given.get("name", "")] = given.get("value", "")
