"""The console of a machine: the file a remote desktop client opens it with.

The gateways that would carry the connection are registered with their stamps, but no file can be
issued for them yet; who asks is told exactly what is in the way.
"""

from __future__ import annotations

from fabric.odata.errors import ODataError
from fabric.spf.models import ServerEntry, ServerType
from fabric.spf.schema import Media
from fabric.spf.scope import Scope
from fabric.vmm.errors import WrongState
from fabric.vmm.models import VirtualMachine
from fabric.vmm.roles import require_all
from fabric.vmm.states import MachineStatus, status_string


def connection(scope: Scope, machine: VirtualMachine) -> Media:
    """Refuse, in words: VMM's permission first, then the machine's state, then the gateway."""
    assert scope.caller is not None
    require_all(scope.caller, "RemoteConnect", clouds=[machine.cloud_id])
    if machine.status != MachineStatus.RUNNING:
        raise WrongState(
            f"The virtual machine {machine.name} is {status_string(machine.status).lower()}.",
            advice="Its console can be opened while it is running.",
        )
    gateway = ServerEntry.objects.filter(
        server_type=ServerType.REMOTE_DESKTOP_GATEWAY, stamps=scope.stamp_of(machine.server_id)
    ).first()
    if gateway is None:
        raise ODataError(
            "No console gateway is configured: no server of type RDGateway is registered for the "
            "stamp of this virtual machine.",
            code="no_console_gateway",
            status=501,
        )
    raise ODataError(
        f"This server cannot issue connections through the console gateway {gateway.name}.",
        code="no_console_connection",
        status=501,
    )
