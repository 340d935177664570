"""Ports: free before the start, or named; answering afterwards."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from portal.embedded import EmbeddedError, ports
from tests.stack import free_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_taken_port_is_named_with_a_way_out(taken: int) -> None:
    with pytest.raises(EmbeddedError, match=f"KATAL_ADMIN_PORT={taken + 1000} make run"):
        ports.require_free("127.0.0.1", {"admin": taken}, patience=0)


def test_a_free_port_passes() -> None:
    ports.require_free("127.0.0.1", {"admin": free_port()}, patience=0)


def test_nobody_there_is_no_answer() -> None:
    assert not ports.answers("127.0.0.1", free_port())
