"""The two services of this SPF: what they publish, with what stands behind it."""

from __future__ import annotations

from fabric.spf import edm
from fabric.spf.schema import Service
from fabric.spf.sets import (
    adapters,
    capabilities,
    checkpoints,
    clouds,
    drives,
    gateways,
    guests,
    jobs,
    library,
    machines,
    media,
    networks,
    performance,
    pools,
    registry,
    runas,
    statistics,
    userroles,
)

VMM_SERVICE = Service(
    edm.VMM,
    (
        *adapters.SETS,
        *capabilities.SETS,
        *checkpoints.SETS,
        *clouds.SETS,
        *drives.SETS,
        *gateways.SETS,
        *guests.SETS,
        *jobs.SETS,
        *library.SETS,
        *machines.SETS,
        *media.SETS,
        *networks.SETS,
        *performance.SETS,
        *pools.SETS,
        *runas.SETS,
        *statistics.SETS,
        *userroles.SETS,
    ),
)
ADMIN_SERVICE = Service(edm.ADMIN, registry.SETS)
