"""Gateways of VM networks with their NAT, VPN and BGP: announced, empty, and not to be made."""

from __future__ import annotations

from fabric.spf.schema import Resource

_NONE = "This VMM has no gateways between VM networks and other networks."

SETS = (
    Resource(name="VMNetworkGateways", refusal=_NONE),
    Resource(name="NATConnections", refusal=_NONE),
    Resource(name="NATRules", refusal=_NONE),
    Resource(name="VPNConnections", refusal=_NONE),
    Resource(name="VPNNetworkRoutes", refusal=_NONE),
    Resource(name="BGPPeers", refusal=_NONE),
)
