"""Network adapters of machines that are there: attach, change, remove."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric.actions import changing, held, ordering
from fabric.errors import NotPossible
from fabric.models import Adapter, Job, Machine, Network
from fabric.providers import abilities
from fabric.providers.changes import AddAdapter, ChangeAdapter, RemoveAdapter
from fabric.states import Verb
from tenants.errors import Conflicting, Refused
from tenants.models import User


@transaction.atomic
def attach(
    *, by: User, machine: Machine, network: Network, address: str = "", request_key: str = ""
) -> Job:
    """Give the machine one more adapter, with this address or one of the network's pool."""
    key, known = held.asked_before(machine, by, request_key)
    if known is not None:
        return known
    row = held.held(machine, Verb.ADAPTERS, by)
    if row.adapters.count() >= ordering.MOST_ADAPTERS:
        raise NotPossible(_("It has %(n)d adapters already.") % {"n": row.adapters.count()})
    _require(row, network, address)
    return changing.begin(
        row,
        AddAdapter,
        by=by,
        verb=Verb.ADAPTERS,
        action="machine.adapter.attach",
        title=gettext_noop("Attach %(name)s to a network"),
        doing=gettext_noop("Attaching a network…"),
        values={"network_id": str(network.pk), "address": address},
        told={"network": network.name, "address": address},
        key=key,
    )


@transaction.atomic
def change(
    *, by: User, adapter: Adapter, network: Network | None = None, address: str | None = None
) -> Job:
    """Put an adapter on another network, or give it another address; "" is one of the pool."""
    row = held.held(adapter.machine, Verb.ADAPTERS, by)
    adapter = _found(row, adapter)
    if network is not None and network.pk == adapter.network_id:
        network = None
    if network is None and address is None:
        raise Refused(_("Nothing would change."))
    target = network or adapter.network
    if target is None:
        raise Refused(_("Choose a network: this adapter is on none."), field="network")
    _require(row, target, address or "")
    return changing.begin(
        row,
        ChangeAdapter,
        by=by,
        verb=Verb.ADAPTERS,
        action="machine.adapter.change",
        title=gettext_noop("Change a network of %(name)s"),
        doing=gettext_noop("Changing a network…"),
        values={
            "adapter_id": str(adapter.remote_id),
            "network_id": str(network.pk) if network else None,
            "address": address,
        },
        told={"network": target.name, "address": address, "before": adapter.network_name},
    )


@transaction.atomic
def remove(*, by: User, adapter: Adapter) -> Job:
    """Take an adapter out; its address goes back to the pool."""
    row = held.held(adapter.machine, Verb.ADAPTERS, by)
    adapter = _found(row, adapter)
    return changing.begin(
        row,
        RemoveAdapter,
        by=by,
        verb=Verb.ADAPTERS,
        action="machine.adapter.remove",
        title=gettext_noop("Detach %(name)s from a network"),
        doing=gettext_noop("Detaching a network…"),
        values={"adapter_id": str(adapter.remote_id)},
        told={"network": adapter.network_name, "addresses": adapter.addresses},
    )


def _found(machine: Machine, adapter: Adapter) -> Adapter:
    found = machine.adapters.select_related("network").filter(pk=adapter.pk).first()
    if found is None:
        raise Conflicting(_("The machine does not have this adapter any more."))
    return found


def _require(machine: Machine, network: Network, address: str) -> None:
    ordering.require_network(machine.subscription.plan.offering, network)
    if address:
        held.require_ability(machine.stamp.provider, abilities.FIXED_ADDRESS, "address")
        ordering.require_address(network, address, but=machine)
