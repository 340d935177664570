"""Fourth step: which networks the machine is on, and with which addresses."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import abilities, addresses
from fabric.actions.ordering import MOST_ADAPTERS
from fabric.orders import NewAdapter
from fabric.providers.abilities import FIXED_ADDRESS
from portal.tenant_site.forms.creating.base import About, RowsForm
from portal.tenant_site.forms.networks import address_help, choices_of


class NetworksForm(RowsForm):
    fewest = 1
    most = MOST_ADAPTERS
    rows_title = gettext_lazy("Adapter %(n)d")

    @classmethod
    def first(cls, about: About) -> dict[str, Any]:
        """Put every adapter of the template on the first network, as without a word it would be."""
        adapters = max(1, min(about.template.adapters if about.template else 1, MOST_ADAPTERS))
        there = about.offer.networks
        name = str(there[0].pk) if there else ""
        return {"rows": str(adapters)} | {f"network-{n}": name for n in range(adapters)}

    def row_fields(self) -> dict[str, forms.Field]:
        networks = self.about.offer.networks
        address = forms.CharField(
            label=_("Fixed address"),
            required=False,
            max_length=45,
            disabled=bool(self.why_no_address),
            widget=forms.TextInput(
                attrs={"autocomplete": "off", "inputmode": "decimal", "spellcheck": "false"}
            ),
            help_text=self.why_no_address or address_help(networks),
        )
        network = forms.ChoiceField(
            label=_("Network"),
            choices=choices_of(networks),
            error_messages={
                "required": _("Choose a network."),
                "invalid_choice": _("The plan does not hold this network."),
            },
        )
        return {"network": network, "address": address}

    @property
    def why_no_address(self) -> str:
        """Return why addresses cannot be fixed here, "" when they can."""
        provider = self.about.offer.offering.cloud.stamp.provider
        return str(abilities.why_not(provider, FIXED_ADDRESS) or "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        seen: set[str] = set()
        for number in range(self.count):
            name = f"address-{number}"
            address = str(cleaned.get(name) or "").strip()
            if not address:
                continue
            network = self.about.offer.network(str(cleaned.get(f"network-{number}") or ""))
            known = (network.subnets, network.pools) if network else ()
            problem = addresses.problem(address, *known)
            if not problem and address in seen:
                problem = _("Another adapter has this address already.")
            if problem:
                self.add_error(name, problem)
            seen.add(address)
        return cleaned

    def adapters(self) -> tuple[NewAdapter, ...]:
        """Return the adapters; for a form without errors."""
        made = []
        for number in range(self.count):
            row = self.row(number)
            network = self.about.offer.network(row["network"])
            assert network is not None
            made.append(NewAdapter(network=network, address=str(row["address"] or "").strip()))
        return tuple(made)
