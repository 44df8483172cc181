"""Clients of a web server on this machine, in a process of their own: a few keep-alive connections, each of which
sends its next request when the answer to the last one is whole. Bounded in number and time; prints JSON.

python -m tests.bench.clients PORT CONNECTIONS SECONDS STATUS FILE   (FILE: requests, one a line, as JSON strings)"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_STATUS = slice(9, 12)  # of `HTTP/1.1 200 OK`


@dataclass
class Load:
    """What is to be sent, and what came."""

    left: Iterator[bytes]
    until: float
    took: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    octets: int = 0

    def next_request(self) -> bytes | None:
        return next(self.left, None) if time.perf_counter() < self.until else None


class Client(asyncio.Protocol):
    def __init__(self, load: Load, done: asyncio.Future[None]) -> None:
        self._load, self._done = load, done
        self._answer = bytearray()
        self._wanted = 0  # octets of the answer; 0: its head is not whole
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._wanted and (end := self._answer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._answer, 0, end)
            self._wanted = end + 4 + (int(found[1]) if found else 0)
        if self._wanted and len(self._answer) >= self._wanted:
            self._load.took.append(time.perf_counter() - self._sent_at)
            self._load.statuses[self._answer[_STATUS].decode()] += 1
            self._load.octets += len(self._answer)
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        request = self._load.next_request()
        if request is None:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._answer.clear()
        self._wanted, self._sent_at = 0, time.perf_counter()
        self._transport.write(request)


async def sent(port: int, connections: int, load: Load) -> float:
    """Seconds from the first request to the last answer."""
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(connections)]
    began = time.perf_counter()
    for future in futures:
        await loop.create_connection(lambda future=future: Client(load, future), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*futures)
    return time.perf_counter() - began


def main() -> None:
    port, connections, seconds, status, file = sys.argv[1:]
    requests = [json.loads(line).encode() for line in Path(file).read_text("utf-8").splitlines()]
    load = Load(iter(requests), time.perf_counter() + float(seconds))
    took = asyncio.run(sent(int(port), int(connections), load))
    assert set(load.statuses) == {status}, load.statuses
    ordered = sorted(load.took)
    told = {
        "requests": len(ordered),
        "rate": len(ordered) / took,
        "p50_ms": 1000 * ordered[len(ordered) // 2],
        "p99_ms": 1000 * ordered[len(ordered) * 99 // 100],
        "octets": load.octets / len(ordered),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
