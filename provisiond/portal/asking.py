"""From what came over the wire to a `Visit`: headers, cookies, query, form, the client's address. Nothing is believed
that a client could have made up; what is ill-formed is a 400."""

from __future__ import annotations

import ipaddress
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import cookie_parser
from starlette.types import Receive, Scope

from provisiond.portal.activation.attempts import is_plain
from provisiond.portal.desk import Desk
from provisiond.portal.trouble import Trouble
from provisiond.portal.visit import Visit

LONGEST_BODY = 64 * 1024
LONGEST_HEAD = 16 * 1024  # path, query and headers; browsers and proxies send a tenth of it
_MOST_FIELDS = 64
_FORM = "application/x-www-form-urlencoded"
_NOTHING: ImmutableMultiDict[str, str] = ImmutableMultiDict()


async def body(scope: Scope, receive: Receive) -> bytes | None:
    """Of a POST, at most LONGEST_BODY and one byte; None: the client left before it was whole."""
    if scope["method"] != "POST":
        return b""
    read = bytearray()
    while len(read) <= LONGEST_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        read += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(read[: LONGEST_BODY + 1])


def headers_of(scope: Scope) -> dict[str, str]:
    """Of a header that came twice the last one; cookies are put together (RFC 9113, 8.2.3)."""
    made: dict[str, str] = {}
    for key, value in scope["headers"]:
        name, text = key.decode("latin-1"), value.decode("latin-1")
        made[name] = f"{made[name]}; {text}" if name == "cookie" and name in made else text
    return made


def visit(desk: Desk, scope: Scope, route: str) -> Visit:
    headers = headers_of(scope)
    return Visit(
        desk=desk,
        method="GET" if scope["method"] == "HEAD" else scope["method"],
        route=route,
        path=scope["path"],
        parameters=scope.get("path_params", {}),
        query=_parsed(scope["query_string"]) or _NOTHING,
        form=_NOTHING,
        cookies=cookie_parser(headers["cookie"]) if "cookie" in headers else {},
        headers=headers,
        address=address(scope, headers, desk.trusts_proxy),
        request_id=scope["request_id"],
        at=desk.clock.now(),
    )


def read_form(visit: Visit, body: bytes) -> None:
    """Raises Trouble for a body that no form of ours sends."""
    if not visit.is_post:
        return
    if len(body) > LONGEST_BODY:
        raise Trouble(413)
    if visit.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Trouble(415)
    found = _parsed(body)
    if found is None:
        raise Trouble(400)
    visit.form = found


def _parsed(text: bytes) -> ImmutableMultiDict[str, str] | None:
    """UTF-8 without NUL; None for what is ill-formed or has too many fields."""
    if not text:
        return _NOTHING
    try:
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        return None
    if any("\0" in key or "\0" in value for key, value in pairs):
        return None
    return ImmutableMultiDict(pairs)


def address(scope: Scope, headers: dict[str, str], trusts_proxy: bool) -> str:
    """The client's: as the proxy tells it (the last one in X-Forwarded-For: what came before was written by others),
    or of who connected."""
    told = headers.get("x-forwarded-for", "").rpartition(",")[2].strip() if trusts_proxy else ""
    client = scope.get("client")
    text = told or (client[0] if client else "")
    if is_plain(text):
        return text
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return "unknown"  # one place for all whom the proxy does not tell apart


def is_from_us(visit: Visit) -> bool:
    """Whether a page of ours sent this form, by what the browser says of it (Fetch Metadata; older ones: Origin)."""
    site = visit.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = visit.headers.get("origin")
    if origin is None:
        return True  # a browser that says nothing: the token decides
    return urlsplit(origin).netloc.lower() == visit.headers.get("host", "").lower()
