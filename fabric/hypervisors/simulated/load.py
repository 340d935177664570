"""The load of a simulated guest as a pure function of its id and the time: lively, and repeatable.

A slow daily swell, two shorter waves of the guest's own, noise, now and then a burst, and a busy
first minute after the start. One question always has one answer, so history can be asked for.
"""

from __future__ import annotations

from math import exp, sin, tau
from uuid import UUID

from fabric.hypervisors.base import Counters

NOISE_SECONDS = 15.0
DAY = 86_400.0
_MASK = (1 << 64) - 1


def load(id: UUID, at: float, memory_mb: int, running_since: float | None) -> Counters:
    """The counters of a guest at a moment (seconds since 1970); zero unless it was running."""
    if running_since is None or at < running_since:
        return Counters(id, 0, 0, 0, 0)
    seed = id.int & _MASK
    temper = _fraction(seed, 1)
    age = at - running_since
    start = exp(-age / 45)
    waves = (
        0.5 * sin(tau * (at / DAY + _fraction(seed, 2)))
        + 0.3 * sin(tau * (at / (900 + 2400 * _fraction(seed, 3)) + _fraction(seed, 4)))
        + 0.2 * sin(tau * (at / (120 + 240 * _fraction(seed, 5)) + _fraction(seed, 6)))
    )
    noise = _noise(seed, at)
    burst = max(0.0, _noise(seed ^ 0xB5, at / 4) - 0.85) / 0.15
    busy = 0.06 + 0.4 * temper + 0.16 * waves + 0.12 * (noise - 0.5) + 0.35 * burst + 0.6 * start
    cpu = min(1.0, max(0.01, busy))
    filled = 0.3 + 0.35 * _fraction(seed, 7) + 0.06 * waves + 0.03 * noise + 0.05 * burst
    memory = min(0.97, filled * (1 - 0.6 * exp(-age / 30)))
    disk = 8 + 420 * cpu * (0.2 + temper) * (0.4 + _noise(seed ^ 0xD1, at)) + 900 * start
    network = 4 + 6_000 * cpu * _fraction(seed, 8) * (0.3 + _noise(seed ^ 0x2E, at))
    return Counters(id, round(100 * cpu), round(memory_mb * memory), round(disk), round(network))


def _noise(seed: int, at: float) -> float:
    """Smooth noise between 0 and 1: random at each step, straight lines between."""
    position = at / NOISE_SECONDS
    step = int(position)
    share = position - step
    return _fraction(seed, step) * (1 - share) + _fraction(seed, step + 1) * share


def _fraction(seed: int, index: int) -> float:
    """A number between 0 and 1 that looks random but always is the same (splitmix64)."""
    z = (seed + (index + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((z ^ (z >> 31)) >> 11) / (1 << 53)
