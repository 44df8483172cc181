"""The section [portal]: what is sound, what is told, and which secrets who reads."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from provisiond.domain.errors import ConfigError
from provisiond.domain.model import Language
from provisiond.listening import Place
from provisiond.portal.rules import CodeWanted
from provisiond.settings import PortalSettings, load, load_portal
from tests.unit.settings_file import SMALLEST

PORTAL = """
[portal]
password_file = "portal-password"
reader_password_file = "reader-password"
factor_key_file = "factor-key"
"""


def _file(folder: Path, portal: str, changes: dict[str, str] | None = None) -> Path:
    text = SMALLEST.replace('name = "Example', 'portal_url = "https://account.example.edu/"\nname = "Example')
    for before, after in (changes or {}).items():
        text = text.replace(before, after)
    (folder / "provisiond.toml").write_text(text + portal)
    return folder / "provisiond.toml"


def _secrets(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text(f"{name} {'k' * 32}")
        (folder / name).chmod(0o600)


def _portal(folder: Path, portal: str = PORTAL) -> PortalSettings:
    _secrets(folder, "digest-key", "portal-password", "reader-password", "factor-key")
    return load_portal(_file(folder, portal))


def _faults(folder: Path, portal: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _portal(folder, portal)
    return str(caught.value)


def test_the_portal_reads_only_its_own_secrets(tmp_path: Path) -> None:
    """The daemon's directory password is not there, as in the portal's own service."""
    found = _portal(tmp_path)
    assert found.directory_password.startswith("portal-password")
    assert found.directory.password is None
    assert not (tmp_path / "password").exists()


def test_the_daemon_does_not_read_the_portals_secrets(tmp_path: Path) -> None:
    _secrets(tmp_path, "digest-key", "password")
    (tmp_path / "drop").mkdir()
    found = load(_file(tmp_path, PORTAL)).portal
    assert found is not None and found.web.secrets.factor_key_file.path == tmp_path / "factor-key"


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    found = _portal(tmp_path)
    assert found.web.listen == Place.of("/run/provisiond-portal/http.sock")
    assert found.web.monitor == Place.of("/run/provisiond-portal/monitor.sock")
    assert found.web.behind_proxy
    assert found.web.hosts == {"account.example.edu"}
    assert found.web.state == tmp_path / "portal-state.sqlite"
    assert found.rules.activation_code is CodeWanted.BIRTH_DATE
    assert found.rules.idle_after == timedelta(minutes=15)
    assert found.rules.terms[Language.CHINESE].startswith("# 網絡帳戶使用守則")
    assert found.rules.terms_version == "sample"


def test_on_a_port_nobody_is_taken_for_the_proxy(tmp_path: Path) -> None:
    found = _portal(tmp_path, PORTAL + 'listen = "127.0.0.1:8080"\n')
    assert not found.web.behind_proxy and found.web.monitor is None
    assert _portal(tmp_path, PORTAL + 'listen = "127.0.0.1:8080"\nbehind_proxy = true\n').web.behind_proxy


def test_with_a_ledger_on_a_server_the_state_is_there_too(tmp_path: Path) -> None:
    _secrets(tmp_path, "digest-key", "portal-password", "reader-password", "factor-key")
    on_server = {'path = "ledger.sqlite"': 'url = "postgresql+psycopg://p@/provisiond"'}
    assert load_portal(_file(tmp_path, PORTAL, on_server)).web.state is None


def test_secrets_do_not_show(tmp_path: Path) -> None:
    found = _portal(tmp_path)
    assert "kkkk" not in repr(found)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ('accent = "#9ad0f5"', "portal.accent: is too light: white text on it has a contrast of 1.7 to 1"),
        ('accent = "blue"', 'portal.accent: must be a colour such as "#1c4f82"'),
        ('listen = "0.0.0.0:80"', "portal.listen: must be a loopback address with a port"),
        ('terms = "nowhere"', "terms.en.md cannot be read"),
        ('terms = "."\nidle_after = "1 minute"', "portal.terms_version: missing"),
        ("minimum_password_length = 6", "portal.minimum_password_length: must be at least 8"),
        ('activation_code = "maybe"', "portal.activation_code: must be"),
        ('idle_after = "9 hours"', "portal.session_lasts: must not be shorter than portal.idle_after"),
        ('blocklist_file = "none.txt"', "none.txt cannot be read"),
        ('hosts = ["not a host"]', "portal.hosts"),
        ('services.libary = { en = "Library" }', "portal.services.libary: "),
        ('services.library = { zh-Hant = "圖書館" }', "portal.services.library.en"),
        ("thread = 3", "portal.thread: unknown key 'thread'; did you mean 'threads'?"),
    ],
)
def test_what_is_unsound_is_told(tmp_path: Path, key: str, told: str) -> None:
    assert told in _faults(tmp_path, PORTAL + key + "\n")


def test_every_secret_that_lacks_is_told_at_once(tmp_path: Path) -> None:
    told = _faults(tmp_path, '[portal]\npassword_file = "portal-password"\n')
    assert "portal.reader_password_file: missing" in told and "portal.factor_key_file: missing" in told


def test_without_a_section_there_is_no_portal_to_start(tmp_path: Path) -> None:
    for section in ("", "[portal]\n"):
        told = _faults(tmp_path, section)
        for secret in ("password_file", "reader_password_file", "factor_key_file"):
            assert f"portal.{secret}: missing: there is no portal to start without it" in told


def test_groups_are_told_in_words(tmp_path: Path) -> None:
    """In English where there is no Chinese; by the name of the group where there is neither."""
    words = 'services.students = { en = "Wireless network", zh-Hant = "無線網絡" }\n'
    rules = _portal(tmp_path, f"{PORTAL}{words}").rules
    assert rules.service("students", Language.CHINESE) == "無線網絡"
    assert rules.service("students", Language.ENGLISH) == "Wireless network"
    assert rules.service("library", Language.CHINESE) == "library"
