"""The two services of this SPF: what they publish, with what stands behind it."""

from __future__ import annotations

from fabric.spf import edm
from fabric.spf.schema import Service
from fabric.spf.sets import (
    clouds,
    devices,
    jobs,
    library,
    machines,
    networks,
    performance,
    registry,
    userroles,
)

VMM_SERVICE = Service(
    edm.VMM,
    (
        *clouds.SETS,
        *devices.SETS,
        *jobs.SETS,
        *library.SETS,
        *machines.SETS,
        *networks.SETS,
        *performance.SETS,
        *userroles.SETS,
    ),
)
ADMIN_SERVICE = Service(edm.ADMIN, registry.SETS)
