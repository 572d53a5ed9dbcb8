"""A line between browser and server that is slow, falls silent, breaks and comes back."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_CHUNK: Final = 65_536
_SENT = tuple[float, bytes]


class DelayedLine:
    """Forwards every byte a while later, each way; many connections at once."""

    def __init__(self, url: str, delay_ms: float = 0.0) -> None:
        self._port = int(url.rsplit(":", 1)[1])
        self._delay = delay_ms / 1000
        self._is_whole = True
        self._flows = threading.Event()
        self._flows.set()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://localhost:{self._listener.getsockname()[1]}"
        self.num_bytes = 0
        """From the server to the browser."""
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close every connection and refuse new ones; what was under way is lost."""
        self._is_whole = False
        while self._ends:
            _close(self._ends.pop())
        self._flows.set()

    def hold(self) -> None:
        """Forward nothing more, in either direction, without a sign to either end."""
        self._flows.clear()

    def restore(self) -> None:
        """Take connections again, and forward what was held."""
        self._is_whole = True
        self._flows.set()

    def close(self) -> None:
        """Cut the line for good."""
        _close(self._listener)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(browser,), daemon=True).start()

    def _join(self, browser: socket.socket) -> None:
        time.sleep(2 * self._delay)  # the handshake of a connection takes a round trip
        try:
            if not self._is_whole:
                raise ConnectionRefusedError
            server = socket.create_connection(("localhost", self._port))
        except OSError:
            _close(browser)
            return
        self._ends += [browser, server]
        for source, sink in ((browser, server), (server, browser)):
            sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting: queue.SimpleQueue[_SENT | None] = queue.SimpleQueue()
            reading = (source, waiting, source is server)
            threading.Thread(target=self._read, args=reading, daemon=True).start()
            threading.Thread(target=self._write, args=(sink, waiting), daemon=True).start()

    def _read(
        self, source: socket.socket, waiting: queue.SimpleQueue[_SENT | None], is_server: bool
    ) -> None:
        with contextlib.suppress(OSError):  # cut
            while data := source.recv(_CHUNK):
                self.num_bytes += len(data) if is_server else 0
                waiting.put((time.monotonic() + self._delay, data))
        waiting.put(None)

    def _write(self, sink: socket.socket, waiting: queue.SimpleQueue[_SENT | None]) -> None:
        with contextlib.suppress(OSError):
            while (sent := waiting.get()) is not None:
                time.sleep(max(0.0, sent[0] - time.monotonic()))
                self._flows.wait()
                sink.sendall(sent[1])
        _close(sink)


@contextmanager
def delayed_line(url: str, delay_ms: float = 0.0) -> Iterator[DelayedLine]:
    """Put a line in front of a server; it is cut at the end."""
    line = DelayedLine(url, delay_ms)
    try:
        yield line
    finally:
        line.close()


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was faster
        end.shutdown(socket.SHUT_RDWR)
    end.close()
