"""A fabric with a virtualized logical network beside its plain one."""

from __future__ import annotations

import pytest

from fabric.vmm import actions
from fabric.vmm.models import LogicalNetwork
from tests.factories.vmm import ADMINISTRATOR, Fabric


@pytest.fixture
def logical(fabric: Fabric) -> LogicalNetwork:
    return fabric.network.logical_network


@pytest.fixture
def virtual(fabric: Fabric) -> LogicalNetwork:
    """Return a virtualized logical network of the fabric's cloud."""
    made = actions.networks.add_logical(
        ADMINISTRATOR, fabric.server, name="Virtual", is_virtualized=True
    )
    fabric.cloud.logical_networks.add(made)
    return made
