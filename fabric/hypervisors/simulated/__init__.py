"""Simulated hosts that behave: they take time, fill up, carry load, and fail on command.

Their state is one SQLite file, the rack, which plays the far side: it outlives every process.
`open_host` gives a driver; the rest is what a demo or a test does to the rack itself.
"""

from __future__ import annotations

from fabric.hypervisors.simulated.faults import clear_faults, plan_fault
from fabric.hypervisors.simulated.host import SimulatedHost, open_host
from fabric.hypervisors.simulated.hosts import add_host, journal, remove_host

__all__ = [
    "SimulatedHost",
    "add_host",
    "clear_faults",
    "journal",
    "open_host",
    "plan_fault",
    "remove_host",
]
