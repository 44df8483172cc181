"""One request as a view sees it: who asks, in which language, with which session; and the ways to answer it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import ImmutableMultiDict
from starlette.responses import HTMLResponse, RedirectResponse, Response

from provisiond.domain.model import Language
from provisiond.portal import csrf, devices
from provisiond.portal.activation.attempts import within
from provisiond.portal.desk import Desk
from provisiond.portal.language import Sentence, Speech, language_of, preferred
from provisiond.ports.short_memory import LoggedIn, WebSession

SESSION_COOKIE = "__Host-session"
LANGUAGE_COOKIE = "__Host-language"
_A_YEAR = 365 * 24 * 3600


class Stage(StrEnum):
    """How far somebody has come in this session. With each stage the session gets another token."""

    VISITOR = "visitor"
    PROVEN = "proven"  # identity proven, in activation or a forgotten password
    PASSWORD = "password"  # noqa: S105 - right, the second factor is still owed
    MEMBER = "member"  # both


@dataclass
class Visit:
    """Made for one request, used by one thread. `route`: the pattern of the page (`/directory/{name}`), `path` what
    was asked for; `query` and `form` hold text as it came."""

    desk: Desk
    method: str
    route: str
    path: str
    parameters: Mapping[str, str]
    query: ImmutableMultiDict[str, str]
    form: ImmutableMultiDict[str, str]
    cookies: Mapping[str, str]
    headers: Mapping[str, str]
    address: str
    request_id: str
    at: datetime
    _set: dict[str, tuple[str, int | None]] = field(default_factory=dict)

    # -- language
    @cached_property
    def language(self) -> Language:
        asked = language_of(self.query.get("lang", ""))
        if asked:
            self._set[LANGUAGE_COOKIE] = (asked.value, _A_YEAR)
        kept = language_of(self.cookies.get(LANGUAGE_COOKIE, ""))
        return asked or kept or preferred(self.headers.get("accept-language", ""))

    def in_language(self, tag: str) -> str:
        """A link to this page in that language."""
        kept = [(key, value) for key, value in self.query.multi_items() if key != "lang"]
        return "?" + urlencode([*kept, ("lang", tag)])

    @property
    def speech(self) -> Speech:
        return self.desk.speeches[self.language]

    def say(self, what: Sentence | str) -> str:
        return self.speech.say(what)

    # -- session
    @cached_property
    def _token(self) -> str | None:
        """What the browser sent: of a session, or of a visitor's who has none."""
        sent = self.cookies.get(SESSION_COOKIE, "")
        return sent if csrf.is_token(sent) else None

    @cached_property
    def session(self) -> WebSession | None:
        """What is kept between requests; None: nothing."""
        return self.desk.sessions.load(self._token, self.at) if self._token else None

    @property
    def stage(self) -> Stage:
        return Stage(self.session.stage) if self.session else Stage.VISITOR

    @property
    def person_id(self) -> str:
        """Whose session it is. Only after the page's stage was checked."""
        assert self.session and self.session.person_id, "the page is for those who proved who they are"
        return self.session.person_id

    @property
    def content(self) -> Mapping[str, Any]:
        return self.session.content if self.session else {}

    def begin(
        self,
        stage: Stage,
        person_id: str | None,
        content: Mapping[str, Any] | None = None,
        proved: bool = False,
    ) -> None:
        """Another stage: another token, and the one before is void. `proved`: password and second factor were
        shown."""
        before = self.session
        same = (
            before is not None and before.person_id == person_id
        )  # what another person showed proves nothing
        proved_at = self.at if proved else before.proved_at if before and same else None
        entered_at, device = self._entered(stage, before if same else None)
        begun = WebSession(
            person_id, stage.value, dict(content or {}), self.at, self.at, proved_at, entered_at, device
        )
        self._keep(begun)

    def _entered(self, stage: Stage, before: WebSession | None) -> tuple[datetime | None, str | None]:
        """When and with what the person logged in: a new token alone is no new log-in."""
        if stage is not Stage.MEMBER:
            return None, None
        if before and before.entered_at:
            return before.entered_at, before.device
        return self.at, devices.word(self.headers.get("user-agent", ""))

    def remember(self, **content: Any) -> None:
        """Add to what is kept of this session; JSON, never a secret. None takes it away."""
        nobody = WebSession(None, Stage.VISITOR.value, {}, self.at, self.at, None, None, None)
        before = self.session or nobody
        now = {key: value for key, value in {**before.content, **content}.items() if value is not None}
        if self.session and self._token:  # never under a token that the browser made up
            self.desk.sessions.keep(self._token, changed := replace(before, content=now))
            self.session = changed
        else:
            self._keep(replace(before, content=now))

    def end(self) -> None:
        """Log out."""
        if self._token:
            self.desk.sessions.end(self._token)
        self.session = None
        self._give(secrets.token_urlsafe(32))

    def end_other_sessions(self, person_id: str) -> None:
        """Wherever else that person is logged in."""
        self.desk.sessions.end_all(person_id, but=self._token)

    def logged_in(self) -> Sequence[LoggedIn]:
        """Where this person is, here first."""
        return self.desk.sessions.logged_in(self.person_id, self._token or "", self.at)

    # -- what the log may say of who was refused
    def traces(self, who: str) -> dict[str, str]:
        """Keyed digests of where a request came from and of whom it was about: failures can be put together, and
        whoever reads the log learns neither."""
        said = {"source": within(self.address, 64), "about": who}
        return {key: self.desk.digests.opaque("log", f"{key} {text}")[:16] for key, text in said.items()}

    def _keep(self, session: WebSession) -> None:
        token = secrets.token_urlsafe(32)
        self.desk.sessions.keep(token, session, replaces=self._token if self.session else None)
        self._give(token)
        self.session = session

    def set_cookie(self, name: str, value: str, lasting: int) -> None:
        """With the answer to this request; `lasting`: seconds."""
        self._set[name] = (value, lasting)

    def _give(self, token: str) -> None:
        self._token = token
        self._set[SESSION_COOKIE] = (token, None)

    # -- forms
    @property
    def is_post(self) -> bool:
        return self.method == "POST"

    @cached_property
    def csrf_token(self) -> str:
        """For a form on the page that answers this request."""
        if self._token is None:
            self._give(secrets.token_urlsafe(32))
        assert self._token
        return csrf.masked(self._csrf_digest(self._token))

    def has_csrf_token(self) -> bool:
        sent = self.form.get(csrf.FIELD, "")
        return self._token is not None and csrf.fits(sent, self._csrf_digest(self._token))

    def _csrf_digest(self, token: str) -> bytes:
        return bytes.fromhex(self.desk.digests.opaque("csrf", token))

    # -- answers
    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """`template`: its path below templates/."""
        return self.answer(self.desk.pages.render(self.language, template, values | {"visit": self}), status)

    def answer(self, body: str, status: int = 200) -> Response:
        """A page that was rendered."""
        return self.dressed(HTMLResponse(body, status, {"Content-Language": self.language.value}))

    def redirect(self, path: str) -> Response:
        """To another page of ours, after a form was taken."""
        assert path.startswith("/") and not path.startswith("//"), "only to ourselves"
        return self.dressed(RedirectResponse(path, 303))

    def dressed(self, response: Response) -> Response:
        """With the cookies that this visit sets."""
        for name, (value, lasting) in self._set.items():
            response.set_cookie(name, value, lasting, path="/", secure=True, httponly=True, samesite="lax")
        return response
