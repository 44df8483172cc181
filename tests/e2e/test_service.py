"""The life of the service on a machine that boots systemd: installed, killed, stuck, reloaded, upgraded, removed.
Each test leaves it running; the last one takes it away."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import BIRTH_DATE, CONFIG, HKID, ROOT, activate, documented_commands, enrol, has_entry
from tests.e2e.units import (
    DROP_IN,
    PORTAL,
    SERVICE,
    drop_in,
    main_pid,
    portal_line,
    restart,
    returned,
    runs,
    status,
)
from tests.rigs.machine import Machine
from tests.rigs.reports import a_report

PASSWORD = "correct horse battery staple"


@pytest.fixture
def service(installed: Machine) -> Machine:
    """Running, with its first cycle done."""
    installed.wait("the service runs", lambda: runs(installed))
    installed.wait("an entry", lambda: has_entry(installed, "tmchan"))
    return installed


def test_what_is_installed_as_documented_makes_entries(service: Machine) -> None:
    assert service.shows(SERVICE, "User", "UnitFileState") == ["provisiond", "enabled"]
    service.wait("it says that it is idle", lambda: "idle" in status(service))
    owners = service.run("stat -c %U:%a /var/lib/provisiond-ledger/ledger.sqlite* /etc/provisiond/secrets")
    assert set(owners.split()) == {"provisiond:660", "root:700"}


@pytest.mark.parametrize("unit", [SERVICE, PORTAL])
def test_the_service_can_do_no_more_than_it_must(service: Machine, unit: str) -> None:
    service.run(f"systemd-analyze security --offline=yes --threshold=12 /lib/systemd/system/{unit}")
    faults = service.run(f"systemd-analyze verify --man=no {unit} 2>&1", expect=None)
    assert unit not in faults


def test_a_killed_service_returns_and_goes_on(service: Machine) -> None:
    before = main_pid(service)
    enrol(service, "20260001,CHAN,Tai Man", "20260002,WONG,Siu Ming")
    service.run(f"kill -9 {before}")
    service.wait("it returns", lambda: returned(service, before))
    service.wait("the new entry", lambda: has_entry(service, "smwong"))


def test_a_stopped_process_is_replaced_by_the_watchdog(service: Machine) -> None:
    drop_in(service, "quick.conf", "[Service]\nWatchdogSec=3s\nTimeoutAbortSec=1s\nRestartSec=100ms\n")
    restart(service)
    before = main_pid(service)
    service.run(f"kill -STOP {before}")
    service.wait("it is replaced", lambda: returned(service, before))
    assert "Watchdog timeout" in service.journal("-u", SERVICE)
    service.run(f"rm {DROP_IN}/quick.conf; systemctl daemon-reload")
    restart(service)


def test_a_reload_takes_a_good_configuration_and_refuses_a_bad_one(service: Machine) -> None:
    before = main_pid(service)
    service.edit(CONFIG, ('time_zone = "Asia/Hong_Kong"', 'time_zone = "Asia/Nowhere"'))
    service.run(f"systemctl reload {SERVICE}")
    service.wait("it says that it was refused", lambda: "configuration refused" in status(service))
    assert "Asia/Nowhere" in service.journal("-u", SERVICE)
    service.edit(CONFIG, ('time_zone = "Asia/Nowhere"', 'time_zone = "Asia/Macau"'))
    service.run(f"systemctl reload {SERVICE}")
    service.wait("it is content", lambda: runs(service) and "refused" not in status(service))
    assert main_pid(service) == before


def test_a_wrong_configuration_stays_down_and_is_told(service: Machine) -> None:
    service.edit(CONFIG, ('time_zone = "Asia/Macau"', 'time_zone = "Asia/Nowhere"'))
    service.run(f"systemctl restart {SERVICE}", expect=1)
    assert service.shows(SERVICE, "ActiveState", "ExecMainStatus") == ["failed", "78"]
    service.edit(CONFIG, ('time_zone = "Asia/Nowhere"', 'time_zone = "Asia/Macau"'))
    restart(service)
    assert runs(service)


def test_a_student_activates_through_the_portal_as_documented(
    service: Machine, opened_portal: Machine
) -> None:
    """Both units in their sandboxes, nginx before them: in the end the directory knows password and listing."""
    told = activate(opened_portal, "20260001", HKID, "tmchan", PASSWORD)
    assert told["headings"][-1] == "Your account is active" and told["finished"]
    assert told["logged_in"] == "New recovery codes"
    who = "uid=tmchan,ou=people,dc=example,dc=edu"
    assert who in service.run(f"ldapwhoami -x -H ldapi:/// -D {who} -w '{PASSWORD}'")
    reader = "-D uid=directory-reader,ou=services,dc=example,dc=edu"
    secret = "-y /etc/provisiond/secrets/listing-reader-password"
    listing = f"ldapsearch -x -LLL -H ldapi:/// {reader} {secret} -b ou=contacts,dc=example,dc=edu uid=tmchan"
    assert "displayName: CHAN Tai Man" in service.run(listing)
    assert "2 log-ins ended" in service.run("provisiond log-out tmchan --reason 'end of the test'")


def test_the_portal_has_a_user_of_its_own_and_shares_the_ledger_alone(opened_portal: Machine) -> None:
    """Whichever of the two made the files beside it."""
    opened_portal.run(
        f"systemctl stop {SERVICE} {PORTAL}; systemctl start {PORTAL}; systemctl start {SERVICE}"
    )
    opened_portal.wait("both work", lambda: "every system answers" in portal_line(opened_portal))
    assert opened_portal.shows(PORTAL, "User", "Group") == ["provisiond-portal", "provisiond-portal"]
    modes = opened_portal.run("stat -c %G:%a /var/lib/provisiond-ledger /var/lib/provisiond-ledger/*")
    assert set(modes.split()) == {"provisiond-ledger:2770", "provisiond-ledger:660"}
    pid = main_pid(opened_portal, PORTAL)
    inside = f"nsenter -t {pid} -m setpriv --reuid provisiond-portal --clear-groups"
    for closed in ("/etc/provisiond/secrets", "/var/lib/provisiond"):
        opened_portal.run(f"{inside} ls {closed}", expect=2)


def test_a_portal_that_hangs_is_replaced_and_waits_for_its_ledger(opened_portal: Machine) -> None:
    drop_in(
        opened_portal, "quick.conf", "[Service]\nWatchdogSec=15s\nTimeoutAbortSec=1s\nRestartSec=1s\n", PORTAL
    )
    opened_portal.run(f"systemctl restart {PORTAL}")
    before = main_pid(opened_portal, PORTAL)
    opened_portal.run(f"kill -STOP {before}")
    opened_portal.wait("it is replaced", lambda: returned(opened_portal, before, PORTAL))
    opened_portal.run(f"systemctl stop {PORTAL}; chmod 700 /var/lib/provisiond-ledger")
    opened_portal.run(f"systemctl start {PORTAL}", expect=1)
    assert "is not open to this user" in opened_portal.journal("-u", PORTAL)
    opened_portal.run("chmod 2770 /var/lib/provisiond-ledger")
    opened_portal.wait("it comes by itself", lambda: runs(opened_portal, PORTAL))
    opened_portal.run(f"rm /etc/systemd/system/{PORTAL}.d/quick.conf; systemctl daemon-reload")
    opened_portal.run(f"systemctl restart {PORTAL}")


def test_the_secrets_of_the_portal_are_changed_as_documented(opened_portal: Machine) -> None:
    """New passwords in the directory, a further key for second factors: blocks three and four of that section."""
    secrets = "/etc/provisiond/secrets"
    opened_portal.run(f"for s in portal listing-reader; do openssl rand -hex 32 >{secrets}/$s-password; done")
    for block in documented_commands("The portal")[2:4]:
        opened_portal.run("\n".join(block))
    opened_portal.wait("all is well", lambda: "every system answers" in portal_line(opened_portal))
    assert opened_portal.run(f"grep -c . {secrets}/factor-key; stat -c %a {secrets}/factor-key").split() == [
        "2",
        "600",
    ]


def test_notices_leave_from_inside(service: Machine) -> None:
    service.take(ROOT / "tests" / "rigs" / "smtp.py", "/root/smtp.py")
    service.run(
        "systemd-run -q --unit=sink sh -c 'tail -f /dev/null | python3 /root/smtp.py >/run/sink.port'"
    )
    service.wait("a mail server", lambda: service.run("cat /run/sink.port", expect=None).strip().isdigit())
    service.edit(
        CONFIG,
        ('#   host = "localhost"', 'host = "localhost"'),
        ('#   tls = "starttls"', 'tls = "none"'),
        ("#   port = 587", f"port = {service.run('cat /run/sink.port').strip()}"),
        ("#   sender =", "sender ="),
    )
    service.run(f"systemctl reload {SERVICE}")
    service.wait("every notice was taken", lambda: " due" not in service.run("provisiond outbox"))
    assert "queued" in service.run("provisiond explain 20260001")


def test_a_bounce_is_read_from_inside(service: Machine) -> None:
    """From a Dovecot, over TLS, by the daemon itself: the address is marked and the notice goes to the other one."""
    service.take(ROOT / "tests" / "rigs" / "dovecot.sh", "/root/dovecot.sh")
    service.run("sh /root/dovecot.sh Xq7-inbox")
    told = json.loads(service.run("provisiond outbox --json"))
    notice = next(item for item in told if item["notice"]["to"] == "s0@example.com")
    service.write("/root/bounce", a_report(notice["message_id"], "s0@example.com").decode())
    service.run("doveadm save -u bounces </root/bounce")
    service.write("/etc/provisiond/secrets/inbox-password", "Xq7-inbox", mode="600")
    service.edit(
        CONFIG,
        ('#   host = "imap.example.edu"', 'host = "localhost"'),
        ('#   ca_file = "mail-ca.pem"', 'ca_file = "mail-ca.pem"'),
        ('#   user = "bounces@example.edu"', 'user = "bounces"'),
        ('#   password_file = "credential:inbox-password"', 'password_file = "credential:inbox-password"'),
    )
    assert "ok  inbox" in service.run("provisiond check")
    restart(service)
    service.wait("the address is marked", lambda: "s0@example.com" in service.run("provisiond inbox bad"))
    service.wait("the notice is sent again", lambda: " due" not in service.run("provisiond outbox"))
    assert "550 5.1.1" in service.run("provisiond explain 20260001")
    service.run("doveadm search -u bounces mailbox INBOX seen | grep -q .")


def test_every_server_is_reached_from_inside(service: Machine) -> None:
    """The same unit, with another command: `check`, on a ledger in PostgreSQL and the directory over TCP."""
    service.run("systemctl start postgresql; cd /; until pg_isready -q; do sleep 0.2; done")
    ledger = "CREATE ROLE provisiond LOGIN PASSWORD 'Xq7-ledger'; CREATE DATABASE provisiond OWNER provisiond"
    for statement in ledger.split("; "):
        statement += " ENCODING 'UTF8' TEMPLATE template0" if "DATABASE" in statement else ""
        service.run(f'cd /; su postgres -c "psql -qc \\"{statement}\\""')
    service.write("/etc/provisiond/secrets/ledger-password", "Xq7-ledger", mode="600")
    service.run(f"cp {CONFIG} /etc/provisiond/elsewhere.toml")
    service.edit(
        "/etc/provisiond/elsewhere.toml",
        (
            'path = "/var/lib/provisiond-ledger/ledger.sqlite"',
            'url = "postgresql://provisiond@127.0.0.1/provisiond"',
        ),
        ('#   password_file = "credential:ledger-password"', 'password_file = "credential:ledger-password"'),
        ('urls = ["ldapi:///"]', 'urls = ["ldap://127.0.0.1"]'),
    )
    service.run("provisiond -c /etc/provisiond/elsewhere.toml ledger init")
    said = elsewhere(service, SERVICE, "run", "check")
    assert all(f"ok  {system}" in said for system in ("ledger", "directory", "mail", "inbox"))
    assert "FAULT" not in said
    assert "every system answers" in elsewhere(service, PORTAL, "portal", "portal --check")


def elsewhere(machine: Machine, unit: str, verb: str, command: str) -> str:
    """What that command says, run by that unit in place of its own."""
    text = machine.run(f"cat /lib/systemd/system/{unit}")
    command = f"/usr/bin/provisiond -c /etc/provisiond/elsewhere.toml {command}"
    text = text.replace("Type=notify", "Type=oneshot").replace(f"/usr/bin/provisiond {verb}", command)
    text = text.replace("Restart=on-failure", "Restart=no")
    text = text.replace("Directory=provisiond", "Directory=elsewhere")  # they go when it ends
    machine.write(f"/etc/systemd/system/elsewhere-{verb}.service", text)
    machine.run(f"systemctl daemon-reload; systemctl start elsewhere-{verb}")
    return machine.journal("-u", f"elsewhere-{verb}", "-o", "cat")


def test_secrets_may_be_encrypted(service: Machine) -> None:
    example = "/usr/share/doc/provisiond/examples/encrypted-secrets.conf"
    shown = [line[4:] for line in service.run(f"cat {example}").splitlines() if line.startswith("#   ")]
    service.run("; ".join(shown))
    service.run(f"mkdir -p {DROP_IN}; cp {example} {DROP_IN}/; systemctl daemon-reload")
    restart(service)
    assert "directory-password.cred" in service.run("ls /etc/provisiond/secrets")
    service.run("provisiond check")
    enrol(service, "20260001,CHAN,Tai Man", "20260002,WONG,Siu Ming", "20260003,LEE,Ka Yan")
    service.run(f"systemctl reload {SERVICE}")
    service.wait("the new entry", lambda: has_entry(service, "kylee"))


def test_an_upgrade_keeps_the_configuration_and_backs_the_ledger_up(service: Machine) -> None:
    before, portal = main_pid(service), main_pid(service, PORTAL)
    service.run(
        "cd /root; dpkg-deb -R provisiond_0.1.0_amd64.deb new;"
        " sed -i 's/^Version: .*/Version: 99.1/' new/DEBIAN/control;"
        " echo '# a new key' >>new/etc/provisiond/provisiond.toml; dpkg-deb -Znone -b new provisiond_99.deb"
    )
    said = service.run("cd /root; apt-get install ./provisiond_99.deb")
    assert "the ledger /var/lib/provisiond-ledger/ledger.sqlite is ready" in said
    assert 'urls = ["ldapi:///"]' in service.run(f"cat {CONFIG}")
    assert "a new key" in service.run(f"cat {CONFIG}.dpkg-dist")
    assert "ledger-before-99.1" in service.run("ls /var/backups/provisiond")
    service.wait("it runs again", lambda: returned(service, before))
    service.wait("the portal too", lambda: returned(service, portal, PORTAL))


def test_the_journal_holds_no_secret_and_no_personal_data(service: Machine) -> None:
    said = service.journal()
    named = "digest-key ledger-password inbox-password portal-password listing-reader-password factor-key"
    plain = service.run(f"cd /etc/provisiond/secrets; cat {named}").split()
    assert "provisiond" in said
    assert [
        word for word in (*plain, PASSWORD, HKID, "A123456", BIRTH_DATE, "CHAN", "陳大文") if word in said
    ] == []


def test_completion_and_manual_are_installed(service: Machine) -> None:
    complete = (
        ". /usr/share/bash-completion/completions/provisiond; COMP_WORDS=(provisiond lead); COMP_CWORD=1;"
        " _provisiond_completion provisiond; echo ${COMPREPLY[*]}"
    )
    assert "ledger" in service.run(f"bash -c '{complete.replace('lead', 'led')}'")
    assert "provisiond.toml" in service.run(
        "zcat /usr/share/man/man1/provisiond.1.gz /usr/share/man/man5/provisiond.toml.5.gz"
    )


def test_removing_it_stops_it_and_a_purge_keeps_the_ledger(service: Machine) -> None:
    service.run("apt-get remove provisiond")
    assert [service.shows(unit, "ActiveState") for unit in (SERVICE, PORTAL)] == [["inactive"]] * 2
    assert "provisiond.toml" in service.run("ls /etc/provisiond")
    said = service.run("apt-get purge provisiond")
    assert "kept: /var/lib/provisiond-ledger" in said
    left = (
        "elsewhere.toml",
        "mail-ca.pem",
        "secrets/digest-key",
        "secrets/factor-key",
    )  # two are the tests' own
    assert sorted(service.run("cd /etc/provisiond; find * -type f").split()) == list(left)
    kept = service.run("ls /var/lib/provisiond-ledger")
    assert "ledger.sqlite\n" in kept and "portal-state" not in kept
    assert "provisiond" not in service.run("ls /usr/lib /etc/systemd/system/multi-user.target.wants")
