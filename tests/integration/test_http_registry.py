"""An HTTP registry on a real server on loopback: what is taken, what is refused, what is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from provisiond.adapters.registry.http_json import HttpRegistry
from provisiond.adapters.registry.http_source import HttpSource
from provisiond.adapters.registry.json_pages import linked, value_at
from provisiond.domain.errors import UnavailableError, UnsafeFetchError
from provisiond.domain.model import Fetch
from tests.rigs.clock import NOON, StoppedClock
from tests.rigs.front import certificate
from tests.rigs.json_service import Answer, JsonService, as_json, running_service
from tests.rigs.lives import ZONE
from tests.rigs.memory import FakeMemory
from tests.rigs.registry import COLUMNS, DIGESTS, TODAY, a_row

TOKEN = "tok-3n-very-secret"


@pytest.fixture
def service() -> Iterator[JsonService]:
    with running_service() as running:
        yield running


def documents(count: int) -> list[dict[str, Any]]:
    """Records as the service has them, by column title; what is empty is null."""
    rows = [a_row(student_id=str(20240001 + number)) for number in range(count)]
    return [{COLUMNS[field]: value or None for field, value in row.items()} for row in rows]


def a_source(service: JsonService, **overrides: Any) -> HttpSource:
    settings: dict[str, Any] = {"name": "registry", "url": service.url, "fields": COLUMNS, "retries": 1}
    return HttpSource(**(settings | overrides))


def fetched(service: JsonService, memory: FakeMemory | None = None, **overrides: Any) -> Fetch:
    registry = HttpRegistry(a_source(service, **overrides), DIGESTS, StoppedClock(), ZONE)
    return registry.fetch(TODAY, memory or FakeMemory())


def students(fetch: Fetch) -> list[str]:
    return [student_id for student_id, _ in fetch.changed]


def refusal(service: JsonService, **overrides: Any) -> str:
    with pytest.raises(UnsafeFetchError) as caught:
        fetched(service, **overrides)
    assert caught.value.plan_hash is None
    return str(caught.value)


# -- taken -------------------------------------------------------------------------------------------------


def test_all_pages_of_the_link_header_are_taken(service: JsonService) -> None:
    service.gives_pages(documents(7), 3)
    fetch = fetched(service)
    assert (fetch.rows, len(students(fetch)), len(service.asked)) == (7, 7, 3)


def test_pages_by_a_url_in_the_document_and_records_at_a_place(service: JsonService) -> None:
    def answer(query: Any) -> Answer:
        last = query.get("from") == "2"
        found = documents(4)[2:] if last else documents(4)[:2]
        return as_json(
            {"data": {"items": found}, "links": {"next": None if last else "?from=2"}, "meta": {"n": 4}}
        )

    service.answer = answer
    fetch = fetched(service, records="data.items", next="/links/next", total="meta.n")
    assert students(fetch) == ["20240001", "20240002", "20240003", "20240004"]


def test_pages_by_a_cursor_keep_the_other_parameters(service: JsonService) -> None:
    def answer(query: Any) -> Answer:
        at = int(query.get("after", "0"))
        return as_json({"items": documents(3)[at : at + 1], "next": at + 1 if at < 2 else None})

    service.answer = answer
    fetch = fetched(
        service, url=service.url + "?limit=1", records="items", cursor="next", cursor_parameter="after"
    )
    assert fetch.rows == 3
    assert [asked.query for asked in service.asked] == [
        {"limit": "1"},
        {"limit": "1", "after": "1"},
        {"limit": "1", "after": "2"},
    ]


def test_nested_places_and_typed_values_become_text(service: JsonService) -> None:
    record = documents(1)[0] | {"name": {"family": "WONG"}, "CONFIDENTIAL": True, "STUDENT_ID": 20240001}
    service.gives(as_json([record]))
    (_, (found,)) = next(iter(fetched(service, fields={**COLUMNS, "surname": "name.family"}).changed))
    assert (found.surname, found.confidential, found.student_id) == ("WONG", True, "20240001")


def test_a_record_that_is_none_is_rejected_and_the_others_go_on(service: JsonService) -> None:
    service.gives(as_json([*documents(4), "nobody", documents(5)[4] | {"SURNAME": ["CHAN"]}]))
    fetch = fetched(service)
    assert len(students(fetch)) == 4
    assert [r.reasons for r in fetch.rejections] == [
        ("a record is not an object",),
        ("a column holds a list where a single value must stand",),
    ]


def test_the_order_of_records_is_no_matter_to_the_digest(service: JsonService) -> None:
    service.gives(as_json(documents(3)))
    before = fetched(service).digest
    service.gives(as_json(documents(3)[::-1]))
    assert fetched(service).digest == before
    service.gives(as_json(documents(2)))
    assert fetched(service).digest != before


def test_a_fleeting_fault_is_tried_again(service: JsonService) -> None:
    whole = as_json(documents(2))
    service.gives_in_turn(Answer(status=503), whole)
    assert fetched(service).rows == 2
    service.gives_in_turn(replace(whole, promised=len(whole.body) + 9, reset=True), whole)
    assert fetched(service).rows == 2


# -- unchanged ---------------------------------------------------------------------------------------------


def conditional(service: JsonService) -> None:
    """The service knows its one version."""

    def answer(query: Any) -> Answer:
        if service.asked[-1].headers.get("If-None-Match") == '"v1"':
            return Answer(status=304, headers={"ETag": '"v1"'})
        return as_json(documents(3), ETag='"v1"')

    service.answer = answer


def test_an_unchanged_document_is_not_sent_again(service: JsonService) -> None:
    conditional(service)
    memory = FakeMemory()
    memory.take(first := fetched(service))
    again = fetched(service, memory)
    assert (again.rows, again.digest, again.etag, students(again)) == (3, first.digest, first.etag, [])
    assert again.kept == memory.settled()


def test_another_mapping_reads_an_unchanged_document_again(service: JsonService) -> None:
    conditional(service)
    memory = FakeMemory()
    memory.take(fetched(service))
    fetched(service, memory, date_formats=("%Y-%m-%d",))
    assert "If-None-Match" not in service.asked[-1].headers


def test_what_is_unsettled_is_read_again(service: JsonService) -> None:
    conditional(service)
    memory = FakeMemory()
    memory.take(fetched(service))
    block = next(iter(memory.remembered.values()))
    memory.remembered[block.digest] = replace(
        block, rows=tuple(replace(row, settled=False) for row in block.rows)
    )
    fetched(service, memory)
    assert "If-None-Match" not in service.asked[-1].headers


def test_the_tag_of_the_first_of_several_pages_is_not_remembered(service: JsonService) -> None:
    service.gives_pages(documents(4), 2, ETag='"v1"')
    assert fetched(service).etag is None


# -- secrets and certificates ------------------------------------------------------------------------------


def test_the_token_is_sent_and_shown_nowhere(service: JsonService) -> None:
    service.gives(as_json(documents(1)))
    source = a_source(service, token=TOKEN)
    HttpRegistry(source, DIGESTS, StoppedClock(), ZONE).fetch(TODAY, FakeMemory())
    assert service.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in repr(source)
    service.gives(Answer(status=401))
    with pytest.raises(UnavailableError) as caught:
        fetched(service, token=TOKEN, url=service.url + "?key=also-secret")
    assert "does not accept the token" in str(caught.value)
    assert TOKEN not in str(caught.value) and "also-secret" not in str(caught.value)


def test_a_certificate_that_is_not_trusted_is_refused_before_the_token_is_sent(tmp_path: Path) -> None:
    cert, context = certificate(tmp_path, "localhost")
    with running_service(context) as service:
        service.gives(as_json(documents(1)))
        with pytest.raises(UnavailableError, match="certificate is not trusted"):
            fetched(service, token=TOKEN)
        assert service.asked == []
        assert fetched(service, ca_file=cert).rows == 1


# -- refused -----------------------------------------------------------------------------------------------


def test_a_redirect_is_refused(service: JsonService) -> None:
    service.gives(Answer(status=302, headers={"Location": service.url + "/login"}))
    assert "redirect" in refusal(service)
    assert len(service.asked) == 1


def test_html_with_status_200_is_refused(service: JsonService) -> None:
    service.gives(Answer(b"<html>Log in</html>", headers={"Content-Type": "text/html"}))
    assert "text/html, not JSON" in refusal(service)


def test_html_that_says_it_is_json_is_refused(service: JsonService) -> None:
    service.gives(Answer(b"<html>Log in</html>", headers={"Content-Type": "application/json"}))
    assert "not JSON" in refusal(service)


def test_another_charset_is_refused(service: JsonService) -> None:
    body = json.dumps(documents(1), ensure_ascii=False).replace("CHAN", "陳").encode("big5")
    service.gives(Answer(body, headers={"Content-Type": "application/json; charset=big5"}))
    assert "in big5" in refusal(service)
    service.gives(Answer(body, headers={"Content-Type": "application/json"}))
    assert "not valid UTF-8" in refusal(service)


def test_json_cut_short_is_refused(service: JsonService) -> None:
    whole = as_json(documents(3))
    service.gives(replace(whole, body=whole.body[: len(whole.body) // 2]))
    assert "cut short" in refusal(service)


def test_a_connection_that_always_breaks_is_unavailable_and_told_the_same_way_each_time(
    service: JsonService,
) -> None:
    whole = as_json(documents(3))
    service.gives(replace(whole, promised=len(whole.body) + 9, reset=True))
    told = set()
    for _ in range(2):
        with pytest.raises(UnavailableError) as caught:
            fetched(service)
        told.add(str(caught.value))
    assert len(told) == 1 and "broke before the answer was complete, 2 times" in told.pop()


def test_a_service_that_hangs_is_given_up(service: JsonService) -> None:
    whole = as_json(documents(3))
    service.gives(replace(whole, promised=len(whole.body) + 9, hangs=True))
    with pytest.raises(UnavailableError, match="does not answer in time"):
        fetched(service, read_timeout=1)


def test_a_service_that_drips_is_given_up_in_the_middle(service: JsonService) -> None:
    whole = as_json(documents(3))
    service.gives(replace(whole, promised=len(whole.body) + 200, drips=200))
    with pytest.raises(UnavailableError, match="not done within 1 second"):
        fetched(service, timeout=1)
    assert service.dripped < 150


def test_nobody_listening_is_unavailable() -> None:
    with running_service() as gone:
        pass
    with pytest.raises(UnavailableError, match="cannot be connected"):
        fetched(gone)


def test_a_next_page_on_another_host_is_refused_and_the_token_not_sent_there(service: JsonService) -> None:
    with running_service() as other:
        service.gives(as_json(documents(1), Link=f'<{other.url}>; rel="next"'))
        assert "on another host" in refusal(service, token=TOKEN)
        assert other.asked == []


def test_pages_that_go_round_in_circles_are_refused(service: JsonService) -> None:
    service.gives(as_json(documents(1), Link=f'<{service.url}>; rel="next"'))
    assert "circles" in refusal(service)


def test_an_endless_cursor_is_refused(service: JsonService) -> None:
    def answer(query: Any) -> Answer:
        return as_json({"items": documents(2), "next": "more" + query.get("cursor", "")})

    service.answer = answer
    told = refusal(service, records="items", cursor="next", maximum_pages=5)
    assert "more pages than maximum_pages" in told


def test_the_same_page_under_another_address_is_refused(service: JsonService) -> None:
    service.answer = lambda query: as_json(
        documents(2), Link=f'<{service.url}?page={int(query.get("page", "0")) + 1}>; rel="next"'
    )
    assert "same page twice" in refusal(service)


def test_another_number_of_records_than_promised_is_refused(service: JsonService) -> None:
    service.gives(as_json({"items": documents(3), "n": 4}))
    assert "promises 4 records and gives 3" in refusal(service, records="items", total="n")
    assert "the number of records is not at m" in refusal(service, records="items", total="m")


def test_a_page_or_all_of_them_beyond_the_limit_are_refused(service: JsonService) -> None:
    service.gives_pages(documents(6), 2)
    assert "larger than maximum_page_size" in refusal(service, maximum_page_size=500)
    assert "larger than maximum_size" in refusal(service, maximum_size=2000)


def test_no_records_and_no_list_are_refused(service: JsonService) -> None:
    service.gives(as_json([]))
    assert "gives no rows" in refusal(service)
    service.gives(as_json({"error": "quota exceeded"}))
    assert "no list of records" in refusal(service)


def test_a_renamed_key_is_refused(service: JsonService) -> None:
    service.gives(
        as_json([{k.replace("CONFIDENTIAL", "SECRET"): v for k, v in d.items()} for d in documents(5)])
    )
    assert "no record has CONFIDENTIAL" in refusal(service)


def test_a_key_that_stands_twice_is_refused(service: JsonService) -> None:
    body = as_json(documents(1)).body.replace(b'"SURNAME"', b'"STUDENT_ID": "1", "SURNAME"')
    service.gives(replace(as_json([]), body=body))
    assert "a key twice" in refusal(service)


def test_another_term_than_expected_is_refused_without_showing_it(service: JsonService) -> None:
    service.gives(as_json([document | {"YEAR": "2023/24"} for document in documents(2)]))
    told = refusal(service, expected={"YEAR": "2024/25"})
    assert "column YEAR is not as expected (2024/25)" in told and "2023/24" not in told


def test_data_that_are_stale_or_of_the_future_are_refused(service: JsonService) -> None:
    day = timedelta(days=1)
    service.gives(as_json(documents(1), Last_Modified=format_datetime(NOON - 3 * day, usegmt=True)))
    assert fetched(service).rows == 1
    assert "stale" in refusal(service, maximum_age=2 * day)
    service.gives(as_json(documents(1), Last_Modified=format_datetime(NOON + day, usegmt=True)))
    assert "in the future" in refusal(service)
    service.gives(as_json(documents(1)))
    assert "does not say how old" in refusal(service, maximum_age=day)
    service.gives(as_json([documents(1)[0] | {"MADE": "2024-08-01T00:00:00+08:00"}]))
    assert "stale" in refusal(service, maximum_age=day, age_column="MADE")


# -- the notation of others --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://x/?a=1,2>; rel="next", <https://x/9>; rel="last"', "https://x/?a=1,2"),
        ('<https://x/1>; title="next"; rel=prev, </2>; rel=next', "/2"),
        ('</3>; rel="prefetch next"', "/3"),
        ('</3>; rel="nextest"', None),
        ("", None),
    ],
)
def test_the_next_link_is_found(header: str, target: str | None) -> None:
    assert linked(header) == target


def test_places_are_dotted_or_pointers() -> None:
    document = {"a": {"b.c": [10, {"d/e": 1}]}}
    assert value_at(document, "/a/b.c/1/d~1e") == 1
    assert value_at(document, "a.b") is None
    assert value_at(document, "") is document
