"""Bytes over TLS: a client that sends what it is given, and keeps its connection while it can."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.generator import Sent

PATIENCE = 20.0
# What is not HTTP may wait for more for ever.
SHORT = 0.3


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 when nothing did."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float

    @property
    def content_type(self) -> str:
        return next((value for name, value in self.headers if name.lower() == "content-type"), "")


class Wire:
    """One connection at a time to the server."""

    def __init__(self, port: int, authority: Path) -> None:
        self._address = ("127.0.0.1", port)
        self._context = ssl.create_default_context(cafile=authority)
        self._socket: ssl.SSLSocket | None = None
        self._is_used = False

    def ask(self, sent: Sent) -> Answer:
        """Send a request and wait for its answer."""
        answer = self._ask(sent)
        if answer.status == 0 and self._is_used and not sent.is_broken:
            # The server may close a connection between two requests.
            answer = self._ask(sent)
        self._is_used = self._socket is not None
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._is_used = None, False

    def _ask(self, sent: Sent) -> Answer:
        began = time.monotonic()
        response = None
        try:
            connection = self._connection()
            connection.settimeout(SHORT if sent.is_broken else PATIENCE)
            _send(connection, sent.wire())
            response = http.client.HTTPResponse(connection, method=sent.method.decode("latin-1"))
            response.begin()
            body = response.read()
            headers = tuple(response.getheaders())
            will_close = response.will_close
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(0, (), b"", time.monotonic() - began)
        finally:
            if response is not None:
                response.close()
        if will_close or sent.is_broken:
            self.close()
        return Answer(response.status, headers, body, time.monotonic() - began)

    def _connection(self) -> ssl.SSLSocket:
        if self._socket is None:
            plain = socket.create_connection(self._address, PATIENCE)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = self._context.wrap_socket(plain, server_hostname="localhost")
            self._is_used = False
        return self._socket


def _send(connection: ssl.SSLSocket, raw: bytes) -> None:
    try:
        connection.sendall(raw)
    except (BrokenPipeError, ConnectionResetError):
        # Refused before it was all sent; the refusal can still be read.
        pass
