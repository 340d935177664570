"""Asking SPF by hand, past the portal, as somebody who knows its address and a password might."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

from tests.e2e import backstage
from tests.e2e.tenant.town import SPF_ACCOUNT, SPF_PASSWORD
from tests.stack import Stack


def role_of(cloud: Stack, email: str) -> str:
    """Return the user role in VMM that is a person's own."""
    found = backstage.rows(
        cloud, f"SELECT id FROM vmm_userrole WHERE name LIKE '{email}!_%' ESCAPE '!'"
    )
    assert len(found) == 1, found
    return str(found[0][0])


def stop(cloud: Stack, role: str, email: str, machine: str) -> int:
    """Ask, in a role and in somebody's name, for a machine to be stopped; return the status."""
    stamp, id = backstage.rows(
        cloud,
        f"SELECT s.id, m.id FROM spf_stamp s, vmm_virtualmachine m WHERE m.name = '{machine}'",
    )[0]
    body: dict[str, Any] = {"odata.type": "VMM.VirtualMachine", "Operation": "Stop"}
    tls = ssl.create_default_context(cafile=cloud.authority)
    with httpx.Client(auth=(SPF_ACCOUNT, SPF_PASSWORD), verify=tls, timeout=30) as client:
        door = f"{cloud.url('spf')}/SC2012R2/VMM/{role}/Microsoft.Management.Odata.svc"
        return client.request(
            "MERGE",
            f"{door}/VirtualMachines(ID=guid'{id}',StampId=guid'{stamp}')",
            json=body,
            headers={"x-ms-principal-id": email, "Accept": "application/json"},
        ).status_code
