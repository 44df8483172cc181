"""A private Postfix on loopback from Debian's package: takes mail for the university and for private addresses,
delivers it to a private Dovecot, and writes real bounces. Nobody whose name begins with `gone` exists (550, said by
a second server), nobody at late.example can be reached yet (delayed)."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.rigs.dovecot import DovecotRig, running_dovecot

DOMAINS = ("example.edu", "connect.example.edu", "example.net")
_AS_ROOT = [] if os.getuid() == 0 else ["sudo", "-n"]  # Postfix's first process is root's by design

_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
myhostname = mx.example.edu
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_host_lookup = native
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {domains}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
relay_domains = late.example
transport_maps = regexp:{home}/conf/transport
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
mynetworks = 127.0.0.0/8
smtputf8_enable = yes
bounce_size_limit = 50000
delay_warning_time = 1s
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
default_process_limit = 20
smtpd_client_connection_count_limit = 0
lmtp_destination_concurrency_limit = 5
"""

_MASTER = """\
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{elsewhere} inet n - n - - smtpd
  -o myhostname=mx.example.net
  -o smtpd_recipient_restrictions=check_recipient_access,regexp:{home}/conf/unknown
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(slots=True)
class PostfixRig:
    """`smtp`: the port that takes our mails; `dovecot`: where they lie in the end."""

    home: Path
    dovecot: DovecotRig
    smtp: int = 0
    process: subprocess.Popen[bytes] | None = None

    def wait_until_delivered(self, seconds: float = 60) -> None:
        """The queue is empty, but for what cannot be delivered yet."""
        for _ in range(int(seconds * 20)):
            if not self._queued():
                return
            time.sleep(0.05)
        raise AssertionError(f"Postfix did not deliver everything:\n{self.log()[-3000:]}")

    def log(self) -> str:
        return subprocess.run(
            [*_AS_ROOT, "/bin/cat", str(self.home / "log")], check=False, capture_output=True, text=True
        ).stdout

    def start(self) -> None:
        """On the same port as before."""
        for _ in range(5):  # another process may be quicker to take a port that was free
            kept = self.smtp
            self.smtp = kept or _free_port()
            self._configure()
            self.process = subprocess.Popen(
                [*_AS_ROOT, *self._postfix(), "start-fg"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            if self._answers():
                return
            self.stop()
            self.smtp = kept
        raise AssertionError(self.log())

    def stop(self) -> None:
        if self.process:
            subprocess.run([*_AS_ROOT, *self._postfix(), "abort"], check=False, capture_output=True)
            self.process.wait(timeout=20)
            assert self.process.stderr
            self.process.stderr.close()

    # -- inside ------------------------------------------------------------------------------------------
    def _postfix(self) -> list[str]:
        return ["/usr/sbin/postfix", "-c", str(self.home / "conf")]

    def _configure(self) -> None:
        facts = {"home": self.home, "domains": ", ".join(DOMAINS), "lmtp": self.dovecot.lmtp}
        elsewhere, nobody = _free_port(), _free_port()
        files = {
            "main.cf": _MAIN.format(**facts),
            "master.cf": _MASTER.format(**facts, smtp=self.smtp, elsewhere=elsewhere),
            "transport": f"/^gone/ smtp:[127.0.0.1]:{elsewhere}\n/@late.example$/ smtp:[127.0.0.1]:{nobody}\n",
            "unknown": "/^gone/ 550 5.1.1 User unknown\n",
        }
        folder = self.home / "conf"
        for name, text in files.items():
            subprocess.run(
                [*_AS_ROOT, "/usr/bin/tee", str(folder / name)], input=text.encode(), check=True, stdout=-3
            )

    def _queued(self) -> bool:
        """Anything on its way: deferred mail is not."""
        where = [str(self.home / "queue" / name) for name in ("incoming", "active", "maildrop")]
        found = subprocess.run(
            [*_AS_ROOT, "/usr/bin/find", *where, "-type", "f"], check=False, capture_output=True
        )
        return bool(found.stdout)

    def _answers(self) -> bool:
        assert self.process
        for _ in range(400):
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.smtp), 2) as smtp:
                if smtp.recv(100).startswith(b"220"):
                    return True
            time.sleep(0.05)
        return False


@contextlib.contextmanager
def running_postfix() -> Iterator[PostfixRig]:
    """With a Dovecot behind it."""
    with running_dovecot() as dovecot, _folder() as home:
        rig = PostfixRig(home, dovecot)
        rig.start()
        try:
            yield rig
        finally:
            rig.stop()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Owned by root, as Postfix wants it; its processes may pass through."""
    home = Path(tempfile.mkdtemp(prefix="provisiond-postfix-"))
    home.chmod(0o755)
    try:
        for name, owner in (("conf", "root"), ("queue", "root"), ("data", "postfix")):
            subprocess.run([*_AS_ROOT, "/usr/bin/install", "-d", "-o", owner, str(home / name)], check=True)
        yield home
    finally:
        subprocess.run([*_AS_ROOT, "/bin/rm", "-rf", str(home)], check=False)
        shutil.rmtree(home, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
