"""Networks of a machine: which, and with which address."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import abilities
from fabric.models import Adapter, Machine, Network
from fabric.providers.abilities import FIXED_ADDRESS
from portal.tenant_site.forms.networks import address_help, choices_of


class NetworkForm(forms.Form):
    """A network of the plan and, if wanted, an address in it."""

    network = forms.ChoiceField(
        label=gettext_lazy("Network"),
        error_messages={
            "required": gettext_lazy("Choose a network."),
            "invalid_choice": gettext_lazy("The plan does not hold this network."),
        },
    )
    address = forms.GenericIPAddressField(
        label=gettext_lazy("Fixed address"),
        protocol="IPv4",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "decimal"}),
        error_messages={"invalid": gettext_lazy("This is no IPv4 address.")},
    )

    def __init__(self, *args: Any, machine: Machine, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.there: list[Network] = list(machine.subscription.plan.offering.networks.present())
        network, address = self.fields["network"], self.fields["address"]
        network.choices = [("", _("Choose a network")), *choices_of(self.there)]
        absent = abilities.why_not(machine.stamp.provider, FIXED_ADDRESS)
        address.disabled = bool(absent)
        address.help_text = absent or address_help(self.there)

    def clean_network(self) -> Network:
        """Return the network that was chosen."""
        return next(each for each in self.there if str(each.pk) == self.cleaned_data["network"])


class AttachNetworkForm(NetworkForm):
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class ChangeNetworkForm(NetworkForm):
    """The network and address an adapter has now, to be changed."""

    def __init__(self, *args: Any, adapter: Adapter, **kwargs: Any) -> None:
        fixed = adapter.addresses[0] if adapter.is_static and adapter.addresses else ""
        initial = {"network": adapter.network_id, "address": fixed}
        super().__init__(*args, machine=adapter.machine, initial=initial, **kwargs)
        self.adapter = adapter

    def changes(self) -> dict[str, Any]:
        """Return what is to be changed: a network, an address, or both."""
        network, address = self.cleaned_data["network"], self.cleaned_data["address"]
        found: dict[str, Any] = {}
        moves = network.pk != self.adapter.network_id
        if moves:
            found["network"] = network
        if "address" in self.changed_data or (moves and address):
            found["address"] = address
        return found
