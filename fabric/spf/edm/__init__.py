"""What our SPF publishes: the VMM service of 2012 SP1 to 2012 R2, and the Admin service.

Names and types only. Which sets have something behind them is said in `fabric.spf.sets`; the
others are announced and empty, because clients look for them. One set is our own, `JobSteps` with
`Jobs(…)/Steps`: VMM shows the steps of a job, its SPF does not, and a portal wants to. Clients that
do not know it never ask for it.
"""

from __future__ import annotations

from fabric.odata.schema import Model
from fabric.spf.edm import (
    admin,
    capabilities,
    clouds,
    library,
    machines,
    networks,
    services,
    structures,
)

_VMM = (machines, library, clouds, capabilities, networks, services)

VMM = Model(
    namespace="VMM",
    container="VMM",
    sets={each.name: each for module in _VMM for each in module.SETS},
    complex_types={each.name: each for each in structures.TYPES},
)
ADMIN = Model(
    namespace="Admin",
    container="Admin",
    sets={each.name: each for each in admin.SETS},
    complex_types={},
)
