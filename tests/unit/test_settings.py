"""A sound configuration: what it becomes, what may be left out, where secrets come from."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from provisiond.adapters.registry.http_source import HttpSource
from provisiond.adapters.registry.source import FIELDS, CsvSource
from provisiond.adapters.registry.sql_source import SqlSource
from provisiond.domain.errors import ConfigError
from provisiond.domain.model import Level, State
from provisiond.domain.policy import BrakePolicy, LifecyclePolicy, Limit, NamePolicy
from provisiond.settings import CsvSettings, HttpSettings, Settings, SqlSettings, load, names_policy
from provisiond.settings.notation import REGISTRY_FIELDS
from tests.unit.settings_file import SHIPPED, faults_of, write_secret, write_settings


def the_csv(settings: Settings) -> CsvSettings:
    (found,) = settings.registries
    assert isinstance(found, CsvSettings)
    return found


def test_the_shipped_configuration_loads(tmp_path: Path) -> None:
    """With nothing added but its secrets."""
    write_secret(tmp_path / "secrets" / "digest-key", "k" * 64)
    write_secret(tmp_path / "secrets" / "directory-password", "hunter2")
    path = write_settings(tmp_path, text=SHIPPED.read_text("utf-8"))

    settings = load(path)

    assert settings.policy.directory.mail_domain == "connect.example.edu"
    assert the_csv(settings).path == Path("/var/lib/provisiond/drop")
    assert settings.policy.lifecycle.grace_months[Level.RESEARCH_POSTGRADUATE] == 6
    assert not settings.policy.entitlements[State.ALUMNI].login


def test_the_shipped_configuration_still_loads_with_every_default_spelt_out(tmp_path: Path) -> None:
    """Commented keys show true defaults: switching them on changes nothing and is no fault."""
    write_secret(tmp_path / "secrets" / "digest-key", "k" * 64)
    write_secret(tmp_path / "secrets" / "directory-password", "hunter2")
    alternatives = (
        "full_name",
        "encoding =",
        "trailer",
        "reserved_file",
        "unfortunate_file",
        "ca_file",
        "pattern = '",
        "birth_date_attribute",
    )
    shipped = load(write_settings(tmp_path, text=SHIPPED.read_text("utf-8")))
    before, admin, after = re.split(
        r"(?ms)^(\[directory\.admin\].*?)(?=^# -- brakes)", SHIPPED.read_text("utf-8")
    )
    spelt_out = "".join(
        line.removeprefix("# ")
        if re.match(r"# [\w-]+ = ", line) and not line[2:].startswith(alternatives)
        else line
        for line in (before + after).splitlines(keepends=True)
    )

    settings = load(write_settings(tmp_path, text=spelt_out + admin))

    assert settings == shipped


def test_every_key_of_the_shipped_configuration_is_explained() -> None:
    """A comment stands above each key, or above the block it is in."""
    paragraph_explained, unexplained = False, []
    for line in SHIPPED.read_text("utf-8").splitlines():
        if re.match(r"#? ?[\w-]+ = ", line) and not paragraph_explained:
            unexplained.append(line)
        if not line.strip():
            # tables whose keys are explained together above them
            paragraph_explained = False
        elif line.startswith(("#", "[registry.codes", "[entitlements", "[brakes")):
            paragraph_explained = True
    assert unexplained == []


def test_defaults_are_those_of_the_domain(tmp_path: Path) -> None:
    policy = load(write_settings(tmp_path)).policy

    assert policy.lifecycle == LifecyclePolicy()
    assert policy.brakes == BrakePolicy()
    assert policy.names.maximum_length == NamePolicy().maximum_length
    assert policy.directory.people_base == "ou=people,dc=example,dc=edu"
    assert policy.directory.mail_domain == "connect.example.edu"
    assert policy.operators == ("operators@example.edu",)


def test_one_key_of_a_limit_leaves_the_others(tmp_path: Path) -> None:
    path = write_settings(tmp_path, ("[names]", "[brakes.losses]\nnumber = 7\n[names]"))
    default = BrakePolicy().losses

    assert load(path).policy.brakes.losses == Limit(7, default.percent, default.always_allowed)


def test_a_ledger_on_a_server_has_its_password_in_a_file(tmp_path: Path) -> None:
    """The URL, and any repr, are free of it."""
    section = 'url = "postgresql+psycopg://ledger@db.example.edu/ledger"\npassword_file = "password"'
    settings = load(write_settings(tmp_path, ('path = "ledger.sqlite"', section)))

    assert settings.ledger.url == "postgresql+psycopg://ledger@db.example.edu/ledger"
    assert settings.ledger.password == "hunter2-hunter2"
    assert "hunter2" not in repr(settings)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = load(write_settings(tmp_path))

    assert settings.ledger.url == f"sqlite:///{tmp_path}/ledger.sqlite"
    assert the_csv(settings).path == tmp_path / "drop"
    assert settings.digest_key_file == tmp_path / "digest-key"


def test_bases_are_normalised(tmp_path: Path) -> None:
    path = write_settings(tmp_path, ('base = "dc=example,dc=edu"', 'base = "DC = example, dc=edu "'))

    assert load(path).directory.base == "dc=example,dc=edu"


def test_a_level_overrides_single_keys_of_its_state(tmp_path: Path) -> None:
    """Keys that the level's table leaves out are those of the state."""
    own = '[entitlements.active.research-postgraduate]\nquota = "50 GiB"\n[entitlements.on-leave]'
    policy = load(write_settings(tmp_path, ("[entitlements.on-leave]", own))).policy

    researcher = policy.entitlement(State.ACTIVE, Level.RESEARCH_POSTGRADUATE)
    undergraduate = policy.entitlement(State.ACTIVE, Level.UNDERGRADUATE)
    assert researcher.quota_bytes == 50 * 1024**3
    assert undergraduate.quota_bytes == 20 * 1024**3
    assert researcher.groups == undergraduate.groups == {"students"}
    assert researcher.affiliations == ("student",)


