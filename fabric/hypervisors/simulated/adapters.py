"""Network adapters of simulated guests: one MAC once on a network, on all hosts of the rack."""

from __future__ import annotations

from uuid import UUID

from fabric.hypervisors.base import AdapterSpec
from fabric.hypervisors.errors import Rejected
from fabric.hypervisors.simulated.turn import Turn


def ensure_adapter(turn: Turn, guest_id: UUID, adapter: AdapterSpec) -> None:
    """Attach the adapter, or bring it up to date."""
    turn.guest(guest_id)
    turn.require_calm(guest_id)
    put_adapter(turn, guest_id, adapter)


def ensure_adapter_removed(turn: Turn, guest_id: UUID, adapter_id: UUID) -> None:
    """Take the adapter out; another guest's is left alone."""
    of_guest = (str(guest_id), str(adapter_id))
    if turn.row("SELECT 1 FROM adapters WHERE host=?1 AND guest=?2 AND id=?3", *of_guest) is None:
        return
    turn.require_calm(guest_id)
    turn.run("DELETE FROM adapters WHERE host=?1 AND guest=?2 AND id=?3", *of_guest)
    turn.note("ensure_adapter_removed", adapter_id)


def put_adapter(turn: Turn, guest_id: UUID, adapter: AdapterSpec) -> None:
    """Write the adapter of a guest that is known to be there."""
    mac_key = _mac_key(adapter.mac)
    wanted = (adapter.network, adapter.vlan, " ".join(adapter.addresses))
    row = turn.row("SELECT * FROM adapters WHERE host=?1 AND id=?2", str(adapter.id))
    if row is not None:
        if (row["guest"], row["mac_key"]) != (str(guest_id), mac_key):
            raise Rejected(f"Adapter {adapter.id} has another guest or MAC.")
        if (row["network"], row["vlan"], row["addresses"]) == wanted:
            return
    # The network is the rack's, not the host's: look on all hosts.
    twin = turn.row(
        "SELECT guest FROM adapters WHERE network=?2 AND mac_key=?3 AND NOT (host=?1 AND id=?4)",
        *(adapter.network, mac_key, str(adapter.id)),
    )
    if twin is not None:
        raise Rejected(
            f"MAC {adapter.mac} is in use on network {adapter.network} by guest {twin['guest']}."
        )
    turn.run(
        "INSERT INTO adapters (host, id, guest, mac, mac_key, network, vlan, addresses)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (host, id)"
        " DO UPDATE SET network=?6, vlan=?7, addresses=?8",
        *(str(adapter.id), str(guest_id), adapter.mac, mac_key, *wanted),
    )
    turn.note("ensure_adapter", adapter.id)


def _mac_key(mac: str) -> str:
    key = "".join(c for c in mac.lower() if c not in ":-.")
    if len(key) != 12 or not set(key) <= set("0123456789abcdef"):
        raise Rejected(f"{mac!r} is not a MAC address.")
    return key
