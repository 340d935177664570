"""From a host's row to the driver that obeys: the only place that knows the kinds."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from fabric.hypervisors.base import HostFacts, Hypervisor
from fabric.hypervisors.simulated import add_host, open_host


def _simulated(name: str) -> Hypervisor:
    return open_host(settings.SIMULATED_RACK, name, scale=settings.SIMULATED_SCALE)


KINDS: dict[str, Callable[[str], Hypervisor]] = {"simulated": _simulated}


def open_driver(kind: str, host_name: str) -> Hypervisor:
    """Return the driver of a host. Opening asks the host nothing."""
    return KINDS[kind](host_name)


def add_simulated(name: str, cores: int, memory_mb: int, storage_gb: int) -> None:
    """Put a host into the simulated rack; repeatable."""
    facts = HostFacts(name, cores, memory_mb, storage_gb, "Simulated", "1.0")
    add_host(settings.SIMULATED_RACK, facts)
