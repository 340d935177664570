"""Network adapters of a machine that is there: add, put on another network or address, remove.

The action writes the row as it is to be and leases what that needs; what the adapter had before
is in `inputs` (`old`) and stays leased until the host has let go of it. `spec` is what the host is
to have, null for nothing; `leases` are the addresses that go with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.hypervisors.base import AdapterSpec, GuestState
from fabric.vmm import addresses, roles
from fabric.vmm.jobs import truth
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.hosts import driver, locked
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import AddressLease, AddressPool, NetworkAdapter
from fabric.vmm.states import MachineStatus

Leases = Iterable[tuple[str, str]]


def leases_of(adapter: NetworkAdapter) -> list[tuple[str, str]]:
    """Return the addresses an adapter holds as pool and address, IPv4 first."""
    rows = AddressLease.objects.filter(adapter=adapter.pk).order_by("address")
    return [(str(pool), str(address)) for pool, address in rows.values_list("pool", "address")]


def hold(adapter: NetworkAdapter, leases: Leases) -> None:
    """Have the adapter hold these addresses, which nobody else has had since it gave them back.

    Call it in the transaction in which it held them.
    """
    for pool, address in leases:
        AddressLease.objects.update_or_create(
            pool_id=pool, address=address, defaults={"adapter": adapter, "rests_until": None}
        )


def release_but(adapter: NetworkAdapter, kept: Leases) -> None:
    """Give back all addresses of the adapter but these."""
    addresses.lock(
        AddressPool.objects.filter(leases__adapter=adapter.pk).values_list("network", flat=True)
    )
    addresses.release([adapter])
    hold(adapter, kept)


def ensure_adapter(turn: Turn) -> Again | None:
    """Have the host bring the adapter about, or take it out, and look whether it did."""
    id, spec = _id(turn), _spec(turn)
    if spec is None:
        driver(turn).ensure_adapter_removed(turn.job.subject, id)
    else:
        driver(turn).ensure_adapter(turn.job.subject, spec)
    if _told(truth.seen(turn), id) != turn.job.inputs["spec"]:
        return truth.not_yet("The adapter is not as it should be yet; changing it again.")
    return None


def ensure_settled(turn: Turn) -> None:
    """Give back the addresses that the host has let go of."""
    _settle(turn)
    truth.succeeded(turn)


def ensure_forgotten(turn: Turn) -> None:
    """Give back its addresses and delete the row."""
    _forget(turn)
    truth.succeeded(turn)


def attach_failed(turn: Turn, fault: Fault) -> None:
    """Forget an adapter that the host does not have."""
    if truth.is_known(turn) and turn.memo["found"]["spec"] is None:
        _forget(turn)
    truth.failed(turn, fault)


def change_failed(turn: Turn, fault: Fault) -> None:
    """Keep what the host has, and give back the other."""
    if truth.is_known(turn):
        if turn.memo["found"]["spec"] == turn.job.inputs["spec"]:
            _settle(turn)
        else:
            _put_back(turn)
    truth.failed(turn, fault)


def remove_failed(turn: Turn, fault: Fault) -> None:
    """Keep the adapter on the books unless the host has let go of it."""
    if truth.is_known(turn) and turn.memo["found"]["spec"] is None:
        _forget(turn)
    truth.failed(turn, fault)


def _settle(turn: Turn) -> None:
    locked(turn)
    adapter = NetworkAdapter.objects.get(pk=_id(turn))
    release_but(adapter, turn.job.inputs["leases"])


def _put_back(turn: Turn) -> None:
    locked(turn)
    old = dict(turn.job.inputs["old"])
    kept = old.pop("leases")
    adapter = NetworkAdapter.objects.get(pk=_id(turn))
    NetworkAdapter.objects.filter(pk=adapter.pk).update(**old)
    release_but(adapter, kept)


def _forget(turn: Turn) -> None:
    locked(turn)
    adapter = NetworkAdapter.objects.filter(pk=_id(turn)).first()
    if adapter is not None:
        addresses.release([adapter])
        adapter.delete()


def _id(turn: Turn) -> UUID:
    return UUID(turn.job.inputs["adapter"])


def _spec(turn: Turn) -> AdapterSpec | None:
    spec = turn.job.inputs["spec"]
    if spec is None:
        return None
    return AdapterSpec(_id(turn), **{**spec, "addresses": tuple(spec["addresses"])})


def _told(guest: GuestState, id: UUID) -> dict[str, Any] | None:
    """Return what the guest's adapter is, in the words of `spec`."""
    found = next((adapter for adapter in guest.adapters if adapter.id == id), None)
    if found is None:
        return None
    return {
        "mac": found.mac.upper().replace("-", ":"),
        "network": found.network,
        "vlan": found.vlan,
        "addresses": list(found.addresses),
    }


def _ask(turn: Turn, guest: GuestState) -> dict[str, Any]:
    return {"spec": _told(guest, _id(turn))}


def _recipe(name: str, title: str, words: str, finish: Any, failed: Any) -> Recipe:
    return Recipe(
        name,
        title,
        (
            truth.asking("ensure_adapter", words, ensure_adapter, _ask, share=40),
            step(finish.__name__, "Release addresses", finish, local=True, share=5),
        ),
        failed=failed,
    )


ATTACH = _recipe(
    "add_adapter",
    "Add network adapter",
    "Connect the adapter",
    ensure_settled,
    attach_failed,
)
CHANGE = _recipe(
    "change_adapter",
    "Change network adapter",
    "Change the adapter",
    ensure_settled,
    change_failed,
)
REMOVE = _recipe(
    "remove_adapter",
    "Remove network adapter",
    "Take the adapter from the machine",
    ensure_forgotten,
    remove_failed,
)


def _work(recipe: Recipe, cmdlet: str, **options: Any) -> Work:
    return Work(recipe, cmdlet, any_of=roles.CHANGE, busy=MachineStatus.UNDER_UPDATE, **options)


WORKS = (
    _work(ATTACH, "New-SCVirtualNetworkAdapter", refusal=truth.refusal),
    _work(CHANGE, "Set-SCVirtualNetworkAdapter", refusal=truth.refusal),
    _work(REMOVE, "Remove-SCVirtualNetworkAdapter"),
)
