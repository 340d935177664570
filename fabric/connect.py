"""Remote desktop files. The file holds the address and nothing else (features A070, A071)."""

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
    return f"full address:s:{target}\r\n".encode("utf-16")
