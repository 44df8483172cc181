"""The monitor's server on real sockets: who may ask, how much, how long."""

from __future__ import annotations

import http.client
import os
import re
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from provisiond.adapters.monitor import AT_ONCE, Monitor, asked, status_of
from provisiond.domain.errors import UnavailableError
from provisiond.listening import Place
from provisiond.monitoring import Page
from tests.rigs.watched import everything
from tests.unit.settings_file import SMALLEST, faults_of, write_settings

ANY = Place.of("127.0.0.1:0")


@contextmanager
def serving(place: Place = ANY, seconds: float = 20, **pages: Callable[[], Page]) -> Iterator[Place]:
    told = {f"/{name}": page for name, page in pages.items()} or everything().monitoring.pages()
    server = Monitor(place, told, seconds)
    server.start()
    try:
        yield server.place
    finally:
        server.close()


def connected(place: Place) -> socket.socket:
    return socket.create_connection((place.host, place.port), timeout=20)


def everything_from(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def said_to(place: Place, request: bytes) -> bytes:
    with connected(place) as client:
        client.sendall(request)
        return everything_from(client)


# -- who may ask -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "listen",
    re.findall(
        r"\S+",
        """0.0.0.0:9464 [::]:9464 192.0.2.7:9464 host.example.edu:9464 9464 127.0.0.1 127.0.0.1:0 127.0.0.1:70000
    run/monitor.sock""",
    ),
)
def test_only_a_loopback_address_or_a_socket_is_accepted(tmp_path: Path, listen: str) -> None:
    path = write_settings(tmp_path, text=f'{SMALLEST}\n[monitoring]\nlisten = "{listen}"\n')
    (fault,) = faults_of(path)
    assert fault.startswith("monitoring.listen: ")


@pytest.mark.parametrize("listen", ["127.0.0.1:9464", "[::1]:9464", "localhost:9464", "/run/p/monitor.sock"])
def test_places_near_enough_are_accepted(tmp_path: Path, listen: str) -> None:
    assert faults_of(write_settings(tmp_path, text=f'{SMALLEST}\n[monitoring]\nlisten = "{listen}"\n')) == []


@pytest.mark.parametrize("wanted", ["127.0.0.1:0", "[::1]:0", "socket"])
def test_pages_are_had_over_either_kind_of_address(tmp_path: Path, wanted: str) -> None:
    with serving(Place.of(wanted if ":" in wanted else str(tmp_path / "monitor.sock"))) as place:
        assert asked(place, "/healthz") == (200, b"ok\n")
        told = status_of(place)
        assert told and told["leader"] == "node-a (pid 7)"
        metrics = asked(place, "/metrics?x=1")
        assert metrics and b"provisiond_leader 1.0" in metrics[1]


def test_a_socket_is_for_owner_and_group_and_goes_with_its_daemon(tmp_path: Path) -> None:
    place = Place.of(str(tmp_path / "monitor.sock"))
    with serving(place):
        assert place.path and stat.S_IMODE(place.path.stat().st_mode) == 0o660
        with pytest.raises(UnavailableError, match=r"monitoring: cannot listen on .*monitoring\.listen"):
            Monitor(place, {})
    assert not place.path.exists() and asked(place, "/healthz") is None


def test_a_socket_that_a_killed_daemon_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "monitor.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with serving(Place.of(str(path))) as place:
        assert asked(place, "/healthz") == (200, b"ok\n")


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("keep me")
    with pytest.raises(UnavailableError):
        Monitor(Place.of(str(path)), {})
    assert path.read_text() == "keep me"


def test_an_address_in_use_is_told(tmp_path: Path) -> None:
    with serving() as place, pytest.raises(UnavailableError, match="in use"):
        Monitor(place, {})


def test_somebody_else_at_that_address_is_not_taken_for_a_daemon() -> None:
    with serving(status=lambda: Page(200, "text/html", b"<p>hello</p>")) as place:
        assert status_of(place) is None


# -- how much, how long ----------------------------------------------------------------------------------
def test_what_is_no_question_for_a_page_is_refused() -> None:
    with serving() as place:
        for request, status in (
            (b"GET /x HTTP/1.1\r\n\r\n", b"404"),
            (b"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\n", b"405"),
            (b"\x16\x03\x01\r\n\r\n", b"400"),
            (b"GET /../etc/passwd HTTP/1.1\n\n", b"404"),
        ):
            assert said_to(place, request).startswith(b"HTTP/1.1 " + status)
        head = said_to(place, b"HEAD /healthz HTTP/1.1\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200") and head.endswith(b"\r\n\r\n")


def test_any_client_understands_the_answers() -> None:
    with serving() as place:
        client = http.client.HTTPConnection(place.host, place.port, timeout=20)
        client.request("GET", "/metrics")
        answer = client.getresponse()
        assert answer.status == 200 and answer.getheader("Content-Type", "").startswith("text/plain")
        assert int(answer.getheader("Content-Length", "0")) == len(answer.read())
        client.close()


def test_a_request_too_long_ends_without_an_answer() -> None:
    with serving() as place, pytest.raises(ConnectionError):
        if said_to(place, b"GET /" + b"x" * 2**20 + b" HTTP/1.1\r\n\r\n") == b"":
            raise ConnectionResetError


def test_those_who_are_slow_hold_nobody_up() -> None:
    """Eight connections that say nothing take all places; they are closed when their time is over."""
    with ExitStack() as stack, serving(seconds=0.5) as place:
        idle = [stack.enter_context(connected(place)) for _ in range(AT_ONCE)]
        for client in idle:
            client.sendall(b"GET /healthz HT")
        assert [client.recv(1) for client in idle] == [b""] * AT_ONCE
        assert asked(place, "/healthz") == (200, b"ok\n")


def test_no_more_than_so_many_are_answered_at_once() -> None:
    entered, go_on = threading.Semaphore(0), threading.Event()

    def slow() -> Page:
        entered.release()
        go_on.wait(20)
        return Page(200, "text/plain", b"done\n")

    with ExitStack() as stack, serving(slow=slow, healthz=lambda: Page(200, "text/plain", b"ok\n")) as place:
        busy = [stack.enter_context(connected(place)) for _ in range(AT_ONCE)]
        for client in busy:
            client.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
            assert entered.acquire(timeout=20)
        with connected(place) as one_too_many:
            assert one_too_many.recv(1) == b""
        go_on.set()
        assert all(b"done" in everything_from(client) for client in busy)


def test_a_page_that_fails_is_an_answer_too(capfd: pytest.CaptureFixture[str]) -> None:
    def fails() -> Page:
        raise ValueError("A123456(3)")

    with serving(fails=fails, healthz=lambda: Page(200, "text/plain", b"ok\n")) as place:
        said = asked(place, "/fails")
        assert said == (500, b"Internal Server Error\n")
        assert asked(place, "/healthz") == (200, b"ok\n")


def test_nothing_is_left_open_when_it_ends() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only, no entries
    for _ in range(20):
        with serving() as place:
            asked(place, "/healthz")
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208
