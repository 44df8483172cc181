"""Pages of JSON, one after the other: where the records stand, which page is next, whether all of them came.

Refuses what is not JSON, leads elsewhere, goes round in circles or promises another number of records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from provisiond.adapters.registry.http_client import HttpClient, Page
from provisiond.adapters.registry.http_source import HttpSource
from provisiond.adapters.registry.refusal import refused
from provisiond.domain.errors import UnsafeFetchError

_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w*!-]+\s*=\s*(?:"[^"]*"|[^\s;,"]+))*)')
_NEXT = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)', re.IGNORECASE)
_MISSING = object()


def value_at(document: Any, place: str) -> Any:
    """The value at a dotted place or a JSON pointer; None where there is none."""
    found = _found(document, place)
    return None if found is _MISSING else found


def is_at(document: Any, place: str) -> bool:
    return _found(document, place) is not _MISSING


def _found(document: Any, place: str) -> Any:
    for part in _parts(place):
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return _MISSING
    return document


def _parts(place: str) -> list[str]:
    if place.startswith("/"):
        return [part.replace("~1", "/").replace("~0", "~") for part in place[1:].split("/")]
    return place.split(".") if place else []


class JsonPages:
    """The pages of one fetch. `pages` and `records`: how many came so far."""

    def __init__(self, source: HttpSource, client: HttpClient) -> None:
        self._source, self._client, self._file = source, client, client.label
        self._seen: set[bytes] = {_mark(source.url.encode())}
        self._promised: int | None = None
        self.pages = self.records = 0

    def from_page(self, page: Page) -> Iterator[list[Any]]:
        """The records of the first page, which is there already, and of all that follow it."""
        url: str | None = self._source.url
        while url:
            document = self._document(page)
            records = self._records(document)
            if records:
                self._refuse_repeated(page.body, "it gives the same page twice")
            yield records
            if (url := self._next(document, page.headers, url)) is not None:
                self._refuse_repeated(url.encode(), "its pages go round in circles")
                page = self._client.get(url)
        if self._promised not in (None, self.records):
            cause = f"it promises {self._promised} records and gives {self.records}"
            raise self._refused(f"truncated, or changed meanwhile: {cause}")

    def _document(self, page: Page) -> Any:
        self.pages += 1
        if self.pages > self._source.maximum_pages:
            raise self._refused("it has more pages than maximum_pages")
        try:
            text = page.body.decode("utf-8-sig")
            return json.loads(
                text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles
            )
        except UnicodeDecodeError:
            raise self._refused("it is not valid UTF-8") from None
        except (ValueError, RecursionError) as error:
            told = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise self._refused(f"not JSON, or cut short, in page {self.pages}: {told}") from None

    def _records(self, document: Any) -> list[Any]:
        found = value_at(document, self._source.records)
        if not isinstance(found, list):
            where = f"at {self._source.records}" if self._source.records else "as the whole document"
            raise self._refused(f"there is no list of records {where}")
        self.records += len(found)
        if self._source.total is not None:
            self._note_total(value_at(document, self._source.total))
        return found

    def _note_total(self, total: Any) -> None:
        if not isinstance(total, int) or isinstance(total, bool):
            raise self._refused(f"the number of records is not at {self._source.total}")
        if self._promised not in (None, total):
            raise self._refused("the number of records changed between its pages")
        self._promised = total

    def _next(self, document: Any, headers: Mapping[str, str], url: str) -> str | None:
        source = self._source
        if source.cursor is not None:
            cursor = value_at(document, source.cursor)
            return _with_parameter(source.url, source.cursor_parameter, str(cursor)) if cursor else None
        link = value_at(document, source.next) if source.next is not None else linked(headers.get("link", ""))
        if not link:
            return None
        if not isinstance(link, str):
            raise self._refused(f"at {source.next} stands no URL")
        following = urljoin(url, link)
        if _origin(following) != _origin(source.url):
            raise self._refused("its next page is on another host")
        return following

    def _refuse_repeated(self, what: bytes, cause: str) -> None:
        mark = _mark(what)
        if mark in self._seen:
            raise self._refused(cause)
        self._seen.add(mark)

    def _refused(self, cause: str) -> UnsafeFetchError:
        return refused(self._file, cause, "look at what the service answers, or mend the configuration")


def linked(header: str) -> str | None:
    """The target of rel=next in a Link header (RFC 8288)."""
    return next((target for target, parameters in _LINK.findall(header) if _NEXT.search(parameters)), None)


def _mark(what: bytes) -> bytes:
    return blake2b(what, digest_size=16).digest()


def _with_parameter(url: str, name: str, value: str) -> str:
    parts = urlsplit(url)
    others = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
    return urlunsplit(parts._replace(query=urlencode([*others, (name, value)])))


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:  # a port that is none
        return "", None, None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a key twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
