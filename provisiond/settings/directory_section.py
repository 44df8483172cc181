"""The section [directory]: where entries live (policy) and how the server is reached (settings).

Refuses what would send a password in the clear or bind as nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from urllib.parse import urlsplit

from provisiond.domain.errors import ConfigError
from provisiond.domain.policy import DirectoryPolicy
from provisiond.settings import sections as s
from provisiond.settings.parsing import Faults
from provisiond.settings.secret_files import SecretFile, secret_file
from provisiond.settings.values import AdminSettings, DirectorySettings, UniversitySettings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LOGIN_END = {"openldap": "pwdEndTime", "389ds": "nsAccountLock"}
_BASES = {"people_base": "ou=people", "contacts_base": "ou=contacts", "groups_base": "ou=groups"}


def directory_policy(
    section: s.Directory | None, university: UniversitySettings | None, faults: Faults
) -> DirectoryPolicy | None:
    if section is None:
        return None
    bases = {key: getattr(section, key) or f"{rdn},{section.base}" for key, rdn in _BASES.items()}
    _check_bases(section.base, bases, faults)
    if university is None:
        return None
    posix = section.posix or s.Posix()
    given = posix.given() | bases | {"posix": posix.enabled}
    if section.quota_attribute:
        given["quota_attribute"] = section.quota_attribute
    for dn in section.account_bases or ():
        if any(_is_or_lies_under(dn, bases[key]) for key in ("contacts_base", "groups_base")):
            faults.add("directory.account_bases", f"{dn} holds listings or groups")
        if not dn.lower().endswith(f",{section.base.lower()}"):
            faults.add("directory.account_bases", f"{dn} must lie below directory.base ({section.base})")
    if section.account_bases is not None:
        given["account_bases"] = section.account_bases
    if section.protected is not None:
        given["protected"] = section.protected
    if section.drift and section.drift.action:
        given["repair_drift"] = section.drift.action == "repair"
    given["login_end"] = _LOGIN_END[section.kind or "openldap"]
    if (section.kind or "openldap") == "openldap":  # others ask for no one-time code at bind
        given["tokens_base"] = f"ou=tokens,{section.base}"
    known = {field.name for field in fields(DirectoryPolicy)}
    given |= {"domain": university.domain, "mail_domain": university.mail_domain}
    return DirectoryPolicy(**{key: value for key, value in given.items() if key in known})


def _is_or_lies_under(dn: str, base: str) -> bool:
    return f",{dn}".lower().endswith(f",{base}".lower())


def _check_bases(base: str, bases: Mapping[str, str], faults: Faults) -> None:
    for key, dn in bases.items():
        if not dn.lower().endswith(f",{base.lower()}"):
            faults.add(f"directory.{key}", f"must lie below directory.base ({base})")
        if [other.lower() for other in bases.values()].count(dn.lower()) > 1:
            faults.add(f"directory.{key}", "is the same as another base; accounts and listings live apart")


def directory_settings(
    section: s.Directory | None, groups: Mapping[str, str], folder: Path, faults: Faults
) -> DirectorySettings | None:
    result = directory_place(section, groups, folder, faults)
    if section is None or result is None:
        return None
    password = _password(section, folder, faults) if result.bind == "simple" else None
    return replace(result, password=password)


def directory_place(
    section: s.Directory | None, groups: Mapping[str, str], folder: Path, faults: Faults
) -> DirectorySettings | None:
    """Without the daemon's password: the portal has its own."""
    if section is None:
        return None
    result = DirectorySettings(section.urls, section.bind_dn, section.base, groups=dict(groups))
    known = {field.name for field in fields(DirectorySettings)}
    given = {key: value for key, value in section.given().items() if key in known}
    if section.ca_file:
        given["ca_file"] = _readable("directory.ca_file", folder / section.ca_file, faults)
    result = replace(result, **given, admin=_admin(section.admin or s.Admin(), folder, faults))
    _check_security(result, faults)
    if result.bind == "external" and section.password_file:
        faults.add("directory.password_file", 'serves only bind = "simple"')
    return result


def _password(section: s.Directory, folder: Path, faults: Faults) -> str | None:
    if section.password_file is None:
        faults.add("directory.password_file", 'missing: bind = "simple" needs it')
        return None
    try:
        return secret_file(faults.key("directory.password_file"), section.password_file, folder).read()
    except ConfigError as error:
        faults.sentences += error.faults
        return None


def _readable(key: str, path: Path, faults: Faults) -> Path:
    try:
        path.read_bytes()
    except OSError as error:
        faults.add(key, f"{path} cannot be read: {error.strerror}")
    return path


def _check_security(found: DirectorySettings, faults: Faults) -> None:
    for url in found.urls:
        parts = urlsplit(url)
        if parts.scheme == "ldap" and not found.start_tls and parts.hostname not in _LOOPBACK:
            faults.add("directory.urls", f"{url} is not encrypted; use ldaps:// or set directory.start_tls")
        if parts.scheme != "ldap" and found.start_tls:
            faults.add("directory.start_tls", f"does not go with {url}, which needs none; it is for ldap://")
        if parts.scheme != "ldapi" and found.bind == "external":
            faults.add("directory.bind", f'"external" does not go with {url}; it needs ldapi://')


def _admin(section: s.Admin, folder: Path, faults: Faults) -> AdminSettings:
    given = section.given()
    for key in ("password_file", "portal_password_file", "reader_password_file"):
        if key in given:
            given[key] = _secret(f"directory.admin.{key}", given[key], folder, faults)
    if "database_directory" in given:
        given["database_directory"] = Path(given["database_directory"])
    admin = replace(AdminSettings(), **given)
    for key in ("bind_dn", "password_file"):
        if admin.bind == "simple" and getattr(admin, key) is None:
            faults.add(f"directory.admin.{key}", 'missing: bind = "simple" needs it')
    if admin.bind == "external" and not admin.url.startswith("ldapi:"):
        faults.add("directory.admin.bind", '"external" needs an ldapi:// url')
    return admin


def _secret(key: str, text: str, folder: Path, faults: Faults) -> SecretFile:
    return secret_file(faults.key(key), text, folder)
