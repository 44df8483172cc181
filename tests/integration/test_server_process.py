"""What is done to the server itself while the real command works on it: TLS switched on, the process stopped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from provisiond.adapters.directory.session import open_session
from provisiond.demo.slapd import PrivateSlapd
from provisiond.domain.errors import UnavailableError
from tests.integration.conftest import Site, same_name
from tests.rigs.front import certificate

STUDENTS = 300


def configured(site: Site, more: str, *, url: str | None = None) -> None:
    """Add keys to [directory], and perhaps go to the server by another URL."""
    config = site.university.config
    old = f'urls = ["{site.slapd.url}"]'
    config.write_text(config.read_text().replace(old, f'urls = ["{url or site.slapd.url}"]\n{more}'))


@contextmanager
def stopped(site: Site) -> Iterator[None]:
    """SIGSTOP: connections stay open and are accepted, nothing is ever answered."""
    assert isinstance(site.slapd.server, PrivateSlapd) and site.slapd.server.pid
    os.kill(site.slapd.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(site.slapd.server.pid, signal.SIGCONT)


def offer_tls(site: Site, folder: Path) -> tuple[str, Path]:
    """The server takes passwords over TLS only. Its URL by the name in the certificate, and the CA."""
    ca_file, _ = certificate(folder, "localhost")
    site.plant(
        "dn: cn=config\nchangetype: modify\n"
        f"replace: olcTLSCertificateFile\nolcTLSCertificateFile: {ca_file}\n-\n"
        f"replace: olcTLSCertificateKeyFile\nolcTLSCertificateKeyFile: {ca_file.with_suffix('.key')}\n-\n"
        "replace: olcSecurity\nolcSecurity: simple_bind=128\n"
    )
    return site.slapd.url.replace("127.0.0.1", "localhost"), ca_file


def test_start_tls_protects_the_bind_and_verifies_the_certificate(own_site: Site, tmp_path: Path) -> None:
    """Through the command; without TLS the server refuses, and without the CA or the name we do."""
    url, ca_file = offer_tls(own_site, tmp_path)
    assert "confidentiality" in own_site.run("check", expect=78)
    configured(own_site, f'start_tls = true\nca_file = "{ca_file}"', url=url)
    assert "FAULT" not in own_site.run("check")
    own_site.run("once")

    good = replace(own_site.slapd.daemon, urls=(url,), start_tls=True, ca_file=ca_file)
    with closing(open_session(good)) as session:
        assert session.who_am_i()
    for bad in (replace(good, ca_file=None), replace(good, urls=(own_site.slapd.url,))):
        with pytest.raises(UnavailableError, match=r"(?i)certificate"):
            open_session(bad)


def test_a_stopped_server_is_told_in_time_and_nothing_is_lost(own_site: Site) -> None:
    """Stopped in the middle of a load: exit 75 with server and reason; the next run finishes the same work."""
    configured(own_site, "connect_timeout = 1\nreceive_timeout = 1")
    own_site.university.edit(same_name(STUDENTS))
    running = own_site.start("once")
    give_up = time.monotonic() + 60
    while not own_site.accounts() and time.monotonic() < give_up and running.poll() is None:
        time.sleep(0.02)
    with stopped(own_site):
        out, err = running.communicate(timeout=120)
        assert running.returncode == 75, out + err
        assert "directory" in err and "Traceback" not in err
        assert own_site.slapd.url in own_site.run("plan", expect=75)
    assert 0 < len(own_site.accounts()) < STUDENTS, "the stop came in the middle"
    own_site.run("once")
    names = {row["account_name"] for row in own_site.json("accounts")}
    assert len(names) == len(own_site.accounts()) == len(own_site.json("outbox")) == STUDENTS
    before = own_site.state()
    own_site.run("once")
    assert own_site.state() == before
