"""A private nginx, with the shipped configuration of the portal: its paths, ports and certificate are put in, nothing
else is changed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "config" / "nginx" / "provisiond-portal.conf"
NAME = "account.example.edu"


@contextmanager
def nginx(folder: Path, upstream: Path) -> Iterator[int]:
    """The https port of one that hands requests to the socket `upstream`."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if not program:
        pytest.skip("no nginx: .ci/install web")
    http, https = _free_port(), _free_port()
    (folder / "nginx.conf").write_text(_whole(folder, _shipped(folder, upstream, http, https)))
    certificate(folder)
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "start.log")],
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(https, process, folder / "start.log")
        yield https
    finally:
        process.terminate()
        process.wait(10)


def _shipped(folder: Path, upstream: Path, http: int, https: int) -> str:
    text = SHIPPED.read_text("utf-8")
    for before, after in {
        "unix:/run/provisiond-portal/http.sock": f"unix:{upstream}",
        "listen 80;": f"listen 127.0.0.1:{http};",
        "    listen [::]:80;\n": "",
        "listen 443 ssl": f"listen 127.0.0.1:{https} ssl",
        "    listen [::]:443 ssl http2;\n": "",
        "/etc/ssl/certs/account.example.edu.pem": f"{folder}/cert.pem",
        "/etc/ssl/private/account.example.edu.key": f"{folder}/key.pem",
        "/var/log/nginx/": f"{folder}/",
    }.items():
        assert before in text, f"the shipped configuration lacks {before}"
        text = text.replace(before, after)
    return text


def _whole(folder: Path, site: str) -> str:
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nevents {{}}\n"
        f"http {{\n{places}{site}\n}}\n"
    )


def certificate(folder: Path) -> None:
    """Its own issuer, for the name alone."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME},DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as trial:
        return int(trial.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nginx did not start")
