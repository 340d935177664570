"""Remote desktop files. The file holds the address and nothing of the person (features A070)."""

from __future__ import annotations

from fabric.errors import NotPossible
from fabric.models import Machine
from fabric.rules import connect_why_not


def rdp_file(machine: Machine) -> bytes:
    """Return an RDP file for a running machine with an address; NotPossible otherwise."""
    reason = connect_why_not(machine.state, machine.addresses)
    if reason:
        raise NotPossible(reason)
    address = machine.address
    target = f"[{address}]" if ":" in address else address
    lines = (f"full address:s:{target}", "prompt for credentials:i:1")
    return ("\r\n".join(lines) + "\r\n").encode("utf-16")
