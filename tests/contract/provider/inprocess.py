"""Our SPF, called in the very thread of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx


@contextmanager
def _connection_kept() -> Iterator[None]:
    """A request must not close the connection that holds the test's transaction."""
    from django.core.signals import request_finished, request_started
    from django.db import close_old_connections

    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


class InProcess(httpx.BaseTransport):
    """Our SPF, called in this very thread; the answer to the next write can be lost."""

    def __init__(self, *, accept: str | None = None) -> None:
        from django.core.handlers.wsgi import WSGIHandler

        self._inner = httpx.WSGITransport(app=WSGIHandler(), raise_app_exceptions=True)
        self._accept = accept
        self.loses_next_write = False
        self.addresses: list[httpx.URL] = []
        """Where the client called, in this order."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.addresses.append(request.url)
        if self._accept is not None and request.headers["accept"].startswith("application/json"):
            request.headers["accept"] = self._accept
        with _connection_kept():
            response = self._inner.handle_request(request)
            response.read()
            response.close()
        if self.loses_next_write and request.method != "GET":
            self.loses_next_write = False
            raise httpx.ReadTimeout("lost", request=request)
        return response
