"""Addresses of adapters: leased from the pools of their networks, given back, and MACs."""

from fabric.vmm.addresses.leases import holder, lease, leased, release
from fabric.vmm.addresses.macs import new_mac, text
from fabric.vmm.addresses.order import lock

__all__ = ["holder", "lease", "leased", "lock", "new_mac", "release", "text"]
