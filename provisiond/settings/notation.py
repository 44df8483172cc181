"""How single values are written in the configuration: DNs, quotas, domains, addresses, URLs.

Each function gives the normalised value or raises ValueError with a sentence; it knows no keys."""

from __future__ import annotations

import calendar
import difflib
import re
from collections.abc import Callable, Iterable
from datetime import time, timedelta
from string import Formatter
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from provisiond.listening import Place

_UNITS = {"B": 1} | {
    unit: size
    for n, letter in enumerate("KMGT", start=1)
    for unit, size in ((f"{letter}iB", 1024**n), (f"{letter}B", 1000**n))
}
_ATTRIBUTE_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(\.\d+)+")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LDAP_SCHEMES = ("ldap", "ldaps", "ldapi")


def dn(text: str) -> str:
    """RFC 4514, without blanks around `,` `+` `=`; lower case, as DNs are compared as text.

    >>> dn("OU=People, dc = example,dc=edu")
    'ou=people,dc=example,dc=edu'
    """
    tokens = re.findall(r"\\[0-9A-Fa-f]{2}|\\.|[^\\]", text)
    if "".join(tokens) != text:
        raise ValueError("is not a DN: a backslash must be followed by what it escapes")
    return _joined(tokens, ",", lambda rdn: _joined(rdn, "+", _assertion))


def _joined(tokens: list[str], separator: str, part: Callable[[list[str]], str]) -> str:
    """Every part between separators, normalised; an escaped separator is a token of its own kind."""
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return separator.join(part(tokens) for tokens in parts)


def _assertion(tokens: list[str]) -> str:
    """One `attribute=value`."""
    if "=" not in tokens:
        raise ValueError(f"is not a DN: '{''.join(tokens).strip()}' is not of the form attribute=value")
    at = tokens.index("=")
    attribute, value = "".join(tokens[:at]).strip(), _stripped(tokens[at + 1 :])
    if not _ATTRIBUTE_TYPE.fullmatch(attribute):
        raise ValueError(f"is not a DN: '{attribute}' is no attribute type")
    if not value or set(value) & set('"<>;'):
        raise ValueError(
            f"is not a DN: the value of '{attribute}' is empty or has an unescaped special character"
        )
    return f"{attribute}={''.join(value)}".lower()


def _stripped(tokens: list[str]) -> list[str]:
    """Without blanks around; an escaped blank (`\\ `) belongs to the value."""
    while tokens and tokens[0].isspace():
        tokens = tokens[1:]
    while tokens and tokens[-1].isspace():
        tokens = tokens[:-1]
    return tokens


def quota(value: object) -> int | None:
    """Bytes, from a whole number of bytes or text as "20 GiB"; "unlimited" is None."""
    if value == "unlimited":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", value) if isinstance(value, str) else None
    if not found or found[2] not in _UNITS:
        raise ValueError('must be a size such as "20 GiB", a whole number of bytes, or "unlimited"')
    return int(float(found[1]) * _UNITS[found[2]])


def day_of_year(value: object) -> tuple[int, int]:
    """Month and day of "08-20"; 29 February is a day of every year."""
    found = re.fullmatch(r"(\d\d)-(\d\d)", value) if isinstance(value, str) else None
    month, day = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(2000, month)[1]:
        raise ValueError('must be a month and day such as "08-20"')
    return month, day


def domain(text: str) -> str:
    """A DNS name of at least two labels, in lower case."""
    name = text.strip().rstrip(".").lower()
    if not _DOMAIN.fullmatch(name):
        raise ValueError("must be a domain such as example.edu")
    return name


def time_zone(text: str) -> str:
    """A name of the IANA time zone database, where the system has it."""
    zones = available_timezones()
    if text in zones:
        return text
    close = difflib.get_close_matches(text, sorted(zones), n=1)
    hint = f"did you mean '{close[0]}'?" if close else "write for example Asia/Hong_Kong"
    raise ValueError(
        f"unknown time zone; {hint}" if zones else "no time zones on this machine; install tzdata"
    )


def mail_address(text: str) -> str:
    local, _, host = text.rpartition("@")
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}", local) or not _DOMAIN.fullmatch(
        host.lower()
    ):
        raise ValueError("must be a mail address such as accounts@example.edu")
    return text


def mailbox(text: str) -> str:
    """`accounts@example.edu` or `University Accounts <accounts@example.edu>`."""
    name, _, rest = text.rpartition("<")
    if any(ord(sign) < ord(" ") for sign in text) or bool(name) is not rest.endswith(">"):
        raise ValueError("must be an address, or a name and an address: University <accounts@example.edu>")
    mail_address(rest.removesuffix(">"))
    return text


