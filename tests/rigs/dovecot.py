"""A private Dovecot on loopback from Debian's package: takes mail for everybody over LMTP into maildirs, and shows
each of them over IMAP (TLS or STARTTLS by a throw-away CA, one password for all)."""

from __future__ import annotations

import contextlib
import imaplib
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from tests.rigs.front import certificate

PASSWORD = 'a "throw\\away" pässword'
HOST = "localhost"
ACCOUNT = "nobody"  # where we are root: Dovecot keeps no mail as root

_CONFIGURATION = """\
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
ssl = required
ssl_cert = <{home}/{host}.pem
ssl_key = <{home}/{host}.key
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 1000
namespace inbox {{
  inbox = yes
  separator = /
}}
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=everybody {home}/passwords
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/mail/%Ld/%Ln allow_all_users=yes
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  client_limit = 100
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  client_limit = 1
  process_limit = 10
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""


@dataclass(slots=True)
class DovecotRig:
    """`imap`: the port for STARTTLS, `imaps`: the one with TLS; `ca_file`: whom to trust for `HOST`."""

    home: Path
    imap: int = 0
    imaps: int = 0
    lmtp: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def ca_file(self) -> Path:
        return self.home / f"{HOST}.pem"

    def maildir(self, address: str) -> Path:
        local, _, domain = address.lower().rpartition("@")
        return self.home / "mail" / domain / local / "Maildir"

    def mails(self, address: str, folder: str = "") -> list[Message]:
        """As they lie on disk."""
        where = self.maildir(address) / (f".{folder}" if folder else "")
        files = [path for part in ("new", "cur") for path in sorted((where / part).glob("*"))]
        return [message_from_bytes(path.read_bytes()) for path in files]

    def wait_for(self, address: str, count: int, seconds: float = 60) -> None:
        for _ in range(int(seconds * 20)):
            if len(self.mails(address)) >= count:
                return
            time.sleep(0.05)
        raise AssertionError(f"{address} has {len(self.mails(address))} mails, not {count}")

    @contextlib.contextmanager
    def logged_in(self, address: str) -> Iterator[imaplib.IMAP4_SSL]:
        """A client of the test's own."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with imaplib.IMAP4_SSL(HOST, self.imaps, ssl_context=context, timeout=20) as client:
            client.authenticate("PLAIN", lambda _: f"\0{address}\0{PASSWORD}".encode())
            yield client

    def put(self, address: str, *mails: bytes, folder: str = "INBOX") -> None:
        """Into a mailbox, unseen."""
        with self.logged_in(address) as client:
            for mail in mails:
                said, _ = client.append(folder, "", "", mail)
                assert said == "OK"

    def flags(self, address: str, folder: str = "INBOX") -> list[str]:
        """Of every mail in the folder, in order; no folder, no mail."""
        with self.logged_in(address) as client:
            if client.select(folder, readonly=True)[0] != "OK":
                return []
            _, told = client.fetch("1:*", "(FLAGS)")
            return [each.decode() for each in told if isinstance(each, bytes)]

    def clear(self) -> None:
        """Nobody has any mail."""
        for domain in (self.home / "mail").iterdir():
            shutil.rmtree(domain)

    # -- its life --------------------------------------------------------------------------------------
    def start(self) -> None:
        """On the same ports as before."""
        for _ in range(5):  # another process may be quicker to take a port that was free
            kept = self.process is not None
            if not kept:
                self.imap, self.imaps, self.lmtp = (_free_port() for _ in range(3))
            (self.home / "dovecot.conf").write_text(self._configuration())
            user = pwd.getpwnam(ACCOUNT) if os.getuid() == 0 else None
            self.process = subprocess.Popen(
                ["/usr/sbin/dovecot", "-F", "-c", str(self.home / "dovecot.conf")],
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                cwd="/",
            )
            if self._answers():
                return
            self.stop()
            self.process = self.process if kept else None
        raise AssertionError((self.home / "log").read_text())

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)

    def _answers(self) -> bool:
        assert self.process
        for _ in range(400):
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.lmtp), 2) as lmtp:
                if lmtp.recv(100).startswith(b"220"):
                    return True
            time.sleep(0.05)
        return False

    def _configuration(self) -> str:
        user = pwd.getpwnam(ACCOUNT) if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        group = subprocess.run(
            ["/usr/bin/id", "-gn", user.pw_name], check=True, capture_output=True, text=True
        )
        names = {"user": user.pw_name, "group": group.stdout.strip(), "host": HOST, "home": self.home}
        return _CONFIGURATION.format(**names, imap=self.imap, imaps=self.imaps, lmtp=self.lmtp)


@contextlib.contextmanager
def running_dovecot() -> Iterator[DovecotRig]:
    if not Path("/usr/sbin/dovecot").exists():
        subprocess.run([Path(__file__).parents[2] / ".ci" / "install", "mail"], check=True)
    # not in pytest's folder: that is closed to all other users
    with tempfile.TemporaryDirectory(prefix="provisiond-dovecot-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        certificate(home, HOST)
        (home / "mail").mkdir()
        (home / "passwords").write_text(f"everybody:{{PLAIN}}{PASSWORD}\n")
        if os.getuid() == 0:
            for path in (home, *home.iterdir()):
                shutil.chown(path, ACCOUNT)
        rig = DovecotRig(home)
        rig.start()
        try:
            yield rig
        finally:
            rig.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
