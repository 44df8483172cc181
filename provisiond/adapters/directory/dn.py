"""Distinguished names (RFC 4514) in one spelling, so that two of them can be compared as text. Pure.

Knows no schema: values are taken as case-insensitive, which holds for every naming attribute we use. Not
ldap3's parser: that one refuses values which servers send (an unescaped `=` or `#`)."""

from __future__ import annotations

import re

# nothing to be undone but the case: nearly every DN there is
_PLAIN_DN = re.compile(r"[a-z][a-z0-9-]*=[\w.@-]+(?:,[a-z][a-z0-9-]*=[\w.@-]+)*", re.ASCII | re.IGNORECASE)
_PART = re.compile(r"((?:\\.|[^\\,;+])*)([,;+]|$)", re.DOTALL)
_TYPE = re.compile(r"[a-z][a-z0-9-]*|\d+(?:\.\d+)*")
_HEX_PAIRS = re.compile(r"(?:\\[0-9a-fA-F]{2})+")


def normalise_dn(dn: str) -> str:
    """Types and values in lower case, one way of escaping, no blanks around `,` `+` and `=`.

    What is not a DN raises ValueError; the empty DN (anonymous, root) is returned as it is."""
    if _PLAIN_DN.fullmatch(dn):
        return dn.lower()
    if not dn.strip():
        return ""
    rdns: list[list[str]] = [[]]
    end = -1
    while end < len(dn):
        part = _PART.match(dn, end + 1)
        if part is None:
            raise ValueError(f"not a DN: {dn!r}")
        rdns[-1].append(_pair(part[1], dn))
        if part[2] != "+":
            rdns.append([])
        end = part.end() - len(part[2])
    return ",".join("+".join(sorted(rdn)) for rdn in rdns if rdn)


def is_under(dn: str, base: str) -> bool:
    """Whether `dn` lies below `base` (already normalised), not being it."""
    return normalise_dn(dn).endswith("," + base)


def _pair(text: str, dn: str) -> str:
    kind, equals, value = text.partition("=")
    kind = kind.strip().lower()
    if not equals or not _TYPE.fullmatch(kind):
        raise ValueError(f"not a DN: {dn!r}")
    return f"{kind}={escaped(_plain(value))}"


def _plain(value: str) -> str:
    text = _HEX_PAIRS.sub(lambda m: _bytes_of(m[0]).decode("utf-8", "surrogateescape"), _trim(value))
    text = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
    return re.sub(" +", " ", text).casefold()


def _trim(value: str) -> str:
    """Without blanks at the ends, but for an escaped one (`\\ `)."""
    trimmed = value.strip(" ")
    return trimmed + " " if trimmed.endswith("\\") and not trimmed.endswith("\\\\") else trimmed


def _bytes_of(pairs: str) -> bytes:
    # a backslash written as \5c must stay an escaped one until all escapes are undone
    raw = bytes.fromhex(pairs.replace("\\", ""))
    return b"".join(b"\\" + bytes([octet]) if octet < 0x80 else bytes([octet]) for octet in raw)


def escaped(text: str) -> str:
    escaped = re.sub(r'([,+"\\<>;=])', r"\\\1", text).replace("\0", r"\00")
    if escaped[:1] in ("#", " "):
        escaped = "\\" + escaped
    if escaped.endswith(" ") and not escaped.endswith("\\ "):
        escaped = escaped[:-1] + "\\ "
    return escaped
