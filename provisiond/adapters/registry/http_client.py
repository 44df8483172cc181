"""One page by HTTP: certificate verified, within limits of time and size, tried again where that is harmless.

Decides what an answer may look like; what is in it is for others. Messages show no query string and no token."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError, TimeoutError
from urllib3.util import Retry, Timeout

from provisiond.adapters.registry.http_source import HttpSource
from provisiond.adapters.registry.refusal import refused
from provisiond.domain.errors import UnavailableError

_CHUNK = 65536
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
_WAIT_AT_MOST = 30  # seconds between two tries, whatever Retry-After says


@dataclass(frozen=True, slots=True)
class Page:
    """`body` is empty where nothing changed (304)."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class HttpClient:
    """For one fetch: the time limit begins when it is made."""

    def __init__(self, source: HttpSource) -> None:
        self._source = source
        self._deadline = time.monotonic() + source.timeout
        self._received = 0
        self._pool = urllib3.PoolManager(
            maxsize=1,
            retries=False,
            timeout=Timeout(connect=source.connect_timeout, read=source.read_timeout),
            ssl_context=ssl.create_default_context(cafile=source.ca_file),
        )

    @property
    def label(self) -> str:
        parts = urlsplit(self._source.url)
        return f"{parts.hostname}{parts.path}"

    def get(self, url: str, etag: str | None = None) -> Page:
        """Raises UnavailableError when no try succeeded, UnsafeFetchError where the answer is not data."""
        headers = self._headers(etag)
        retry = Retry(
            self._source.retries, backoff_factor=0.2, backoff_max=_WAIT_AT_MOST, retry_after_max=_WAIT_AT_MOST
        )
        while True:
            answer: Any = None
            try:
                answer = self._pool.request(
                    "GET", url, headers=headers, preload_content=False, redirect=False
                )
                if answer.status not in _TRY_AGAIN:
                    return self._page(answer)
                cause = f"it answers {answer.status}"
            except HTTPError as error:
                cause = _cause(error)
            finally:
                if answer is not None:
                    answer.close()
            retry = self._next_try(retry, url, answer, cause)

    def _next_try(self, retry: Retry, url: str, answer: Any, cause: str) -> Retry:
        """Waits, longer each time."""
        self._in_time()
        try:
            retry = retry.increment("GET", url, error=HTTPError(cause))
        except MaxRetryError:
            raise self._unavailable(f"{cause}, {self._source.retries + 1} times") from None
        except HTTPError:
            raise self._unavailable(cause) from None
        retry.sleep(answer if answer is not None and answer.status in _TRY_AGAIN else None)
        return retry

    def _headers(self, etag: str | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "provisiond"}
        if self._source.token:
            headers["Authorization"] = f"Bearer {self._source.token}"
        if etag:
            headers["If-None-Match"] = etag
        return headers

    def _page(self, answer: Any) -> Page:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status == 304:
            return Page(304, headers, b"")
        self._refuse_other(answer.status, headers)
        return Page(answer.status, headers, self._body(answer))

    def _refuse_other(self, status: int, headers: Mapping[str, str]) -> None:
        if status in (401, 403):
            raise self._unavailable(f"it answers {status}: it does not accept the token")
        if 300 <= status < 400:
            cause = f"it answers {status}, a redirect (to a log-in page?), instead of data"
            raise refused(self.label, cause, "look at the URL and the token")
        if status != 200:
            raise self._unavailable(f"it answers {status}")
        kind, _, parameters = headers.get("content-type", "").lower().partition(";")
        if kind.strip() != "application/json" and not kind.strip().endswith("+json"):
            told = kind.strip() or "no content type"
            raise refused(
                self.label, f"it gives {told}, not JSON", "look at the URL in a browser: a log-in page?"
            )
        charset = parameters.partition("charset=")[2].strip(' "')
        if charset not in ("", "utf-8", "utf8"):
            raise refused(
                self.label, f"it is in {charset}; JSON is UTF-8 (RFC 8259)", "have it exported in UTF-8"
            )

    def _body(self, answer: Any) -> bytes:
        source, parts, size = self._source, list[bytes](), 0
        while part := answer.read1(_CHUNK):  # what is there: a full chunk is long in coming where it drips
            self._in_time()
            size += len(part)
            self._received += len(part)
            if size > source.maximum_page_size or self._received > source.maximum_size:
                key = "maximum_page_size" if size > source.maximum_page_size else "maximum_size"
                raise refused(self.label, f"it is larger than {key}", "have it paged, or raise the limit")
            parts.append(part)
        return b"".join(parts)

    def _in_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise self._unavailable(f"not done within {self._source.timeout} seconds")

    def _unavailable(self, cause: str) -> UnavailableError:
        name = self._source.name
        return UnavailableError(
            "registry", f"{name} ({self.label}): {cause}; look at the service and its log"
        )


def _cause(error: HTTPError) -> str:
    """In our words: the library's hold addresses of objects, so that no two are the same."""
    reason = getattr(error, "reason", None) or error
    match reason:
        case SSLError():
            return (
                f"its certificate is not trusted ({getattr(reason.args[0], 'verify_message', 'TLS fails')})"
            )
        case NewConnectionError():  # before TimeoutError, of which it is one
            return "it cannot be connected to"
        case TimeoutError():
            return "it does not answer in time"
        case _:
            return "the connection broke before the answer was complete"
