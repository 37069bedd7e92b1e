"""Small real HTTP servers behind the gateway: they record what reached them and answer as a test wants."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NoReturn


@dataclass(frozen=True)
class Received:
    """A request as it reached an upstream; `connection` tells connections apart."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    def header(self, name: str) -> str | None:
        """The one value of a header, or None. Raises when it came more than once."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        if len(values) > 1:
            raise AssertionError(f"{name} came {len(values)} times")
        return values[0] if values else None

    @property
    def header_names(self) -> set[str]:
        return {name.lower() for name, _ in self.headers}


@dataclass(frozen=True)
class Reply:
    """An answer: `raw` bytes and a closed connection, or `chunks` as the iterable yields them (in HTTP chunks,
    or with `Connection: close` as they are), or `body` at once."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks: Iterable[bytes] | None = None
    raw: bytes | None = None


Answer = Callable[[Received], Reply]


def plain(_: Received) -> Reply:
    """What an upstream answers when a test says nothing else."""
    return Reply(headers={"Content-Type": "application/json"}, body=b"{}")


class Upstream:
    """A server on a free port of 127.0.0.1 that can be stopped and started again on the same port."""

    def __init__(self, answer: Answer = plain) -> None:
        self.received: list[Received] = []
        self.first_bytes = threading.Event()
        self.default = answer
        self.answer = answer
        self.port = 0
        self.connections = 0
        self._server: ThreadingHTTPServer | None = None
        self.start()

    def start(self) -> None:
        """Listens; does nothing when it already does."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", self.port), self)
            self.port = self._server.server_port
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuses connections from now on and cuts the open ones."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def reset(self) -> None:
        """As new for the next test: listening, nothing recorded, the default answer."""
        self.start()
        self.answer = self.default
        self.received.clear()
        self.first_bytes.clear()

    @property
    def last(self) -> Received:
        return self.received[-1]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], upstream: Upstream) -> None:
        self.upstream = upstream
        self._open: set[BaseHTTPRequestHandler] = set()
        super().__init__(address, _Handler)

    def opened(self, handler: BaseHTTPRequestHandler) -> None:
        self._open.add(handler)

    def closed(self, handler: BaseHTTPRequestHandler) -> None:
        self._open.discard(handler)

    def server_close(self) -> None:
        super().server_close()
        for handler in list(self._open):
            with suppress(OSError):
                handler.connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves is part of these tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.opened(self)
        self.server.upstream.connections += 1
        self.number = self.server.upstream.connections

    def finish(self) -> None:
        self.server.closed(self)
        super().finish()

    def _answer(self) -> None:
        upstream = self.server.upstream
        body = self._body()
        received = Received(self.command, self.path, self.headers.items(), body, self.number)
        upstream.received.append(received)
        reply = upstream.answer(received)
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = True
        else:
            self._send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = _answer

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return b"".join(self._chunks())
        return b"".join(self._pieces(int(self.headers.get("Content-Length", 0))))

    def _chunks(self) -> Iterable[bytes]:
        while size := int(self.rfile.readline() or _left(), 16):
            yield from self._pieces(size)
            self.rfile.readline()
        self.rfile.readline()

    def _pieces(self, missing: int) -> Iterable[bytes]:
        while missing:
            piece = self.rfile.read1(missing) or _left()
            self.server.upstream.first_bytes.set()
            missing -= len(piece)
            yield piece

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.chunks is None:
            if reply.status not in (204, 304):
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)
            return
        closing = reply.headers.get("Connection") == "close"
        if not closing:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in reply.chunks:
            self.wfile.write(chunk if closing else b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if not closing:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `received`, not a log."""


def _left() -> NoReturn:
    raise ConnectionError("the gateway left in the middle of a body")


class Auth(Upstream):
    """auth's side of the contract: knows `tokens` (credential -> exchanged token or ""), remembers nothing."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.cache_control = "max-age=1, stale-if-error=3"
        self.delay = 0.0
        super().__init__(self.check)

    def reset(self) -> None:
        super().reset()
        self.tokens.clear()
        self.cache_control = "max-age=1, stale-if-error=3"
        self.delay = 0.0

    def checks(self, token: str) -> list[Received]:
        """The questions the gateway asked about one token."""
        return [asked for asked in self.received if asked.header("Authorization") == f"Bearer {token}"]

    def check(self, asked: Received) -> Reply:
        time.sleep(self.delay)
        if asked.target != "/internal/gateway/check":
            return plain(asked)
        headers = {"Vary": "Authorization", "Cache-Control": self.cache_control}
        credential = asked.header("Authorization")
        if credential is None and asked.header("X-Auth-Mode") == "optional":
            return Reply(204, headers)
        exchanged = self.tokens.get((credential or "").removeprefix("Bearer "))
        if exchanged is None:
            return Reply(401, {**headers, "WWW-Authenticate": "Bearer"})
        return Reply(204, {**headers, "X-Auth-Ok": "1"} | ({"X-Auth-Token": exchanged} if exchanged else {}))
