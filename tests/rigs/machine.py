"""A machine that boots systemd, in a container of the image of tests/rigs/systemd.Dockerfile, without a network.
What is installed on it is the test's business."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.rigs.container import built_image

IMAGE = "provisiond-test-machine"
# What systemd needs in a container, and CAP_SYS_PTRACE: ProtectProc= hides even our own children without it.
_AS_A_MACHINE = [
    *("--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE", "--security-opt", "seccomp=unconfined"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"),
    *("-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--cgroupns=host", "--network", "none"),
]


@dataclass(frozen=True, slots=True)
class Machine:
    """Commands run as root, in a shell."""

    container: str

    def run(self, script: str, *, expect: int | None = 0, within: float = 120) -> str:
        """What it said; another exit code than expected (None: any will do) shows it."""
        done = subprocess.run(
            ["docker", "exec", "-e", "DEBIAN_FRONTEND=noninteractive", self.container, "bash", "-c", script],
            capture_output=True,
            encoding="utf-8",
            timeout=within,
            check=False,
        )
        said = done.stdout + done.stderr
        assert expect in (None, done.returncode), f"{script}: exit {done.returncode}\n{said}\n{self.story()}"
        return said

    def write(self, path: str, text: str, mode: str = "644") -> None:
        subprocess.run(
            ["docker", "exec", "-i", self.container, "sh", "-c", f"cat >'{path}'; chmod {mode} '{path}'"],
            input=text,
            encoding="utf-8",
            check=True,
        )

    def take(self, file: Path, path: str) -> None:
        subprocess.run(
            ["docker", "cp", str(file), f"{self.container}:{path}"], check=True, capture_output=True
        )

    def edit(self, path: str, *changes: tuple[str, str]) -> None:
        """Replaces text that must be there."""
        text = self.run(f"cat '{path}'")
        for old, new in changes:
            assert old in text, f"{path} has no {old!r}"
            text = text.replace(old, new, 1)
        self.write(path, text)

    def shows(self, unit: str, *names: str) -> list[str]:
        """Properties of a unit, in this order."""
        said = self.run(f"systemctl show {unit} -p {','.join(names)}")
        found = dict(line.split("=", 1) for line in said.splitlines())
        return [found[name] for name in names]

    def wait(self, what: str, until: Callable[[], object], within: float = 60) -> None:
        """Asks again and again. That it comes is what is asserted, not when."""
        deadline = time.monotonic() + within
        while not until():
            assert time.monotonic() < deadline, f"never: {what}\n{self.story()}"
            time.sleep(0.25)

    def journal(self, *words: str) -> str:
        return self.run(f"journalctl --no-pager {' '.join(words)}")

    def story(self) -> str:
        """The end of the journal, for a test that failed."""
        said = ["docker", "exec", self.container, "journalctl", "--no-pager", "-n", "60"]
        return subprocess.run(said, capture_output=True, encoding="utf-8", check=False).stdout


@contextmanager
def running_machine() -> Iterator[Machine]:
    image = built_image(IMAGE, "systemd.Dockerfile", "machine")
    begun = ["docker", "run", "--detach", "--rm", *_AS_A_MACHINE, image]
    done = subprocess.run(begun, capture_output=True, encoding="utf-8", check=True)
    machine = Machine(done.stdout.strip())
    try:
        machine.wait("systemd has booted", lambda: "running" in _booted(machine), within=60)
        yield machine
    finally:
        subprocess.run(["docker", "kill", machine.container], capture_output=True, check=False)


def _booted(machine: Machine) -> str:
    return machine.run("systemctl is-system-running", expect=None)