def test_grace_months_of_a_level_win_over_those_of_all(tmp_path: Path) -> None:
    months = "[lifecycle]\ngrace_months = 2\n[lifecycle.grace_months_by_level]\ntaught-postgraduate = 9"
    policy = load(write_settings(tmp_path, ("[lifecycle]", months))).policy

    assert policy.lifecycle.grace_months == {
        Level.UNDERGRADUATE: 2,
        Level.TAUGHT_POSTGRADUATE: 9,
        Level.RESEARCH_POSTGRADUATE: 2,
    }


def test_reserved_words_are_added_to_the_shipped_ones(tmp_path: Path) -> None:
    path = write_settings(tmp_path, ("[names]", '[names]\nreserved = ["Rector2"]'))

    assert load(path).policy.names.reserved == names_policy().reserved | {"rector2"}


def test_the_shipped_name_policy_needs_no_configuration() -> None:
    assert {"root", "postmaster"} <= names_policy().reserved
    assert not any("#" in word for word in names_policy().reserved | names_policy().unfortunate)


def test_secrets_are_read_and_never_shown(tmp_path: Path) -> None:
    settings = load(write_settings(tmp_path))

    assert settings.directory.password == "hunter2-hunter2"
    assert settings.digest_key == b"k" * 40
    assert "hunter2" not in repr(settings)
    assert "kkkk" not in repr(settings)


def test_a_systemd_credential_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd's access lists show as group bits, so those are not judged there."""
    write_secret(tmp_path / "credentials" / "ldap", "from-systemd", mode=0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    path = write_settings(tmp_path, ('"password"', '"credential:ldap"'))

    assert load(path).directory.password == "from-systemd"


def test_a_credential_without_systemd_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    (fault,) = faults_of(write_settings(tmp_path, ('"password"', '"credential:ldap"')))

    assert "LoadCredential" in fault


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = write_settings(tmp_path)
    (tmp_path / "password").chmod(mode)

    (fault,) = faults_of(path)

    assert fault.startswith("directory.password_file: ")
    assert "chmod 600" in fault
    assert "hunter2" not in fault


def test_secrets_of_the_admin_are_read_only_on_demand(tmp_path: Path) -> None:
    """The daemon starts although it cannot read what only `directory init` needs."""
    settings = load(
        write_settings(
            tmp_path, ("[directory]", '[directory.admin]\nportal_password_file = "portal"\n[directory]')
        )
    )
    secret = settings.directory.admin.portal_password_file
    assert secret is not None

    with pytest.raises(ConfigError, match=r"directory\.admin\.portal_password_file.*cannot be read"):
        secret.read()


@pytest.mark.parametrize(
    ("kept", "used"), [(CsvSettings, CsvSource), (SqlSettings, SqlSource), (HttpSettings, HttpSource)]
)
def test_registry_settings_mirror_the_adapters(kept: type, used: type) -> None:
    """bootstrap copies field by field; neither names nor defaults may drift apart."""

    def shape(kind: type) -> dict[str, object]:
        return {
            f.name: f.default_factory if f.default_factory is not MISSING else f.default for f in fields(kind)
        }

    assert shape(kept) == shape(used)
    assert FIELDS == REGISTRY_FIELDS


def test_a_mailbox_needs_a_host_and_a_log_in_only(tmp_path: Path) -> None:
    write_secret(tmp_path / "imap", "hunter3-hunter3")
    section = '[inbox]\nhost = "imap.example.edu"\nuser = "bounces"\npassword_file = "imap"\n'
    inbox = load(write_settings(tmp_path, ("[names]", f"{section}[names]"))).inbox

    assert inbox is not None
    assert (inbox.tls, inbox.port, inbox.folder, inbox.done_folder) == ("tls", 993, "INBOX", None)
    assert inbox.password == "hunter3-hunter3" and "hunter3" not in repr(inbox)
    assert load(write_settings(tmp_path)).inbox is None
