"""Networks as forms offer them: by name, with what is known of their subnets."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from fabric.models import Network
from fabric.rules import in_words, ipv4_of


def choices_of(networks: Sequence[Network]) -> list[tuple[str, str]]:
    """Return networks to choose from, as front (10.20.0.0/24)."""
    return [(str(each.pk), _titled(each)) for each in networks]


def _titled(network: Network) -> str:
    subnets = in_words(ipv4_of(network.subnets))
    return f"{network.name} ({subnets})" if subnets else network.name


def address_help(networks: Sequence[Network]) -> str:
    """Return what a fixed address may be on the one of these networks that is chosen."""
    if not any(ipv4_of(each.subnets) for each in networks):
        return _("Empty: the network's pool gives one.")
    if len(networks) > 1:
        return _(
            "Empty: the network's pool gives one. Otherwise an address in the subnet that stands "
            "beside the network."
        )
    return _("Empty: the network's pool gives one. Otherwise an address in %(subnets)s.") % {
        "subnets": in_words(ipv4_of(networks[0].subnets))
    }
