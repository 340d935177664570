"""Every test of the suite runs once per bench."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabric.hypervisors.base import Hypervisor
from tests.contract.hypervisors.benches import BENCHES, Bench


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return BENCHES[request.param](tmp_path)


@pytest.fixture
def host(bench: Bench) -> Hypervisor:
    return bench.host
