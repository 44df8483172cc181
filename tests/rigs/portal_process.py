"""What `provisiond portal` needs to start as a process on a site of the tests, and how to ask it."""

from __future__ import annotations

from pathlib import Path

from provisiond.adapters import web_server
from provisiond.listening import Place
from tests.integration.conftest import Site
from tests.rigs.daemon_process import DaemonProcess

HOST = "account.example.edu"


def portal_section(folder: Path, processes: int = 1) -> str:
    return f"""
[portal]
password_file = "secrets/portal"
reader_password_file = "secrets/reader"
factor_key_file = "secrets/factor-key"
listen = "{folder}/http.sock"
monitor = "{folder}/monitor.sock"
hosts = ["{HOST}"]
processes = {processes}
"""


def with_secrets(site: Site) -> Site:
    rig, us = site.slapd, site.university
    us.keep_secret("portal", rig.layout.portal_password or "")
    us.keep_secret("reader", rig.layout.listing_reader_password or "")
    us.keep_secret("factor-key", "0f" * 32)
    return site


def answered(portal: DaemonProcess, path: str, host: str = HOST) -> int | None:
    """Of the answer; None: nobody answers."""
    return web_server.asked(Place(path=portal.site.university.folder / "http.sock"), host, path, {})
