"""Builds a configuration in a folder: the smallest sound one, with changes written as text."""

from __future__ import annotations

from pathlib import Path

from provisiond.domain.errors import ConfigError
from provisiond.settings import load

SHIPPED = Path(__file__).parents[2] / "config" / "provisiond.toml"

SMALLEST = """
digest_key_file = "digest-key"
[university]
name = "Example University"
domain = "example.edu"
time_zone = "Asia/Hong_Kong"
operators = ["operators@example.edu"]
[ledger]
path = "ledger.sqlite"
[[registry]]
type = "csv"
name = "students"
path = "drop"
[registry.fields]
student_id = "ID"
full_name = "Name"
birth_date = "Born"
programme = "Programme"
department = "Department"
level = "Level"
status = "Status"
status_on = "Since"
[names]
[lifecycle]
[groups]
students = "Students"
vpn = "Remote access"
[entitlements.pending]
login = true
[entitlements.active]
login = true
groups = ["students"]
quota = "20 GiB"
affiliations = ["student"]
[entitlements.on-leave]
login = true
[entitlements.grace]
login = true
[entitlements.alumni]
login = false
[entitlements.terminated]
login = false
[directory]
urls = ["ldaps://directory.example.edu"]
bind_dn = "uid=provisiond,ou=services,dc=example,dc=edu"
password_file = "password"
base = "dc=example,dc=edu"
"""


def write_settings(folder: Path, *changes: tuple[str, str], text: str = SMALLEST) -> Path:
    """The file, with each `old` text replaced; and its two secrets, readable by their owner only."""
    for old, new in changes:
        assert old in text, f"the configuration has no {old!r}"
        text = text.replace(old, new, 1)
    for name, secret in (("digest-key", "k" * 40), ("password", "hunter2-hunter2")):
        write_secret(folder / name, secret)
    path = folder / "provisiond.toml"
    path.write_text(text, "utf-8")
    return path


def write_secret(path: Path, secret: str, mode: int = 0o600) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(secret + "\n", "utf-8")
    path.chmod(mode)


def faults_of(path: Path) -> list[str]:
    """What `load` finds wrong, without the file's own name; empty when it loads."""
    try:
        load(path)
    except ConfigError as error:
        return [fault.removeprefix(f"{path}: ") for fault in error.faults]
    return []
