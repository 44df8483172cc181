"""An HTTP service that gives JSON as a registry: all of its pages, or none.

How a page is got is http_client.py's, how pages follow each other json_pages.py's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

from provisiond.adapters.digests import Digests
from provisiond.adapters.registry.http_client import HttpClient, Page
from provisiond.adapters.registry.http_source import HttpSource
from provisiond.adapters.registry.intake import taken_in, unchanged
from provisiond.adapters.registry.json_pages import JsonPages, is_at, value_at
from provisiond.adapters.registry.plausibility import refuse_wrong_age
from provisiond.adapters.registry.records import RecordRows
from provisiond.adapters.registry.refusal import refused
from provisiond.adapters.registry.rows import Ending
from provisiond.adapters.registry.source import FIELDS, configured
from provisiond.adapters.registry.watermark import instant
from provisiond.domain.model import Fetch
from provisiond.ports import Clock, FetchMemory


class HttpRegistry:
    """A `ports.Registry` on a URL. Keeps nothing between fetches."""

    def __init__(self, source: HttpSource, digests: Digests, clock: Clock, zone: tzinfo) -> None:
        self._source, self._digests, self._clock, self._zone = source, digests, clock, zone

    @property
    def name(self) -> str:
        return self._source.name

    def fetch(self, today: date, memory: FetchMemory) -> Fetch:
        client = HttpClient(self._source)
        first = client.get(self._source.url, self._known_etag(memory))
        if first.status == 304:
            return unchanged(self._source, client.label, memory)
        rows = HttpRows(self._source, client, first, self._clock.now(), self._zone)
        return taken_in(rows, self._source, self._digests, today, memory)

    def _known_etag(self, memory: FetchMemory) -> str | None:
        """Asked conditionally only where "unchanged" would mean "nothing to do": all was taken over, under this very
        configuration, and the age of the data need not be known."""
        last = memory.last()
        if last is None or last.etag is None or memory.unsettled() or self._source.maximum_age:
            return None
        configured, _, etag = last.etag.partition(" ")
        return etag if configured == _configured(self._source) else None


class HttpRows(RecordRows):
    """A `rows.RowSource`: one reading of all pages."""

    def __init__(
        self, source: HttpSource, client: HttpClient, first: Page, now: datetime, zone: tzinfo
    ) -> None:
        super().__init__(client.label, source.expected, zone)
        self._source, self._first, self._now = source, first, now
        self._pages = JsonPages(source, client)
        self._absent = set(source.fields.values()) | set(source.expected)
        self._newest: datetime | None = None

    def chunks(self) -> Iterator[list[bytes]]:
        self._refuse_wrong_age(self._last_modified())
        for records in self._pages.from_page(self._first):
            yield [self._row(record) for record in records]
        self.refuse_empty()
        self._refuse_absent()
        if self._source.age_column:
            refuse_wrong_age(self.file, self._newest, self._now, self._source.maximum_age)

    def ending(self) -> Ending:
        etag = self._first.headers.get("etag")
        if etag is None or self._pages.pages > 1:  # the tag of the first page says nothing of the others
            return Ending(self.digest)
        return Ending(self.digest, etag=f"{_configured(self._source)} {etag}")

    def _row(self, record: Any) -> bytes:
        if not isinstance(record, dict):
            self.count += 1
            return self.faulty("a record is not an object")
        if self._absent:
            self._absent = {place for place in self._absent if not is_at(record, place)}
        if self._source.age_column and (at := instant(value_at(record, self._source.age_column), self._zone)):
            self._newest = max(self._newest or at, at)
        fields = self._source.fields
        values = [value_at(record, fields[name]) if name in fields else "" for name in FIELDS]
        return self.raw(values, [value_at(record, place) for place in self._source.expected])

    def _refuse_absent(self) -> None:
        """A key that no record has was renamed: to go on without it would make everybody's value vanish."""
        if self._absent:
            cause = f"no record has {', '.join(sorted(self._absent))}"
            raise refused(self.file, cause, "was it renamed? mend `fields`, or take out what nobody has")

    def _last_modified(self) -> datetime | None:
        text = self._first.headers.get("last-modified")
        try:
            at = parsedate_to_datetime(text) if text else None
        except ValueError:
            return None
        return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)

    def _refuse_wrong_age(self, modified: datetime | None) -> None:
        oldest = None if self._source.age_column else self._source.maximum_age
        refuse_wrong_age(self.file, modified, self._now, oldest)


def _configured(source: HttpSource) -> str:
    return configured(source, source.url, source.records, source.next, source.cursor, source.expected)
