"""Networks as forms offer them: by name, with the addresses that can be fixed on them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from fabric import addresses
from fabric.models import Network


def choices_of(networks: Sequence[Network]) -> list[tuple[str, str]]:
    """Return networks to choose from, as front (10.20.0.50–10.20.0.99)."""
    return [(str(each.pk), _titled(each)) for each in networks]


def _titled(network: Network) -> str:
    ranges = _("no address pool") if _has_no_pool(network) else addresses.in_words(_of(network))
    return f"{network.name} ({ranges})" if ranges else network.name


def address_help(networks: Sequence[Network]) -> str:
    """Return what a fixed address may be on the one of these networks that is chosen."""
    if networks and all(map(_has_no_pool, networks)):
        return _("There is no address pool, so no address can be fixed.")
    if not any(map(_of, networks)):
        return _("Empty: the network's pool gives one.")
    if len(networks) > 1:
        return _(
            "Empty: the network's pool gives one. Otherwise an address in the range that stands "
            "beside the network."
        )
    return _("Empty: the network's pool gives one. Otherwise an address in %(subnets)s.") % {
        "subnets": addresses.in_words(_of(networks[0]))
    }


def _of(network: Network) -> list[str]:
    """Return the ranges of a network's pools, of its subnets where pools are not known."""
    if network.pools is None:
        return addresses.ipv4_of(network.subnets)
    return addresses.ranges_of(addresses.ipv4_pools(network.pools))


def _has_no_pool(network: Network) -> bool:
    return network.pools is not None and not addresses.ipv4_pools(network.pools)
