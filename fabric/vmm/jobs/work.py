"""What VMM says of a recipe: its cmdlet, who may resume or stop it, its machine meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fabric.durable.recipe import Recipe
from fabric.vmm import roles
from fabric.vmm.roles import Caller
from fabric.vmm.states import MachineStatus


def _always(job: Any) -> str:
    return ""


@dataclass(frozen=True)
class Work:
    """A recipe as declared to VMM. The caller needs all `permissions` and one of `any_of`.

    `busy` is the machine's status meanwhile (None leaves it). `refusal` says why a failed job
    cannot be resumed, "" when it can. One that is `of_fabric` works on no machine, or is asked for
    by those who run the fabric only.
    """

    recipe: Recipe
    cmdlet: str
    permissions: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    busy: MachineStatus | None = None
    refusal: Callable[[Any], str] = _always
    of_fabric: bool = False

    def require(self, caller: Caller) -> None:
        """Raise Denied unless the caller may ask for this."""
        if self.of_fabric:
            roles.require_fabric(caller)
        roles.require_all(caller, *self.permissions)
        if self.any_of:
            roles.require_any(caller, *self.any_of)
