"""Ports: free before we start, answering afterwards."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

from portal.embedded.errors import EmbeddedError

FREED_WITHIN = 8.0  # what a vanished launcher's processes take to go


def require_free(bind: str, ports: Mapping[str, int], patience: float = FREED_WITHIN) -> None:
    """Return once every port is free; raise naming the first one that stays taken."""
    deadline = time.monotonic() + patience
    for name, port in ports.items():
        while not is_free(bind, port):
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"Port {port} ({name}) is taken by another program. End that program, or "
                    f"choose another port: KATAL_{name.upper()}_PORT={port + 1000} make run"
                )
            time.sleep(0.1)


def is_free(bind: str, port: int) -> bool:
    """Whether we could listen there."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((bind, port))
        except PermissionError as error:
            raise EmbeddedError(f"Port {port} needs rights this user lacks.") from error
        except OSError:
            return False
    return True


def answers(host: str, port: int, authority: Path | None = None) -> bool:
    """Whether a web server answers there, if only to refuse; over TLS when given its authority."""
    connection: http.client.HTTPConnection
    if authority is None:
        connection = http.client.HTTPConnection(host, port, timeout=10)
    else:
        context = ssl.create_default_context(cafile=str(authority))
        context.check_hostname = False  # the leaf is ours by its signature
        connection = http.client.HTTPSConnection(host, port, timeout=10, context=context)
    try:
        connection.request("HEAD", "/", headers={"Host": f"localhost:{port}"})
        response = connection.getresponse()
        response.read()
        return response.status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
