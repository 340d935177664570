"""What an endpoint cannot do is refused before it is asked: left out of the order, something else
than what was ordered would come of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fabric.providers import abilities, changes
from fabric.providers.abilities import ABSENT
from fabric.providers.base import MachineOrder
from fabric.providers.changes import Change
from fabric.providers.errors import Rejected
from fabric.providers.guests import GuestInputs

_CHECKPOINTS = (
    changes.MakeCheckpoint,
    changes.RestoreCheckpoint,
    changes.RemoveCheckpoint,
    changes.RenameCheckpoint,
)


def require_order(order: MachineOrder, lacks: Collection[str]) -> None:
    """Raise Rejected, in words for people, for an order that cannot be carried out there."""
    asked = {
        abilities.CLONE: order.source_machine_id is not None and not order.source_checkpoint_id,
        abilities.FROM_CHECKPOINT: order.source_checkpoint_id is not None,
        abilities.FIXED_ADDRESS: any(adapter.address for adapter in order.adapters),
    }
    _require(asked | _of_guest(order), lacks)


def require_change(change: Change, lacks: Collection[str]) -> None:
    """Raise Rejected for a change that cannot be made there."""
    asked = {
        abilities.CHECKPOINTS: isinstance(change, _CHECKPOINTS),
        abilities.REBUILD: isinstance(change, changes.Rebuild),
        abilities.EMPTY_DISKS: isinstance(change, changes.AddDisk)
        and change.library_disk_id is None,
        abilities.FIXED_ADDRESS: isinstance(change, changes.AddAdapter | changes.ChangeAdapter)
        and bool(change.address),
    }
    guest = _of_guest(change) if isinstance(change, changes.Rebuild) else {}
    _require(asked | guest, lacks)


def _of_guest(inputs: GuestInputs) -> dict[str, bool]:
    return {
        abilities.SSH_KEYS: bool(inputs.ssh_keys),
        abilities.USER_DATA: bool(inputs.user_data),
        abilities.DOMAIN_OU: bool(inputs.domain_join and inputs.domain_join.ou),
    }


def _require(asked: Mapping[str, bool], lacks: Collection[str]) -> None:
    for ability, is_wanted in asked.items():
        if is_wanted and ability in lacks:
            raise Rejected(ABSENT[ability])
