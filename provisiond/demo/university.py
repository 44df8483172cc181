"""The demo's small university: a folder with configuration, secrets and a registry file. Everything a real
installation has, made the way the README tells a reader to make it."""

from __future__ import annotations

import base64
import csv
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from provisiond.demo.sample import CODES, MAPPING, sample_rows, write_csv

BASE = "dc=example,dc=edu"


@dataclass(frozen=True, slots=True)
class University:
    """Paths of one demo; `url` is the private directory's. `portal_port`, `mail_port`: of a portal on this machine
    and the mail server beside it; without the first there is neither."""

    folder: Path
    url: str
    portal_port: int = 0
    mail_port: int = 0

    @property
    def config(self) -> Path:
        return self.folder / "provisiond.toml"

    @property
    def registry_file(self) -> Path:
        return self.folder / "registry" / "students.csv"

    def secret(self, name: str) -> str:
        """The secret in that file, made on first use."""
        path = self.folder / "secrets" / name
        if not path.exists():
            self.keep_secret(name, base64.b64encode(secrets.token_bytes(48)).decode())
        return path.read_text()

    def keep_secret(self, name: str, secret: str) -> None:
        """Write a secret that somebody else made."""
        path = self.folder / "secrets" / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secret)

    def write(self, students: int, today: date) -> None:
        """Configuration, secrets and a registry of that many students."""
        for name in ("daemon", "portal", "reader", "digest.key"):
            self.secret(name)
        self.keep_secret("factor.key", secrets.token_hex(32))
        self.registry_file.parent.mkdir(parents=True, exist_ok=True)
        write_csv(self.registry_file, sample_rows(students, seed=1, today=today))
        self.config.write_text(
            _CONFIG.format(
                url=self.url, data=self.folder / "slapd" / "data", base=BASE, fields=_fields(), codes=_codes()
            )
            + (_PORTAL.format(port=self.portal_port, mail_port=self.mail_port) if self.portal_port else "")
        )

    def rows(self) -> list[dict[str, str]]:
        """Of the registry file, without its trailer."""
        with self.registry_file.open(encoding="utf-8-sig", newline="") as file:
            return [row for row in csv.DictReader(file) if row[MAPPING["status"]]]

    def edit(self, change: Callable[[list[dict[str, str]]], None]) -> None:
        """Change the registry file as the registry itself would: all of it, at once."""
        rows = self.rows()
        change(rows)
        write_csv(self.registry_file, rows)


def _fields() -> str:
    return "\n".join(f'{field} = "{column}"' for field, column in MAPPING.items())


def _codes() -> str:
    tables = []
    for field, codes in CODES.items():
        lines = "\n".join(f'{code} = "{value}"' for code, value in codes.items())
        tables.append(f"[registry.codes.{field}]\n{lines}")
    return "\n".join(tables)


_CONFIG = """\
# The demo's configuration; config/provisiond.toml explains every key.
digest_key_file = "secrets/digest.key"

[university]
name = "Example University"
chinese_name = "示例大學"
domain = "example.edu"
time_zone = "Asia/Hong_Kong"
operators = ["operators@example.edu"]

[ledger]
path = "ledger.db"

[[registry]]
type = "csv"
name = "students"
path = "registry/students.csv"
trailer = '^TRAILER,(?P<count>\\d+)'

[registry.fields]
{fields}

{codes}

[groups]
students = "current students"
library = "may use the library"
alumni = "graduates"

[directory]
urls = ["{url}"]
base = "{base}"
bind_dn = "uid=provisiond,ou=services,{base}"
password_file = "secrets/daemon"

[directory.admin]
url = "{url}"
bind = "simple"
bind_dn = "cn=admin,cn=config"
password_file = "secrets/admin"
portal_password_file = "secrets/portal"
reader_password_file = "secrets/reader"
database_directory = "{data}"

[entitlements.pending]
login = true
groups = ["students", "library"]
quota = "20 GiB"
affiliations = ["student", "member"]

[entitlements.active]
login = true
groups = ["students", "library"]
quota = "20 GiB"
affiliations = ["student", "member"]

[entitlements.on-leave]
login = true
groups = ["students"]
quota = "20 GiB"
affiliations = ["student"]

[entitlements.grace]
login = true
groups = ["students", "library"]
quota = "20 GiB"
affiliations = ["student", "member"]

[entitlements.alumni]
login = false
groups = ["alumni"]
quota = "5 GiB"
affiliations = ["alum"]

[entitlements.terminated]
login = false
"""

# On a port of this machine, without nginx: browsers keep Secure cookies of http://localhost.
_PORTAL = """
[portal]
listen = "127.0.0.1:{port}"
hosts = ["localhost"]
password_file = "secrets/portal"
reader_password_file = "secrets/reader"
factor_key_file = "secrets/factor.key"

[portal.services]
students = {{ en = "Mail and wireless network", zh-Hant = "電郵及無線網絡" }}
library = {{ en = "Library: loans and electronic journals", zh-Hant = "圖書館：借閱及電子期刊" }}
alumni = {{ en = "Mail for life", zh-Hant = "終身電郵" }}

[mail]
host = "127.0.0.1"
port = {mail_port}
sender = "University Accounts <accounts@example.edu>"
per_minute = 100000

[daemon]
poll_every = "20 seconds"
outbox_every = "2 seconds"
"""
