"""What not every SPF can do, by name; and what an endpoint said of itself.

An ability that was never asked for is taken to be there: only a description can tell that it lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

# Told by our own SPF alone, so it also tells that it is ours.
JOB_STEPS: Final = "job_steps"
LOAD: Final = "load"
CONSOLE: Final = "console"
CHECKPOINTS: Final = "checkpoints"
ADAPTER_ADDRESSES: Final = "adapter_addresses"
CHANGES: Final = "changes"

CLONE: Final = "clone"
FROM_CHECKPOINT: Final = "from_checkpoint"
REBUILD: Final = "rebuild"
EMPTY_DISKS: Final = "empty_disks"
SSH_KEYS: Final = "ssh_keys"
USER_DATA: Final = "user_data"
FIXED_ADDRESS: Final = "fixed_address"
DOMAIN_OU: Final = "domain_ou"
MEMBER_ROLES: Final = "member_roles"

# Those that a release before the others asked for.
_FIRST: Final = frozenset({JOB_STEPS, LOAD, CONSOLE, CHECKPOINTS, ADAPTER_ADDRESSES, CHANGES})
ALL: Final = _FIRST | {
    *(CLONE, FROM_CHECKPOINT, REBUILD, EMPTY_DISKS, SSH_KEYS, USER_DATA),
    *(FIXED_ADDRESS, DOMAIN_OU, MEMBER_ROLES),
}

# The reason why a feature is off, for people.
ABSENT: Final[Mapping[str, str]] = {
    JOB_STEPS: "This SPF tells how far a job is, but not its steps.",
    LOAD: "This VMM does not tell load.",
    CONSOLE: "This SPF gives no consoles; connect over the network instead.",
    CHECKPOINTS: "This SPF knows no checkpoints.",
    ADAPTER_ADDRESSES: (
        "This SPF does not tell the addresses of network adapters; the guest itself is asked."
    ),
    CHANGES: "This SPF does not tell when a machine was changed, so all are read every time.",
    CLONE: "This SPF makes no copies of machines.",
    FROM_CHECKPOINT: "This SPF makes no machines from checkpoints.",
    REBUILD: "This SPF cannot rebuild a machine; delete it and make it again.",
    EMPTY_DISKS: "This SPF adds no empty disks, only copies of disks of the library.",
    SSH_KEYS: "This SPF takes no SSH keys.",
    USER_DATA: "This SPF takes no user data.",
    FIXED_ADDRESS: "This SPF takes no fixed addresses; the network's pool gives one.",
    DOMAIN_OU: "This SPF takes no organizational unit; the domain has a default one.",
    MEMBER_ROLES: (
        "This SPF knows one role for a whole subscription, so only the portal holds what members "
        "may do."
    ),
}

SP1: Final = "2012 SP1"
R2: Final = "2012 R2"
R2_ROLLUPS: Final = "2012 R2 with update rollups"
LATER: Final = "2016 or later"

VERSION: Final = "SC2012R2"


@dataclass(frozen=True)
class Description:
    """`version` is the segment of its addresses; `without` the properties we would send that it
    does not have, as Set.Property; `asked` the abilities that were looked for."""

    abilities: frozenset[str]
    generation: str = R2
    version: str = VERSION
    without: frozenset[str] = frozenset()
    asked: frozenset[str] = ALL

    @property
    def lacks(self) -> frozenset[str]:
        """The abilities it said it does not have."""
        return self.asked - self.abilities

    def as_json(self) -> dict[str, Any]:
        """Plain values to be kept."""
        return {
            "abilities": sorted(self.abilities),
            "generation": self.generation,
            "version": self.version,
            "without": sorted(self.without),
            "asked": sorted(self.asked),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Description:
        """What was kept, whatever an older release left out."""
        return cls(
            abilities=frozenset(kept.get("abilities") or ()),
            generation=str(kept.get("generation") or R2),
            version=str(kept.get("version") or VERSION),
            without=frozenset(kept.get("without") or ()),
            asked=frozenset(kept.get("asked") or _FIRST),
        )
