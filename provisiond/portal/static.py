"""Style, script and icons, read at start and served from memory under names that hold their digest, so that a browser
keeps them for ever and never sees an old one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.responses import Response

from provisiond.portal.colour import style

FOLDER = Path(__file__).with_name("static")
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class Static:
    """An ASGI application for what lies below /static/; `url` says where a file is."""

    def __init__(self, accent: str) -> None:
        self._urls: dict[str, str] = {}
        self._answers: dict[str, Response] = {}
        for file in sorted(FOLDER.iterdir()):
            if file.suffix in _KINDS:
                self._add(file, accent)

    def _add(self, file: Path, accent: str) -> None:
        content = file.read_bytes().replace(b"/* accent */", style(accent).encode())
        digest = hashlib.sha256(content).hexdigest()[:12]
        name = f"{file.stem}.{digest}{file.suffix}"
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        self._urls[file.name] = f"/static/{name}"
        self._answers[name] = Response(content, media_type=_KINDS[file.suffix], headers=headers)

    def url(self, name: str) -> str:
        return self._urls[name]

    def named(self, name: str) -> Response | None:
        return self._answers.get(name)
