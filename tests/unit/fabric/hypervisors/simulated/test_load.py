"""Load looks alive, stays within the guest, and is the same whenever one asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fabric.hypervisors.base import Counters, GuestSpec, Power
from fabric.hypervisors.simulated import SimulatedHost
from fabric.hypervisors.simulated.load import load

WEB = UUID("6f1c1f5e-4b57-4df0-9f6c-1f2f5d1f8a10")
MAIL = UUID("0b8f7a52-7c1f-4b1f-8e34-2a2f5d1f8a11")
SINCE = 1_800_000_000.0


@given(id=st.uuids(), age=st.floats(0, 10_000_000), memory_mb=st.integers(1, 1_000_000))
def test_load_stays_within_the_guest(id: UUID, age: float, memory_mb: int) -> None:
    found = load(id, SINCE + age, memory_mb, SINCE)

    assert found == load(id, SINCE + age, memory_mb, SINCE)
    assert 1 <= found.cpu_percent <= 100
    assert 0 <= found.memory_mb <= memory_mb
    assert found.storage_iops > 0
    assert found.network_kbps > 0


def test_a_curve_is_lively_and_each_guest_has_its_own() -> None:
    hour = [SINCE + 600 + 20 * n for n in range(180)]
    web = [load(WEB, at, 2048, SINCE).cpu_percent for at in hour]
    mail = [load(MAIL, at, 2048, SINCE).cpu_percent for at in hour]

    assert len(set(web)) > 8
    assert web != mail
    assert max(abs(a - b) for a, b in zip(web, web[1:], strict=False)) < 50


def test_a_start_is_busy() -> None:
    first = load(WEB, SINCE + 1, 2048, SINCE)
    later = load(WEB, SINCE + 600, 2048, SINCE)

    assert first.cpu_percent > later.cpu_percent
    assert first.memory_mb < later.memory_mb


def test_history_continues_into_the_present(
    prompt: SimulatedHost, a_guest: Callable[..., GuestSpec], clock: Any
) -> None:
    spec = a_guest(power=Power.RUNNING)
    clock.advance(3600)
    now = datetime.fromtimestamp(clock.now, UTC)

    assert prompt.counters_at(None, now) == prompt.counters()
    (before,) = prompt.counters_at([spec.id], now - timedelta(hours=2))
    assert before == Counters(spec.id, 0, 0, 0, 0)
    (half,) = prompt.counters_at([spec.id], now - timedelta(minutes=30))
    assert half.cpu_percent > 0