def ldap_url(text: str) -> str:
    """`ldaps://host[:port]`, `ldap://host[:port]` or `ldapi://` (with the socket's path percent-encoded)."""
    parts = urlsplit(text)
    if parts.scheme not in _LDAP_SCHEMES:
        raise ValueError("must start with ldaps://, ldap:// or ldapi://")
    if parts.scheme != "ldapi" and not _has_sound_port(parts):
        raise ValueError("names no sound port: write ldaps://directory.example.edu:636")
    if parts.scheme != "ldapi" and not parts.hostname:
        raise ValueError("names no host: write ldaps://directory.example.edu")
    if parts.scheme != "ldapi" and (parts.path.strip("/") or parts.query or "@" in parts.netloc):
        raise ValueError("holds more than host and port; base and identity have keys of their own")
    return text.rstrip("/") if parts.scheme != "ldapi" else text


def https_url(text: str) -> str:
    """`https://host/path`; http only for this machine."""
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname or not _has_sound_port(parts):
        raise ValueError("must start with https:// and name a host")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must be https: http is for this machine (localhost) only")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or password; a token stands in token_file")
    return text


def database_url(text: str) -> str:
    """SQLAlchemy's `dialect://user@host/database`, without a password."""
    parts = urlsplit(text)
    if not re.fullmatch(r"[a-z][a-z0-9_]*(\+[a-z0-9_]+)?", text.partition("://")[0]) or "://" not in text:
        raise ValueError("must be a database URL such as postgresql://registry@db.example.edu/students")
    if parts.password is not None or "password=" in parts.query.lower():
        raise ValueError("must not hold a password; it stands in password_file")
    if parts.scheme.startswith("sqlite") and not parts.path.startswith("//"):
        raise ValueError("must name the whole path, with four slashes: sqlite:////srv/campus.db")
    return text


def postgresql_url(text: str) -> str:
    """`postgresql+psycopg://user@host/database`, without a password."""
    if urlsplit(text).scheme not in ("postgresql+psycopg", "postgresql"):
        raise ValueError("must start with postgresql+psycopg:// (a SQLite file is given by path)")
    if not urlsplit(text).path.strip("/"):
        raise ValueError("names no database: write postgresql+psycopg://user@host/database")
    return database_url(text)


def query(text: str) -> str:
    """Nothing that could write; the database is asked read-only as well, where it can be."""
    if not re.match(r"\s*(select|with)\b", text, re.IGNORECASE):
        raise ValueError("must be a SELECT")
    return text


def duration(value: object) -> timedelta:
    """Time, from text as "26 hours"."""
    found = re.fullmatch(r"(\d+) ?(second|minute|hour|day)s?", value) if isinstance(value, str) else None
    if not found:
        raise ValueError('must be a time such as "90 seconds", "10 minutes", "26 hours" or "3 days"')
    return timedelta(**{found[2] + "s": int(found[1])})


def time_of_day(value: object) -> time:
    """From text as "03:30"."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if not found:
        raise ValueError('must be a time of day such as "03:30"')
    return time(int(found[1]), int(found[2]))


def overlap(value: object) -> timedelta | int:
    """For a watermark that is a time, or (a whole number) one that is a number."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return duration(value)


def expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return text


def loopback(text: str) -> str:
    """Where only this machine can ask; port 0 would be another one each time."""
    if Place.of(text) == Place(Place.of(text).host):
        raise ValueError("needs a port from 1 to 65535")
    return text


def size(value: object) -> int:
    """Bytes; never unlimited."""
    found = quota(value)
    if not found:
        raise ValueError('must be a size such as "16 MiB"')
    return found


def _has_sound_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:  # urlsplit looks at the port only when asked
        return False


def name_pattern(text: str) -> str:
    """An account name pattern: placeholders and literal letters."""
    known = {"initials", "initial", "surname"}
    try:
        fields = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    except ValueError as error:
        raise ValueError("has a brace that is never closed or opened") from error
    if unknown := sorted(fields - known):
        raise ValueError(
            f"knows no {{{unknown[0]}}}; there are {', '.join(f'{{{k}}}' for k in sorted(known))}"
        )
    if not fields:
        raise ValueError("has no placeholder: everybody would get the same name")
    return text


REGISTRY_FIELDS = (
    "student_id",
    "surname",
    "given_names",
    "full_name",
    "preferred_name",
    "chinese_name",
    "hkid",
    "birth_date",
    "programme",
    "department",
    "level",
    "status",
    "status_on",
    "expected_end_on",
    "personal_mail",
    "supervisor_mail",
    "language",
    "confidential",
)


def unknown(name: str, known: Iterable[str]) -> str:
    """The sentence about a word that is none of `known`, with the one that was probably meant."""
    choices = sorted(known)
    if close := difflib.get_close_matches(name, choices, n=1, cutoff=0.6):
        return f"unknown '{name}'; did you mean '{close[0]}'?"
    return f"unknown '{name}'; there are {', '.join(choices)}"
