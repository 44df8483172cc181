"""The second factor: a TOTP secret (RFC 6238), how it gets into an app, and which time step a code belongs to.

That each step counts once is the ledger's (`use_step`, `complete_activation`); the secret is sealed by the vault."""

from __future__ import annotations

import io
import secrets
import unicodedata
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest

import pyotp
import segno

SECRET_BYTES = 20  # 160 bits: what RFC 4226 recommends, and what every app takes
_WINDOW = 1  # steps before and after: a telephone's clock may be off by half a minute
_PERIOD, _DIGITS = 30, 6
_GROUP = 4


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the page shows: `url` and `key` hold the secret. `picture`: the QR code, an SVG element."""

    url: str = field(repr=False)
    key: str = field(repr=False)
    picture: str = field(repr=False)


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def enrolment(secret: bytes, account: str, issuer: str) -> Enrolment:
    """`account`: by which the app tells it from others."""
    key = b32encode(secret).decode()
    url = pyotp.TOTP(key).provisioning_uri(name=account, issuer_name=issuer.replace(":", " "))
    groups = " ".join(key[at : at + _GROUP] for at in range(0, len(key), _GROUP))
    return Enrolment(url, groups, _picture(url))


def step_of(secret: bytes, typed: str, at: datetime) -> int | None:
    """The time step whose code was typed; None: of none within the window. Blanks and full-width digits are fine."""
    code = "".join(unicodedata.normalize("NFKC", typed[:64]).split())
    now = int(at.timestamp()) // _PERIOD
    totp = pyotp.HOTP(b32encode(secret).decode())
    steps = range(max(0, now - _WINDOW), now + _WINDOW + 1)
    fitting = [step for step in steps if compare_digest(totp.at(step).encode(), code.encode())]
    return fitting[0] if fitting else None


def code_at(secret: bytes, at: datetime) -> str:
    """What the phone shows at that moment."""
    return pyotp.HOTP(b32encode(secret).decode()).at(int(at.timestamp()) // _PERIOD)


def _picture(url: str) -> str:
    """Black on white whatever the page's colours are: cameras want it so. Without a size: that is the page's."""
    out = io.BytesIO()
    segno.make(url, error="m", micro=False).save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=True,
        omitsize=True,
        border=4,
        dark="#000",
        light="#fff",
        nl=False,
    )
    return out.getvalue().decode()
