"""The two units of that machine, and what is asked of them."""

from __future__ import annotations

from tests.rigs.machine import Machine

SERVICE = "provisiond.service"
PORTAL = "provisiond-portal.service"
DROP_IN = f"/etc/systemd/system/{SERVICE}.d"


def status(machine: Machine) -> str:
    return machine.shows(SERVICE, "StatusText")[0]


def runs(machine: Machine, unit: str = SERVICE) -> bool:
    return machine.shows(unit, "ActiveState", "SubState") == ["active", "running"]


def main_pid(machine: Machine, unit: str = SERVICE) -> str:
    return machine.shows(unit, "MainPID")[0]


def returned(machine: Machine, before: str, unit: str = SERVICE) -> bool:
    return runs(machine, unit) and main_pid(machine, unit) not in ("0", before)


def portal_line(machine: Machine) -> str:
    said = machine.run("provisiond status", expect=None)
    return next((line for line in said.splitlines() if line.startswith("portal ")), "")


def drop_in(machine: Machine, name: str, text: str, unit: str = SERVICE) -> None:
    machine.run(f"mkdir -p /etc/systemd/system/{unit}.d")
    machine.write(f"/etc/systemd/system/{unit}.d/{name}", text)
    machine.run("systemctl daemon-reload")


def restart(machine: Machine) -> None:
    machine.run(f"systemctl reset-failed {SERVICE}; systemctl restart {SERVICE}")
