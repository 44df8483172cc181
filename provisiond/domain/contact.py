"""What a person may put into the listing, field by field: each value as it is kept, or every fault of it, as words
that the portal says in the reader's language. Who may see it is the person's choice; where it goes is entries'."""

from __future__ import annotations

import re
import unicodedata
from typing import assert_never
from urllib.parse import quote, urlsplit, urlunsplit

from provisiond.domain.characters import TextFault, text_faults, tidy
from provisiond.domain.display_names import Checked, calls_an_office, name_faults
from provisiond.domain.model import ContactField, RegistryRecord
from provisiond.domain.policy import PortalPolicy

LONGEST = {
    ContactField.TELEPHONE: 32,
    ContactField.OFFICE: 80,
    ContactField.WEBSITE: 200,
    ContactField.PRONOUNS: 40,
    ContactField.PREFERRED_NAME: 40,
}
_LOCAL = re.compile(r"[2-9]\d{7}")  # numbers of Hong Kong have eight digits and no area codes
_FOREIGN = re.compile(r"\+[1-9]\d{6,14}")  # E.164
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")
_IN_PRONOUNS = re.compile(r"[^\W\d_][\w '’/,()&.;-]*")


def contact_value(field: ContactField, text: str, record: RegistryRecord, policy: PortalPolicy) -> Checked:
    """Never raises, whatever was written."""
    value = tidy(text)
    if not value:
        return Checked("", (TextFault.EMPTY,))
    if faults := text_faults(value):
        return Checked(value, faults)
    if len(value) > LONGEST[field]:
        return Checked(value, (TextFault.TOO_LONG,))
    match field:
        case ContactField.TELEPHONE:
            return _checked(value, _telephone(value), TextFault.NO_TELEPHONE)
        case ContactField.WEBSITE:
            return _checked(value, _website(value), TextFault.NO_WEBSITE)
        case ContactField.PRONOUNS:
            fits = _IN_PRONOUNS.fullmatch(value) is not None
            return _checked(value, value if fits else None, TextFault.CHARACTERS)
        case ContactField.OFFICE:
            return Checked(value, ())
        case ContactField.PREFERRED_NAME:
            faults = name_faults(value, LONGEST[field])
            office = (TextFault.OFFICE,) if calls_an_office(value, record, policy) else ()
            return Checked(value, (*faults, *office))
        case _:
            assert_never(field)


def _checked(written: str, value: str | None, fault: TextFault) -> Checked:
    return Checked(written, (fault,)) if value is None else Checked(value, ())


def _telephone(text: str) -> str | None:
    """`9123 4567`, `(852) 9123-4567`, `+852 91234567`, `0044 20 7946 0018`."""
    signs = unicodedata.normalize("NFKC", text)
    if not re.fullmatch(r"\+?[\d ().\-‐–/]+", signs):
        return None
    digits = re.sub(r"[^\d+]", "", signs)
    if not digits.isascii():
        return None
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    local = re.fullmatch(r"(?:\+?852)?(\d{8})", digits)
    if local and _LOCAL.fullmatch(local[1]):
        return f"+852 {local[1][:4]} {local[1][4:]}"
    return digits if _FOREIGN.fullmatch(digits) and not digits.startswith("+852") else None


def _website(text: str) -> str | None:
    """https only, with a name for a host: no other scheme runs anything, no user name hides where it leads."""
    if re.search(r"[\s\\<>\"'`{}|^]", text):
        return None
    whole = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(whole)
        host, port = _host(parts.hostname or ""), parts.port
    except ValueError:  # UnicodeError is one
        return None
    if parts.scheme != "https" or "@" in parts.netloc or host is None:
        return None
    where = host if port in (None, 443) else f"{host}:{port}"
    path, query, fragment = (_quoted(part) for part in (parts.path, parts.query, parts.fragment))
    made = urlunsplit(("https", where, path, query, fragment))
    return made if len(made) <= LONGEST[ContactField.WEBSITE] else None


def _host(host: str) -> str | None:
    name = host if host.isascii() else host.encode("idna").decode("ascii")
    return name.lower() if _HOST.fullmatch(name.lower()) else None


def _quoted(part: str) -> str:
    """What is encoded already stays so (RFC 3986)."""
    return quote(part, safe="/%:@!$&()*+,;=~?-._")
