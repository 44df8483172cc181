"""What an operator does with the outbox, by the real commands."""

from __future__ import annotations

from tests.integration.conftest import Site
from tests.rigs.smtp import SmtpRig


def with_mail(site: Site, rig: SmtpRig) -> None:
    config = site.university.config
    told = f'\n[mail]\nhost = "127.0.0.1"\nport = {rig.port}\nsender = "accounts@example.edu"\n'
    config.write_text(config.read_text() + told)


def test_notices_are_dropped_retried_and_settled(site: Site) -> None:
    site.run("once")
    first, second, *_ = [item["notice"]["key"] for item in site.json("outbox")]
    assert "1 notices dropped" in site.run("outbox", "drop", first, "--reason", "told by telephone")
    assert "not sent yet, or failed" in site.run("outbox", "drop", first, "--reason", "again", expect=65)
    assert "1 notices due again" in site.run(
        "outbox", "retry", "--status", "dropped", "--reason", "after all"
    )
    site.run("outbox", "settle", second, "--refused", "--reply", "550 no such user")
    assert "1 notices accepted" in site.run("outbox", "settle", second, "--reply", "told in person")
    told = site.run("outbox")
    assert "told in person" in told and "1 accepted" in told
    assert "nothing is sent, notices stay due" in told


def test_check_tries_the_mail_server(site: Site) -> None:
    with SmtpRig() as rig:
        with_mail(site, rig)
        assert "ok  mail" in site.run("check")
        rig.when("greeting", "554 5.3.2 no service")
        told = site.run("check", expect=78)
        assert "FAULT mail" in told and "554 5.3.2 no service" in told
        rig.faults.clear()
        rig.when("greeting", "421 4.3.2 too busy")
        assert "421 4.3.2 too busy" in site.run("check", expect=75)
