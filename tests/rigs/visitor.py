"""A browser without a screen: keeps cookies (also Secure ones, over plain HTTP on this machine), follows our
redirects, and fills in the forms that it finds on a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3


@dataclass(frozen=True)
class Seen:
    """An answer. `forms`: of each form its action and the values that stand in it."""

    url: str
    status: int
    headers: Mapping[str, str]
    text: str
    set_cookies: tuple[str, ...]

    @property
    def forms(self) -> list[tuple[str, dict[str, str]]]:
        found = _Forms()
        found.feed(self.text)
        return found.forms


@dataclass
class Visitor:
    """`base`: http://127.0.0.1:PORT; `host`: the name it asks for; `headers`: sent with everything."""

    base: str
    host: str = "localhost"
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def get(self, path: str, *, follow: bool = True, **headers: str) -> Seen:
        return self._followed(self._sent("GET", path, None, headers), follow)

    def post(self, path: str, values: Mapping[str, str], *, follow: bool = True, **headers: str) -> Seen:
        """Exactly these values: no token comes by itself."""
        return self._followed(self._sent("POST", path, values, headers), follow)

    def fill(self, page: Seen, *, form: int = 0, follow: bool = True, **values: str) -> Seen:
        """The form of that page with what stands in it, and these values."""
        return self.filled(page, values, form=form, follow=follow)

    def filled(self, page: Seen, values: Mapping[str, str], *, form: int = 0, follow: bool = True) -> Seen:
        """The same, of values in a mapping."""
        action, found = page.forms[form]
        path = urlsplit(urljoin(page.url, action or page.url))
        return self.post(
            path.path + (f"?{path.query}" if path.query else ""), {**found, **values}, follow=follow
        )

    def _followed(self, seen: Seen, follow: bool) -> Seen:
        for _ in range(5):
            if not follow or seen.status not in (302, 303):
                return seen
            seen = self._sent("GET", seen.headers["location"], None, {})
        raise AssertionError("redirected for ever")

    def _sent(
        self, method: str, path: str, values: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Seen:
        asked = {"Host": self.host, **self.headers}
        asked |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            asked["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if values is not None:
            body = urlencode(values).encode()
            asked.setdefault("Content-Type", "application/x-www-form-urlencoded")
        answer = self.pool.request(method, self.base + path, body=body, headers=asked, redirect=False)
        for line in answer.headers.getlist("set-cookie"):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        told = {name.lower(): value for name, value in answer.headers.items()}
        cookies = tuple(answer.headers.getlist("set-cookie"))
        return Seen(path, answer.status, told, answer.data.decode(), cookies)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append((given.get("action") or "", {}))
        elif tag == "input" and self.forms and given.get("name"):
            if given.get("type") in ("checkbox", "radio") and "checked" not in given:
                return
            self.forms[-1][1][str(given["name"])] = given.get("value") or ""
