"""What an administrator does with an installation: makes ledger and directory ready, backs up, restores, verifies.

Nothing here is part of a cycle; how parts are opened is bootstrap's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from provisiond.adapters.directory.setup import run_setup
from provisiond.adapters.directory.setup_ds389 import ds389_ldif, run_ds389_setup
from provisiond.adapters.directory.setup_steps import DirectoryLayout, setup_ldif
from provisiond.adapters.directory.target import LdapTarget
from provisiond.adapters.ledger.copies import backup, checked, restore
from provisiond.adapters.ledger.lock import exclusive
from provisiond.bootstrap_ledger import ledger_place, open_ledger
from provisiond.domain.errors import UnavailableError
from provisiond.settings import Settings

EXTERNAL_ROOT = "gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth"  # root over ldapi:///


def create_ledger(settings: Settings) -> None:
    """Make the ledger, or bring an older one up to date."""
    where = ledger_place(settings)
    if where.path:
        where.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive(where) as fence:  # no cycle may be at work on a ledger that is being upgraded
        open_ledger(settings, create=True, fence=fence).close()


def back_up_ledger(settings: Settings, file: Path) -> int:
    """How many accounts are in the backup."""
    return backup(ledger_place(settings), file)


def check_backup(file: Path) -> int:
    """How many accounts a restore would bring back; raises what is wrong with the backup."""
    return checked(file)


def restore_ledger(settings: Settings, file: Path) -> int:
    """How many accounts came back."""
    where = ledger_place(settings)
    if where.path:
        where.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive(where) as fence:
        return restore(file, where, fence)


def check_ledger(settings: Settings) -> None:
    """Raises what is wrong with the ledger."""
    ledger = open_ledger(settings)
    try:
        if fault := ledger.verify_history():
            raise UnavailableError("ledger", f"the history was tampered with: {fault}", lasts=True)
    finally:
        ledger.close()


def set_up_directory(settings: Settings, say: Callable[[str], None]) -> None:
    """`directory init`: make what the server lacks, and say so."""
    admin = settings.directory.admin
    target = LdapTarget(
        urls=(admin.url,),
        bind="external" if admin.bind == "external" else "simple",
        bind_dn=admin.bind_dn or EXTERNAL_ROOT,
        password=admin.password_file.read() if admin.password_file else None,
        start_tls=settings.directory.start_tls,
        ca_file=settings.directory.ca_file,
    )
    run = {"openldap": run_setup, "389ds": run_ds389_setup}[settings.directory.kind]
    run(target, directory_layout(settings), say)


def directory_setup_ldif(settings: Settings) -> str:
    """The same as LDIF, for those who apply it themselves."""
    made = {"openldap": setup_ldif, "389ds": ds389_ldif}[settings.directory.kind]
    return made(directory_layout(settings))


def directory_layout(settings: Settings) -> DirectoryLayout:
    """What `directory init` makes, from the configuration."""
    admin, base = settings.directory.admin, settings.directory.base
    portal, reader = admin.portal_password_file, admin.reader_password_file
    return DirectoryLayout(
        base=base,
        organisation=admin.organisation or settings.university.name,
        daemon_dn=settings.directory.bind_dn,
        daemon_password=settings.directory.password,
        portal_dn=f"uid=portal,ou=services,{base}",
        listing_reader_dn=f"uid=directory-reader,ou=services,{base}",
        groups=tuple(sorted(settings.policy.managed_groups)),
        database_directory=str(admin.database_directory),
        portal_password=portal.read() if portal else None,
        listing_reader_password=reader.read() if reader else None,
        admin_dn=admin.bind_dn or EXTERNAL_ROOT,
    )
