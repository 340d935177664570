"""The fabric's pages over a VMM server with hosts on a rack of the test's own."""

from __future__ import annotations

import pytest

from tests.factories.vmm import Fabric, make_fabric


@pytest.fixture(autouse=True)
def _rack(tmp_path, settings):
    settings.SIMULATED_RACK = tmp_path / "rack.sqlite3"
    settings.SIMULATED_SCALE = 0


@pytest.fixture
def fabric(vault) -> Fabric:
    return make_fabric(hosts=2)
