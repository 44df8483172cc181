"""The portal on a loopback port, in a thread of this process, with parts of the test's own choice. What a test does
not give is not there: using it fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import uvicorn
from starlette.types import ASGIApp

from provisiond.adapters.clock import SystemClock
from provisiond.adapters.digests import Digests
from provisiond.domain.model import Language
from provisiond.portal.application import Page, application
from provisiond.portal.desk import Desk
from provisiond.portal.language import Speech, speeches
from provisiond.portal.pages import TEMPLATES, Pages
from provisiond.portal.rules import House, Rules
from provisiond.portal.site import PAGES
from provisiond.portal.static import Static
from provisiond.portal.terms import rendered
from provisiond.ports.short_memory import WebSession
from tests.rigs.lives import a_policy

HOUSE = House(
    name="Example University",
    chinese_name="示例大學",
    domain="example.edu",
    mail_domain="connect.example.edu",
    help_mail="help@example.edu",
    zone=ZoneInfo("Asia/Hong_Kong"),
)
RULES = Rules("2026-09", {Language.ENGLISH: "# Acceptable use", Language.CHINESE: "# 使用守則"})


class Missing:
    """In place of a part that a test has no use for."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the test gave the portal no part that could {name}")


@dataclass
class MemorySessions:
    """ports.short_memory.Sessions in memory, for tests of the web alone."""

    kept: dict[str, WebSession] = field(default_factory=dict)
    idle_after: timedelta = timedelta(minutes=15)

    def load(self, token: str, at: datetime) -> WebSession | None:
        found = self.kept.get(token)
        return found if found and at - found.seen_at <= self.idle_after else None

    def keep(self, token: str, session: WebSession, replaces: str | None = None) -> None:
        self.kept.pop(replaces or "", None)
        self.kept[token] = session

    def end(self, token: str) -> None:
        self.kept.pop(token, None)

    def end_all(self, person_id: str, but: str | None = None) -> int:
        gone = [token for token, one in self.kept.items() if one.person_id == person_id and token != but]
        for token in gone:
            del self.kept[token]
        return len(gone)

    def purge(self, at: datetime) -> int:
        return 0


def desk(**parts: Any) -> Desk:
    """With these parts instead of missing ones."""
    house = parts.pop("house", HOUSE)
    rules = parts.pop("rules", RULES)
    said, static, pages = _looks(house, (TEMPLATES, *parts.pop("templates", ())))
    missing = cast(Any, Missing())
    made = {
        "house": house,
        "rules": rules,
        "policy": a_policy(),
        "clock": SystemClock(),
        "ledger": missing,
        "directory": missing,
        "listings": missing,
        "sessions": MemorySessions(),
        "throttle": missing,
        "digests": Digests(b"k" * 32),
        "vault": missing,
        "passwords": missing,
        "terms": rendered(rules.terms),
        "speeches": said,
        "pages": pages,
        "static": static,
        "hosts": frozenset({"localhost"}),
        "trusts_proxy": False,
    }
    return Desk(**made | parts)


@cache
def _looks(house: House, folders: tuple[Path, ...]) -> tuple[Mapping[Language, Speech], Static, Pages]:
    """Compiled once: it takes longer than most tests."""
    said, static = speeches(house.zone), Static(house.accent)
    return said, static, Pages(house, said, static, folders)


@contextmanager
def serving(what: Desk, pages: Sequence[Page] = PAGES) -> Iterator[str]:
    """Its address, as `http://127.0.0.1:PORT`."""
    with listening(application(what, pages)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def on_socket(what: Desk, path: Path, pages: Sequence[Page] = PAGES) -> Iterator[None]:
    """As behind a proxy of the same machine."""
    with _served(
        uvicorn.Config(
            application(what, pages), uds=str(path), log_config=None, access_log=False, proxy_headers=False
        )
    ):
        yield


@contextmanager
def listening(app: ASGIApp) -> Iterator[int]:
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,  # as adapters/web_server.py
    )
    with _served(config) as server:
        yield server.servers[0].sockets[0].getsockname()[1]


@contextmanager
def _served(config: uvicorn.Config) -> Iterator[uvicorn.Server]:
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    started = threading.Event()
    while not server.started and thread.is_alive():
        started.wait(0.01)
    try:
        assert server.started, "uvicorn did not start"
        yield server
    finally:
        server.should_exit = True
        thread.join(10)
